import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Finding } from 'shoal';
import { clockFinding } from 'shoal/internal/doctor/machine.js';
import t from 'tap';
import { shoal } from '../support/command.js';

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
  t.match(
    findings.find(({ area }) => area === 'model'),
    { message: /^LlamaForCausalLM, \d+ MiB, digest [0-9a-f]{12}$/ },
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

t.test('a clock that stands in the past is noticed', async (t) => {
  t.equal(clockFinding(new Date('1970-01-01T00:10:00Z')).status, 'problem');
  t.equal(clockFinding(new Date('2027-01-01T00:00:00Z')).status, 'ok');
});
