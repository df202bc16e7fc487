import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createScriptDevice, probeCpu, version } from '@shoal/engine-node';
import { libraryPath } from '@shoal/engine-node/library';
import t from 'tap';
import { runScript, runtimes } from '../../../../test/src/support/runtimes.js';

const script = (name: string) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

t.test('the addon has the version of its package', async (t) => {
  const { default: manifest } = await import('@shoal/engine-node/package.json', { with: { type: 'json' } });
  t.equal(version(), manifest.version);
});

t.test('the processor is described', async (t) => {
  const found = probeCpu();
  if ('unavailable' in found) {
    t.fail(found.unavailable);
    return;
  }
  t.equal(found.id, 'cpu');
  t.match(found.library, /^ggml-cpu/);
  t.ok(found.memoryTotalBytes > 2 ** 28);
  t.ok(found.coreCount >= 1);
  t.equal(found.rowTile.f32, 1);
});

t.test('a processor without its library is a reason, not an exception', async (t) => {
  const { output } = await runScript(process.execPath, script('probe-without-library.js'), [], 30_000);
  t.match(JSON.parse(output), { unavailable: /^BACKEND_LIBRARY_MISSING: .*no-such-folder/s });
});

t.test('wrong arguments have a code', async (t) => {
  const device = { compile: () => Promise.reject(new Error('never called')) };
  t.throws(() => createScriptDevice(device, { callTimeoutMilliseconds: 0 }), { code: 'ARGUMENT_INVALID' });
});

t.test('a closed device has no table any more', async (t) => {
  const handle = createScriptDevice({ compile: () => Promise.reject(new Error('never called')) });
  t.type(handle.table, 'bigint');
  handle.close();
  handle.close();
  t.throws(() => handle.table, { code: 'BACKEND_DEVICE_UNAVAILABLE' });
});

t.test('an addon that is missing or broken is a coded error that says what was tried', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-addon-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const broken = join(folder, 'broken.node');
  writeFileSync(broken, 'this is no library');
  for (const path of [join(folder, 'absent.node'), broken]) {
    const { output } = await runScript(process.execPath, script('import-addon.js'), [path], 30_000);
    const error = JSON.parse(output) as { code: string; message: string };
    t.equal(error.code, 'ENGINE_UNAVAILABLE');
    t.ok(error.message.includes(path), 'the message names the file');
  }
});

t.test('an addon of other sources is refused, with what it lacks and what to do', async (t) => {
  const words = [libraryPath(), 'createScriptChannel', 'LoadAbort'];
  const { output } = await runScript(process.execPath, script('import-addon.js'), words, 30_000);
  t.match(JSON.parse(output), {
    code: 'ENGINE_UNAVAILABLE',
    message: /it lacks createScriptChannel, LoadAbort\. In a clone, build it again with `npm run build:native`/,
  });
});

const bun = runtimes().find(({ name }) => name === 'Bun');

t.test('bun:ffi opens the same file', { skip: bun?.command ? false : `Bun is ${bun?.missing}` }, async (t) => {
  const { code, output, errors } = await runScript(bun?.command ?? '', script('c-interface.js'), [], 30_000);
  t.equal(code, 0, errors);
  t.same(JSON.parse(output), { version: version(), status: 'TRANSPORT_PEER_LOST', length: 19, cut: 'TRAN' });
});
