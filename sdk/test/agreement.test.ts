import { setTimeout as sleep } from 'node:timers/promises';
import { attach, type Cluster, type ClusterEvent, type ClusterState } from 'shoal';
import t from 'tap';
import { answer, processOf, question, startLocalNodes } from './support/local.js';

/** Generous: an election takes three seconds on a quiet machine. */
const deadlineMilliseconds = 60_000;

/** The states of all clusters, once they are as wanted. */
async function until(
  clusters: readonly Cluster[],
  isWanted: (states: readonly ClusterState[]) => boolean,
): Promise<readonly ClusterState[]> {
  const end = performance.now() + deadlineMilliseconds;
  for (;;) {
    const states = await Promise.all(clusters.map((cluster) => cluster.state()));
    if (isWanted(states)) return states;
    if (performance.now() > end) throw new Error(`not in time: ${JSON.stringify(states, undefined, 1)}`);
    await sleep(50);
  }
}

const agreesOnLeader = (states: readonly ClusterState[]) =>
  new Set(states.map(({ leader }) => leader.nodeId)).size === 1 && states.every(({ leader }) => !leader.isCampaigning);

t.test('nodes agree on a leader and on their instances; a leader that dies takes nothing with it', async (t) => {
  await using cluster = await startLocalNodes(3);
  const attached = await Promise.all(cluster.processes.map(({ home }) => attach({ home })));
  try {
    const everybody = [cluster, ...attached];
    const count = everybody.length;
    const [first] = await until(
      everybody,
      (states) => agreesOnLeader(states) && states.every(({ nodes }) => nodes.length === count),
    );
    const leaderId = first?.leader.nodeId ?? '';
    t.ok(
      cluster.processes.some(({ nodeId }) => nodeId === leaderId),
      'a lasting node leads, not the program that only asks',
    );
    t.same((await cluster.leader()).nodeId, leaderId);
    const listed = await cluster.nodes();
    t.match(listed.find(({ nodeId }) => nodeId === leaderId) ?? {}, { isLeader: true });
    t.match(listed.find(({ state }) => state === 'self') ?? {}, { isLeader: false, seniority: -1 });

    const others = cluster.processes.filter(({ nodeId }) => nodeId !== leaderId);
    const model = await cluster.load('shoal-tiny-chat', { contextLength: 1024 });
    const head = processOf(cluster, model, 0);
    await until(everybody, (states) =>
      states.every(({ instances }) =>
        instances.some(
          ({ instance, state, headNodeId }) =>
            instance === model.instance && state === 'ready' && headNodeId === head.nodeId,
        ),
      ),
    );
    // The instance must not be the dead leader's.
    const moved = head.nodeId === leaderId ? await cluster.move(model, { without: [leaderId] }) : model;
    const events: ClusterEvent[] = [];
    cluster.on('leader-changed', (event) => events.push(event));
    const leader = cluster.processes.find(({ nodeId }) => nodeId === leaderId);
    process.kill(leader?.processId ?? 0, 'SIGKILL');
    const survivors = everybody.filter(({ nodeId }) => nodeId !== leaderId);
    const states = await until(
      survivors,
      (found) => agreesOnLeader(found) && found.every((state) => state.leader.nodeId !== leaderId),
    );
    t.ok(others.some(({ nodeId }) => nodeId === states[0]?.leader.nodeId));
    t.match(events.at(-1) ?? {}, { kind: 'leader-changed', nodeId: states[0]?.leader.nodeId });
    t.equal((await moved.chat(question).result).text, answer, 'what was loaded serves');
    const [state] = await until(survivors, (found) =>
      found.every(({ nodes }) => nodes.some((node) => node.nodeId === leaderId && !node.isPresent)),
    );
    t.match(state?.instances ?? [], [{ instance: moved.instance, state: 'ready', isPresent: true }]);
  } finally {
    await Promise.all(attached.map((one) => one.close()));
  }
});

t.test('a node that leaves says so', async (t) => {
  await using cluster = await startLocalNodes(2);
  const [first, second] = cluster.processes;
  await until([cluster], ([state]) => state?.nodes.length === 3);
  process.kill(second?.processId ?? 0, 'SIGTERM');
  const [state] = await until([cluster], ([found]) => found?.nodes.length === 2);
  t.same(
    state?.nodes.map(({ nodeId }) => nodeId).sort(),
    [first?.nodeId, cluster.nodeId].sort(),
    'it is not remembered as one that is gone',
  );
});
