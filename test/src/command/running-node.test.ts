// Commands against a node that runs: what it writes down, and what it says of itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { LogRecord } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';
import { commandScript } from '../support/repository.js';

/** Starts `shoal node` in a home of its own; resolves once it is up. */
async function startNode(home: string, args: readonly string[] = []) {
  const words = [commandScript, 'node', '--json', '--exit-with-stdin', '--home', home, ...args];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const [first] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    started: JSON.parse(first) as { nodeName: string; addresses: string[] },
    errors: () => errors,
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await isSo())) if (performance.now() > end) throw new Error(`not in time: ${what}`);
}

const lines = <T>(text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

t.test('a running node', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'shoal-command-'));
  const home = path.join(root, 'home');
  const node = await startNode(home, ['--name', 'anchor', '--log-level', 'debug', '--log-file']);
  t.teardown(async () => {
    await node.stop();
    rmSync(root, { recursive: true, force: true });
  });

  await t.test('keeps what happened, its workers included', async (t) => {
    const run = await shoal(['run', 'shoal-tiny-chat', 'What is 12 plus 30?', '--home', home, '--quiet']);
    t.equal(run.output, '12 + 30 = 42.\n', run.errors);
    const { code, output } = await shoal(['logs', '--level', 'debug', '--json', '--home', home]);
    t.equal(code, 0);
    const records = lines<LogRecord>(output);
    for (const message of [/^anchor is up$/, /^loading shoal-tiny-chat over 1 members$/, /^shoal-tiny-chat serves$/]) {
      t.ok(
        records.find((record) => message.test(record.message)),
        String(message),
      );
    }
    t.match(
      records.find(({ area, level }) => area === 'worker' && level === 'debug'),
      {
        message: /the worker of stage 0, member 0 of shoal-tiny-chat on node anchor started/,
        fields: { processId: Number },
      },
    );
    t.notMatch(output, '12 plus 30', 'prompts are not written down');
    t.notMatch(output, readFileSync(path.join(home, 'cluster.key'), 'utf8').trim(), 'neither is the key');
    t.same(lines(readFileSync(path.join(home, 'logs', 'node.log'), 'utf8')).slice(0, records.length), records);
    t.match(node.errors(), /debug worker .* started/, 'and printed where that was asked for');
  });

  await t.test('filters by level and time, and names what it does not know', async (t) => {
    t.equal((await shoal(['logs', '--level', 'error', '--home', home])).output, '');
    const recent = await shoal(['logs', '--since', '2026-01-01', '--home', home]);
    t.match(recent.output, /^\d{4}-\d\d-\d\dT\S+Z info {2}node +anchor is up/);
    const unknown = await shoal(['logs', '--node', 'nobody', '--home', home]);
    t.equal(unknown.code, 1);
    t.match(unknown.errors, /^NODE_UNREACHABLE: no node "nobody" is connected; there are anchor/);
  });

  await t.test('shows what another node has written down, and what comes', async (t) => {
    const otherHome = path.join(root, 'other');
    mkdirSync(otherHome, { mode: 0o700 });
    copyFileSync(path.join(home, 'cluster.key'), path.join(otherHome, 'cluster.key'));
    const other = await startNode(otherHome, ['--name', 'other', '--peer', node.started.addresses[0] as string]);
    // A busy machine may need longer than a node waits for its peers when it starts.
    await until(async () => (await shoal(['nodes', '--home', home])).output.includes('other '), 'other is connected');
    const elsewhere = await shoal(['logs', '--node', 'other', '--json', '--home', home]);
    t.ok(
      lines<LogRecord>(elsewhere.output).some(({ message }) => message === 'other is up'),
      elsewhere.errors,
    );
    const follower = spawn(process.execPath, [commandScript, 'logs', '--follow', '--json', '--home', home], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(follower, 'exit');
    const seen: string[] = [];
    for await (const line of createInterface({ input: follower.stdout })) {
      const { message } = JSON.parse(line) as LogRecord;
      seen.push(message);
      if (message === 'other joined') void other.stop();
      if (message.startsWith('other left')) break;
    }
    t.ok(seen.includes('anchor is up'), 'what was kept comes first');
    follower.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    if (process.platform !== 'win32') t.equal(code, 130);
  });

  await t.test('is missed where none runs', async (t) => {
    const { code, output } = await shoal(['logs', '--json', '--home', path.join(root, 'empty')]);
    t.equal(code, 1);
    t.match(JSON.parse(output), { error: { code: 'NODE_NOT_RUNNING' } });
  });
});
