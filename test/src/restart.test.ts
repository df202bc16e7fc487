// A cluster that stops altogether, in order or not, and starts again: what was decided for it still holds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { attach, type Cluster, type ClusterState } from 'shoal';
import t from 'tap';
import type { StartedNode } from './support/command.js';
import { commandScript } from './support/repository.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const deadlineMilliseconds = 90_000;

// Not a folder of the test's own: a socket's path must be short.
const root = mkdtempSync(join(tmpdir(), 'shoal-restart-'));
const running = new Set<ChildProcess>();
t.teardown(async () => {
  await Promise.all([...running].map((child) => end(child, 'SIGKILL')));
  rmSync(root, { recursive: true, force: true });
});

interface RunningNode extends StartedNode {
  readonly child: ChildProcess;
  readonly errors: () => string;
}

async function start(name: string, peer?: RunningNode): Promise<RunningNode> {
  const home = join(root, name);
  const peers = peer === undefined ? [] : ['--peer', peer.addresses[0] ?? ''];
  const words = [commandScript, 'node', '--json', '--exit-with-stdin', '--home', home, '--no-api', ...peers];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { ...(JSON.parse(line) as StartedNode), child, errors: () => errors };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function until(
  cluster: Cluster,
  what: string,
  isWanted: (state: ClusterState) => boolean,
): Promise<ClusterState> {
  const limit = performance.now() + deadlineMilliseconds;
  for (;;) {
    const state = await cluster.state();
    if (isWanted(state)) return state;
    if (performance.now() > limit) throw new Error(`not in time: ${what}: ${JSON.stringify(state, undefined, 1)}`);
    await sleep(50);
  }
}

const areThere =
  (count: number) =>
  ({ nodes, leader }: ClusterState) =>
    nodes.filter(({ isPresent }) => isPresent).length === count && !leader.isCampaigning;

t.test('a cluster that stops and starts again', async (t) => {
  for (const name of ['one', 'two']) mkdirSync(join(root, name), { mode: 0o700 });
  let one = await start('one');
  copyFileSync(join(root, 'one', 'cluster.key'), join(root, 'two', 'cluster.key'));
  let two = await start('two', one);
  let cluster = await attach({ home: one.home });
  await until(cluster, 'both nodes', areThere(2));
  await cluster.rename(two.nodeId, 'den');
  await cluster.cordon(two.nodeId, { reason: 'a new fan' });
  const wish = await cluster.keep('shoal-tiny-chat', { plan: 'pp=1', contextLength: 512 });
  // At once: what was confirmed is on the disk of the node that was asked.
  await Promise.all([one, two].map(({ child }) => end(child, 'SIGKILL')));
  await cluster.close();

  await t.test('all at once, without a warning', async (t) => {
    one = await start('one');
    cluster = await attach({ home: one.home });
    t.match((await cluster.state()).wishes, [{ wish, model: 'shoal-tiny-chat' }], 'known before anybody else is there');
    two = await start('two', one);
    const state = await until(
      cluster,
      'the model is loaded again',
      (state) => areThere(2)(state) && state.instances.some((found) => found.wish === wish && found.state === 'ready'),
    );
    const den = state.nodes.find(({ nodeId }) => nodeId === two.nodeId);
    t.match(den, { nodeName: 'den', cordoned: 'a new fan' }, 'its name and its cordon');
    const [instance] = state.instances;
    t.equal(instance?.headNodeId, one.nodeId, 'where it may be');
    const model = await cluster.model(instance?.instance ?? '');
    t.equal((await model.chat(question).result).text, '12 + 30 = 42.');
    await cluster.drop(wish);
    await cluster.close();
  });

  await t.test('in order, and one of the homes is damaged meanwhile', async (t) => {
    await Promise.all([one, two].map(({ child }) => end(child, 'SIGTERM')));
    const file = readdirSync(one.home).find((name) => name.startsWith('decisions-')) ?? '';
    const text = readFileSync(join(one.home, file), 'utf8');
    writeFileSync(join(one.home, file), text.slice(1));
    const { nodeId } = one;
    one = await start('one');
    const limit = performance.now() + deadlineMilliseconds;
    while (!one.errors().includes('.unread') && performance.now() < limit) await sleep(20);
    t.match(one.errors(), /what was decided for the cluster cannot be read.*kept as .*\.unread/);
    t.equal(one.nodeId, nodeId, 'it is the same node');
    cluster = await attach({ home: one.home });
    t.same(
      (await cluster.state()).nodes.map(({ cordoned }) => cordoned),
      [undefined],
      'it knows of nothing',
    );
    two = await start('two', one);
    const state = await until(cluster, 'the other node has told', ({ nodes }) =>
      nodes.some(({ cordoned }) => cordoned),
    );
    t.match(
      state.nodes.find(({ nodeName }) => nodeName === 'den'),
      { nodeId: two.nodeId, cordoned: 'a new fan' },
    );
    t.same(state.wishes, [], 'what was taken back stays so');
    await cluster.close();
  });
});
