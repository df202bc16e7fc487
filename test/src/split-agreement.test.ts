// A cluster whose network splits: both halves go on with a leader of their own, take decisions, and agree when they meet.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterState, LoadedModel } from 'shoal';
import t from 'tap';
import { EmulatedCluster } from './support/emulated-cluster.js';
import { emulatedNetworkProblem } from './support/emulated-network.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';
const deadlineMilliseconds = 90_000;

const skip = emulatedNetworkProblem() ?? false;

/** The states of all clusters, once they are as wanted. */
async function until(
  clusters: readonly Cluster[],
  what: string,
  isWanted: (states: readonly ClusterState[]) => boolean,
): Promise<readonly ClusterState[]> {
  const end = performance.now() + deadlineMilliseconds;
  for (;;) {
    const states = await Promise.all(clusters.map((cluster) => cluster.state()));
    if (isWanted(states)) return states;
    if (performance.now() > end) throw new Error(`not in time: ${what}: ${JSON.stringify(states, undefined, 1)}`);
    await sleep(100);
  }
}

const present = ({ nodes }: ClusterState) => nodes.filter(({ isPresent }) => isPresent).length;
const haveOneLeader = (states: readonly ClusterState[]) =>
  new Set(states.map(({ leader }) => leader.nodeId)).size === 1 &&
  states.every(({ leader, nodes }) => !leader.isCampaigning && nodes.some((one) => one.isLeader && one.isPresent));

/** Asks again and again until told to stop; resolves with how many answers came, all of them right. */
function askOn(model: LoadedModel, signal: AbortSignal): Promise<number> {
  const run = async () => {
    let count = 0;
    for (; !signal.aborted; count++) {
      const { text } = await model.chat(question).result;
      if (text !== answer) throw new Error(`answer ${count} was ${text}`);
      await sleep(20);
    }
    return count;
  };
  const counted = run();
  counted.catch(() => undefined);
  return counted;
}

t.test('both halves of a split network serve, decide, and agree when it heals', { skip }, async (t) => {
  await using hosts = await EmulatedCluster.start({ hosts: 4, seed: 31, links: { delay: { microseconds: 1000 } } });
  await hosts.meet();
  const clusters = await Promise.all(hosts.nodes.map((_node, index) => hosts.attach(index)));
  try {
    const [first, second, third, fourth] = clusters as [Cluster, Cluster, Cluster, Cluster];
    const names = hosts.network.hosts.map(({ name }) => name) as [string, string, string, string];
    const [before] = await until(
      clusters,
      'one leader of four',
      (states) => haveOneLeader(states) && states.every((state) => present(state) === 4),
    );
    t.ok(before && before.leader.seniority >= 0, 'a lasting node leads');
    const models = await Promise.all([
      first.load('shoal-tiny-chat', { plan: 'pp=1' }),
      fourth.load('shoal-tiny-chat', { plan: 'pp=1' }),
    ]);
    const heads = models.map(({ plan }) => plan.stages[0]?.members[0]?.nodeName);

    const wish = await first.keep('shoal-tiny-chat', { plan: 'pp=1', contextLength: 512 });
    const keptBy = ({ instances }: ClusterState) =>
      instances.filter((one) => one.wish === wish && one.state === 'ready' && one.isPresent);
    await until(clusters, 'a model is kept loaded', (states) => states.every((state) => keptBy(state).length === 1));

    await hosts.network.partition(names.slice(0, 2), names.slice(2));
    const [left] = await until([first, second], 'the first half has a leader', (states) => {
      return haveOneLeader(states) && states.every((state) => present(state) === 2);
    });
    const [right] = await until([third, fourth], 'the second half has a leader', (states) => {
      return haveOneLeader(states) && states.every((state) => present(state) === 2);
    });
    t.not(left?.leader.nodeId, right?.leader.nodeId);
    t.same(heads, [names[0], names[3]], 'where they were asked for');
    for (const model of models) t.equal((await model.chat(question).result).text, answer, 'every half serves');
    // The half that has lost the model that is to be kept loads its own.
    const halves = await Promise.all(
      [first, third].map((one) =>
        until([one], 'both halves keep it', ([state]) => state !== undefined && keptBy(state).length === 1),
      ),
    );
    const kept = halves.flatMap(([state]) => (state ? keptBy(state) : []).map(({ instance }) => instance));
    t.equal(new Set(kept).size, 2, 'each half has one');
    const keptModels = await Promise.all([first.model(kept[0] ?? ''), third.model(kept[1] ?? '')]);
    const enough = new AbortController();
    const asking = keptModels.map((model) => askOn(model, enough.signal));
    await first.cordon(names[1], { reason: 'decided on the left' });
    await fourth.cordon(names[2], { reason: 'decided on the right' });
    await third.pause(names[0], { reason: 'it was not there to hear it' });

    await hosts.network.heal();
    const states = await until(
      clusters,
      'one leader and one state',
      (found) =>
        haveOneLeader(found) &&
        found.every((state) => present(state) === 4) &&
        found.every(({ nodes }) => nodes.filter(({ cordoned, paused }) => cordoned ?? paused).length === 3) &&
        new Set(found.map((state) => JSON.stringify(state))).size === 1,
    );
    const ordered = states[0]?.nodes.map(({ nodeName, cordoned, paused }) => [nodeName, cordoned, paused]);
    t.match(ordered, [
      [names[0], undefined, 'it was not there to hear it'],
      [names[1], 'decided on the left', undefined],
      [names[2], 'decided on the right', undefined],
      [names[3], undefined, undefined],
    ]);
    t.same(
      states[0]?.instances
        .filter((one) => one.wish === undefined)
        .map(({ instance, state }) => [instance, state])
        .sort(),
      models.map(({ instance }) => [instance, 'ready']).sort(),
      'nothing was unloaded',
    );
    await second.resume(names[0]);
    for (const model of models) t.equal((await model.chat(question).result).text, answer);

    // One of the two is enough; whoever asks does not notice which.
    const last = await until(clusters, 'it is kept once', (found) =>
      found.every((state) => keptBy(state).length === 1),
    );
    enough.abort();
    const counts = await Promise.all(asking);
    t.ok(
      counts.every((count) => count > 0),
      'every answer came, and was right',
    );
    t.ok(kept.includes(last[0]?.instances.find((one) => one.wish === wish)?.instance ?? ''), 'one of the two stays');
    for (const model of keptModels)
      t.equal((await model.chat(question).result).text, answer, 'both names are understood');
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.close()));
  }
});
