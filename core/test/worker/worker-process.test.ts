import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorkerProcess, workerEnvironment } from '@shoal/core/internal/node/worker-process.js';
import t from 'tap';

const name = 'stage 0, member 0 of x on node a';

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
  } catch {
    return false;
  }
  try {
    // A process that has ended but was not yet waited for by anybody still has an entry.
    return !/\) [ZX] /.test(readFileSync(`/proc/${processId}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

async function gone(processId: number): Promise<boolean> {
  const end = performance.now() + 60_000;
  while (isRunning(processId)) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}

t.test('a worker starts, answers with coded errors and closes in order', async (t) => {
  const worker = await startWorkerProcess({ name, onEvent: () => undefined });
  t.ok(isRunning(worker.processId ?? 0));
  await t.rejects(worker.call('statistics', {}), { code: 'INSTANCE_NOT_FOUND' });
  await worker.stop();
  t.notOk(isRunning(worker.processId ?? 0));
  await worker.stop();
  await t.rejects(worker.call('statistics', {}), { code: 'ENGINE_WORKER_EXITED' });
});

t.test('a worker that is killed fails what waits for it, by name and at once', async (t) => {
  const worker = await startWorkerProcess({ name, onEvent: () => undefined });
  process.kill(worker.processId ?? 0, 'SIGKILL');
  const reason = await worker.ended;
  t.equal(reason.code, 'ENGINE_WORKER_EXITED');
  t.match(reason.message, /stage 0, member 0 of x on node a was ended by SIGKILL/);
});

t.test('the end of what a failing worker wrote is in its error', async (t) => {
  const worker = await startWorkerProcess({ name, onEvent: () => undefined });
  // Fails when it is told to: the answer to the order comes first.
  const signal = join(t.testdir(), 'cut');
  const script = `
    import { existsSync } from 'node:fs';
    setInterval(() => { if (existsSync(${JSON.stringify(signal)})) throw new Error('the cable is cut'); }, 10);
    export default {}`;
  const order = {
    plugins: [
      {
        kind: 'transport' as const,
        name: 'broken',
        version: '1',
        module: `data:text/javascript,${encodeURIComponent(script)}`,
        export: 'default',
        options: {},
      },
    ],
    transport: 'broken',
    credentials: { instance: '0'.repeat(16), epoch: 1, secret: '0'.repeat(64) },
    self: { stage: 0, member: 0 },
    bindAddress: '127.0.0.1',
  };
  await t.rejects(worker.call('prepare', order), { code: 'PLUGIN_LOAD_FAILED' });
  writeFileSync(signal, '');
  const reason = await worker.ended;
  t.match(reason.message, /ended with code 1; it said last:/);
  t.match(reason.message, /the cable is cut/);
});

t.test('a worker ends when its host is killed', async (t) => {
  const host = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { startWorkerProcess } from '@shoal/core/internal/node/worker-process.js';
       const worker = await startWorkerProcess({ name: 'x', onEvent: () => undefined });
       process.stdout.write(String(worker.processId));
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [output] = (await once(host.stdout, 'data')) as [Buffer];
  const workerId = Number(output.toString());
  t.ok(isRunning(workerId));
  host.kill('SIGKILL');
  t.ok(await gone(workerId), 'the worker is gone');
});

t.test('workers see of the environment what they need and nothing else', async (t) => {
  const environment = workerEnvironment({
    PATH: '/bin',
    LD_LIBRARY_PATH: '/opt/lib',
    CUDA_VISIBLE_DEVICES: '0',
    AWS_SECRET_ACCESS_KEY: 'secret',
    HF_TOKEN: 'secret',
    SHOAL_HOME: '/home/x/.shoal',
    SHOAL_ENGINE_PATH: '/opt/engine.node',
    NODE_OPTIONS: '--inspect',
  });
  t.same(Object.keys(environment).sort(), ['CUDA_VISIBLE_DEVICES', 'LD_LIBRARY_PATH', 'PATH', 'SHOAL_ENGINE_PATH']);
});

t.test('starting a worker can be called off', async (t) => {
  await t.rejects(startWorkerProcess({ name, onEvent: () => undefined, signal: AbortSignal.abort() }));
});
