import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Finding } from 'shoal';
import { socketFinding } from 'shoal/internal/doctor/home.js';
import { clockFinding } from 'shoal/internal/doctor/machine.js';
import t from 'tap';
import { shoal } from '../support/command.js';
import { repositoryRoot } from '../support/repository.js';

function temporaryHome(t: Pick<typeof import('tap').t, 'teardown'>): string {
  const home = mkdtempSync(path.join(tmpdir(), 'shoal-doctor-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

t.test('a healthy machine', async (t) => {
  const home = temporaryHome(t);
  const { code, output, errors } = await shoal(['doctor', '--json', '--home', home]);
  const findings = JSON.parse(output) as Finding[];
  t.same(
    findings.filter(({ status }) => status === 'problem'),
    [],
    errors,
  );
  t.equal(code, 0);
  const looked = findings.map(({ area, name }) => `${area} ${name}`);
  for (const expected of ['machine processor', 'machine memory', 'machine disk', 'machine clock', `home ${home}`]) {
    t.ok(looked.includes(expected), expected);
  }
  for (const expected of ['node loopback', 'node running node', 'model shoal-tiny-chat', 'engine native']) {
    t.ok(looked.includes(expected), expected);
  }
  const messageOf = (name: string, area: string) =>
    findings.find((finding) => finding.name === name && finding.area === area)?.message;
  t.match(messageOf('native', 'engine'), /^version \d+\.\d+\.\d+, .*\.node$/);
  t.match(messageOf('cpu', 'backend'), /^ggml \d\S+, ggml-cpu\S* in \S/);
  t.match(
    findings.find(({ area }) => area === 'model'),
    { message: /^LlamaForCausalLM, \d+ MiB, digest [0-9a-f]{12}, 768 tokens, a chat template$/ },
  );
});

t.test('what is wrong is a problem with a remedy, and the exit code says so', async (t) => {
  const home = temporaryHome(t);
  writeFileSync(path.join(home, 'cluster.key'), '0'.repeat(64));
  chmodSync(path.join(home, 'cluster.key'), 0o644);
  mkdirSync(path.join(home, 'models', 'broken'), { recursive: true });
  writeFileSync(path.join(home, 'models', 'broken', 'config.json'), '{');
  const { code, output } = await shoal(['doctor', '--home', home]);
  t.equal(code, 1);
  t.match(output, /✗ model +broken +MODEL_CONFIG_INVALID: /);
  if (process.platform !== 'win32')
    t.match(output, /cluster\.key +others of this machine may read it \(mode 644\)\n +→ chmod 600 /);
});

t.test('models whose text side is broken', async (t) => {
  const home = temporaryHome(t);
  const copy = (name: string, file: string, content: string) => {
    const shipped = path.join(repositoryRoot, 'models', 'shoal-tiny-chat');
    const directory = path.join(home, 'models', name);
    mkdirSync(directory, { recursive: true });
    for (const part of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
      copyFileSync(path.join(shipped, part), path.join(directory, part));
    }
    writeFileSync(path.join(directory, file), content);
  };
  copy('no-words', 'tokenizer.json', '{"model": {}}');
  copy('no-turns', 'chat_template.jinja', '{% for %}');
  copy('prompts-alone', 'tokenizer_config.json', '{}');
  const { code, output } = await shoal(['doctor', '--home', home]);
  t.equal(code, 1);
  t.match(output, /✗ model +no-words +MODEL_TOKENIZER_INVALID: .*\n +→ /);
  t.match(output, /✗ model +no-turns +MODEL_TEMPLATE_INVALID: .*\n +→ /);
  t.match(output, /✓ model +prompts-alone +.*, no chat template: prompts alone/);
});

t.test('a way to find peers that does not work here', async (t) => {
  const home = temporaryHome(t);
  const plugin = path.join(home, 'deaf.mjs');
  const availability = { available: false, reason: 'nothing is heard', remedy: 'Open the window.' };
  writeFileSync(
    plugin,
    `export default { kind: 'discovery', name: 'deaf', specVersion: 2, create: () => ({
      async *watch() {}, async announce() {}, async availability() { return ${JSON.stringify(availability)}; } }) };`,
  );
  const manifest = path.join(home, 'list.json');
  writeFileSync(manifest, JSON.stringify({ plugins: [{ module: './deaf.mjs' }] }));
  const { output, errors } = await shoal(['doctor', '--json', '--home', home, '--plugins', manifest]);
  const findings = JSON.parse(output) as Finding[];
  t.match(
    findings.find(({ area }) => area === 'discovery'),
    { name: 'deaf', status: 'warning', message: 'nothing is heard', remedy: 'Open the window.' },
    errors,
  );
});

t.test('a home with a long path', { skip: process.platform === 'win32' && 'pipes have no such limit' }, async (t) => {
  t.match(socketFinding('/home/someone/.shoal'), { status: 'ok', message: /node\.sock, \d+ of 100 bytes$/ });
  const far = path.join('/', 'far'.repeat(50));
  t.match(socketFinding(far), {
    status: 'ok',
    message: /, \d+ of 100 bytes; the path of the home is too long for it$/,
  });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = far;
  try {
    t.match(socketFinding(far), { status: 'problem', message: /its path is too long/, remedy: /TMPDIR/ });
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
});

t.test('a clock that stands in the past is noticed', async (t) => {
  t.equal(clockFinding(new Date('1970-01-01T00:10:00Z')).status, 'problem');
  t.equal(clockFinding(new Date('2027-01-01T00:00:00Z')).status, 'ok');
});
