import type { Change } from '@shoal/core/internal/consensus/changes.js';
import type { NodeFact } from '@shoal/core/internal/consensus/facts.js';
import { cordonOf, decisionsDigest, pauseOfNode } from '@shoal/core/internal/consensus/state.js';
import t from 'tap';
import { together } from './together.js';

const cordon = (nodeId: string): Change => ({ kind: 'cordon-node', nodeId, reason: 'a new fan' });

/** What became of a command, as far as is known. */
function ask(
  node: ReturnType<typeof together>['nodes'][number] | undefined,
  change: Change,
  deadlineMilliseconds = 15_000,
) {
  const outcome: { decided?: string; refused?: string; message?: string } = {};
  node?.consensus.command(
    change,
    {
      decided: ({ id }) => {
        outcome.decided = id;
      },
      refused: ({ code, message }) => Object.assign(outcome, { refused: code, message }),
    },
    { deadlineMilliseconds },
  );
  return outcome;
}

t.test('any node takes commands, and all nodes see what was decided', async (t) => {
  const { nodes, run, connectAll } = together(3);
  connectAll();
  run(10_000);
  for (const [index, node] of nodes.entries()) {
    const outcome = ask(node, cordon(`n${index + 1}`));
    run(100);
    t.ok(outcome.decided, `asked at n${index + 1}`);
  }
  for (const { consensus } of nodes) {
    t.strictSame(
      ['n1', 'n2', 'n3'].map((nodeId) => cordonOf(consensus.state, nodeId)?.reason),
      ['a new fan', 'a new fan', 'a new fan'],
    );
  }
});

t.test('a command that nobody confirms ends with a coded error that says so', async (t) => {
  const { nodes, run, connectAll, disconnect } = together(3);
  connectAll();
  run(10_000);
  // n3 leads; n1 still believes to be connected to it, but nothing arrives.
  const [first] = nodes;
  if (first) first.consensus.receive = () => undefined;
  disconnect('n1', 'n2');
  disconnect('n2', 'n3');
  const outcome = ask(first, cordon('n2'), 4000);
  run(5000);
  t.equal(outcome.refused, 'CLUSTER_COMMAND_UNCONFIRMED');
  t.match(
    outcome.message,
    /`cordon-node` was not confirmed by the leader, n3, within 4000 ms; it may still take effect/,
  );
});

t.test('a command outlives the leader that it was on its way to', async (t) => {
  const { nodes, run, connectAll } = together(3);
  connectAll();
  run(10_000);
  nodes[2]?.consensus.stop();
  const outcome = ask(nodes[0], cordon('n2'));
  run(2000);
  t.equal(outcome.decided, undefined);
  nodes[2]?.stop();
  run(6000);
  t.ok(outcome.decided);
  t.equal(nodes[0]?.consensus.leader.nodeId, 'n2');
  t.ok(nodes[1] && cordonOf(nodes[1].consensus.state, 'n2'));
});

t.test('two halves decide for themselves and agree when they meet', async (t) => {
  const { nodes, run, connectAll, connect, disconnect } = together(4);
  connectAll();
  run(10_000);
  for (const one of ['n1', 'n2']) for (const other of ['n3', 'n4']) disconnect(one, other);
  run(8000);
  const left = ask(nodes[0], cordon('n4'));
  const right = ask(nodes[3], { kind: 'pause-node', nodeId: 'n1', reason: 'a game' });
  run(500);
  t.ok(left.decided && right.decided, 'both halves serve');
  connect('n2', 'n3');
  run(12_000);
  const digests = new Set(nodes.map(({ consensus }) => decisionsDigest(consensus.state.decisions)));
  t.equal(digests.size, 1);
  for (const { consensus } of nodes) {
    t.equal(cordonOf(consensus.state, 'n4')?.draining, false);
    t.equal(pauseOfNode(consensus.state, 'n1'), 'a game');
    t.equal(consensus.leader.nodeId, nodes[0]?.consensus.leader.nodeId);
  }
});

t.test('a late joiner has everything, and its own words are heard', async (t) => {
  const { nodes, run, connectAll, connectOne } = together(3);
  connectAll([0, 1]);
  run(10_000);
  ask(nodes[0], cordon('n1'));
  run(100);
  connectOne(2);
  run(1000);
  t.ok(nodes[2] && cordonOf(nodes[2].consensus.state, 'n1'));
  const fact: NodeFact = {
    nodeName: 'renamed',
    softwareVersion: '0.1.0',
    offersDevices: true,
    departed: false,
    seniority: 0,
    instances: [],
  };
  nodes[2]?.consensus.say(fact);
  run(100);
  t.equal(nodes[0]?.consensus.state.facts.n3?.fact.nodeName, 'renamed');
});

t.test('a node whose earlier life is remembered outdoes it', async (t) => {
  const { nodes, run, connectAll } = together(2);
  const [first, second] = nodes;
  const ghost = first?.consensus.ownFact;
  if (!ghost) return t.fail('no fact');
  second?.consensus.receive('n1', {
    kind: 'fact',
    record: { ...ghost, incarnation: 7, version: 3, fact: { ...ghost.fact, nodeName: 'of old' } },
  });
  connectAll();
  run(3000);
  t.ok((first?.consensus.ownFact.incarnation ?? 0) > 7);
  t.equal(second?.consensus.state.facts.n1?.fact.nodeName, 'n1');
});

t.test('a cluster at rest says little', async (t) => {
  const { run, connectAll, sent } = together(5);
  connectAll();
  run(60_000);
  sent.length = 0;
  run(60_000);
  const bytes = sent.reduce((total, message) => total + JSON.stringify(message).length, 0);
  const perNodeAndSecond = bytes / 5 / 60;
  t.ok(perNodeAndSecond < 1000, `${Math.round(perNodeAndSecond)} bytes of JSON sent per node and second`);
  t.ok(
    sent.every(({ kind }) => kind === 'digest'),
    'digests only',
  );
});

t.test('closing fails what is open', async (t) => {
  const { nodes } = together(1);
  const [node] = nodes;
  node?.consensus.stop();
  await t.rejects(async () => node?.consensus.submit(cordon('n1')), { code: 'CLUSTER_CLOSED' });
});
