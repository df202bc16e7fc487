import { compareCandidacies } from '@shoal/core/internal/consensus/election.js';
import type { Candidacy } from '@shoal/core/internal/consensus/messages.js';
import t from 'tap';
import { together } from './together.js';

const candidacy = (clock: number, seniority: number, commandCount: number, nodeId: string): Candidacy => ({
  clock,
  seniority,
  commandCount,
  nodeId,
  life: 'life',
});

t.test('one candidacy beats another by clock, seniority, command count, node id, in this order', async (t) => {
  const ascending = [
    candidacy(1, 9, 9, 'z'),
    candidacy(2, -1, 9, 'z'),
    candidacy(2, 0, 8, 'z'),
    candidacy(2, 0, 9, 'a'),
    candidacy(2, 0, 9, 'b'),
    candidacy(2, 1, 0, 'a'),
    candidacy(3, -1, 0, 'a'),
  ];
  for (const [index, one] of ascending.entries()) {
    for (const [other, another] of ascending.entries()) {
      t.equal(Math.sign(compareCandidacies(one, another)), Math.sign(index - other), `${index} against ${other}`);
    }
  }
});

t.test('alone, a node leads at once', async (t) => {
  const { nodes } = together(1);
  t.ok(nodes[0]?.consensus.isLeader);
  t.equal(nodes[0]?.consensus.leader.term, 0);
});

t.test('a campaign lasts three seconds, and its winner is as senior as its cluster is large', async (t) => {
  const { nodes, run, connectAll } = together(3);
  connectAll();
  run(2900);
  t.ok(
    nodes.every(({ consensus }) => consensus.isLeader),
    'everybody leads itself until the campaign has ended',
  );
  run(1000);
  t.strictSame(
    nodes.map(({ consensus }) => consensus.leader.nodeId),
    ['n3', 'n3', 'n3'],
    'nothing but the id tells them apart',
  );
  nodes[2]?.stop();
  run(5000);
  t.equal(nodes[0]?.consensus.leader.nodeId, 'n2');
  t.strictSame(nodes[2]?.leaders.at(-1)?.seniority, 0, 'elected at its first campaign as a beginner');
  const { nodes: others, run: go, connectAll: connect, connectOne } = together(4);
  connect([0, 1, 2]);
  go(10_000);
  t.equal(others[0]?.consensus.leader.nodeId, 'n3');
  connectOne(3);
  go(10_000);
  t.strictSame(
    others.map(({ consensus }) => consensus.leader.nodeId),
    ['n3', 'n3', 'n3', 'n3'],
    'a newcomer with a greater id does not displace who has led three nodes',
  );
  t.equal(others[3]?.consensus.leader.seniority, 3);
});

t.test('a node that does not stand leads only where nobody stands', async (t) => {
  const { nodes, run, connectAll } = together(2, { stands: [true, false] });
  connectAll();
  run(10_000);
  t.equal(nodes[1]?.consensus.leader.nodeId, 'n1');
  const nobody = together(2, { stands: [false, false] });
  nobody.connectAll();
  nobody.run(10_000);
  t.equal(nobody.nodes[0]?.consensus.leader.nodeId, 'n2');
  t.equal(nobody.nodes[0]?.consensus.leader.seniority, -1);
});
