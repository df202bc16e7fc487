import { type PlacementResult, parsePlanShape, place } from '@shoal/core';
import { type JoinableNode, placeJoined } from '@shoal/core/internal/node/joined-placement.js';
import t from 'tap';
import { device, gibibyte, llamaModel, node as placementNode, requestFor, tiny } from '../placement/llama-model.js';

const model = llamaModel(tiny);

/** Nodes on machines of their own, with as much memory as said: placement takes the largest first. */
const node = (nodeName: string, gibibytes: number, ...names: readonly string[]) => ({
  ...placementNode(nodeName, device(gibibytes * gibibyte)),
  machineId: `machine of ${nodeName}`,
  processId: `process of ${nodeName}`,
  transports: names.map((name) => ({
    name,
    preference: 10,
    reach: 'network' as const,
    availability: { available: true as const },
  })),
});

type Node = ReturnType<typeof node> & JoinableNode;

/** Names of the plan's nodes and of those left out, or what is refused; and how often placement was asked. */
function planned(nodes: readonly Node[], shape: string) {
  let attempts = 0;
  const placeOn = (some: readonly Node[]): PlacementResult => {
    attempts += 1;
    return place(requestFor(model, some, { shape: parsePlanShape(shape), preferredNodeId: nodes[0]?.nodeId ?? '' }));
  };
  const { result, leftOut } = placeJoined(nodes, nodes[0]?.nodeId ?? '', placeOn);
  const members =
    'plan' in result ? result.plan.stages.flatMap((stage) => stage.members.map(({ nodeName }) => nodeName)) : [];
  return {
    members: members.sort().join(' '),
    leftOut,
    refused: 'refusal' in result ? result.refusal.message : false,
    attempts,
  };
}

t.test('nodes that are joined are planned once, with nobody left out', async (t) => {
  const nodes = [node('anna', 4, 'tcp'), node('ben', 16, 'tcp', 'unix'), node('carl', 8, 'tcp')];
  t.match(planned(nodes, 'pp=2'), { members: 'ben carl', leftOut: [], attempts: 1 });
});

t.test('a node that shares no transport is left out, with the reason', async (t) => {
  const nodes = [node('anna', 16, 'tcp'), node('ben', 8, 'unix'), node('carl', 4, 'tcp')];
  t.same(planned(nodes, 'pp=2'), {
    members: 'anna carl',
    leftOut: [{ nodeName: 'ben', reason: 'shares no transport with anna: tcp is not on ben; unix is not on anna' }],
    refused: false,
    attempts: 2,
  });
});

t.test('the node that was asked is left out only where no plan has it', async (t) => {
  const nodes = [node('anna', 16, 'tcp'), node('ben', 8, 'unix'), node('carl', 4, 'unix')];
  const { members, leftOut } = planned(nodes, 'pp=2');
  t.equal(members, 'ben carl');
  t.match(leftOut, [{ nodeName: 'anna', reason: /^shares no transport with (ben|carl): / }]);
});

t.test('a node without any transport works alone, or not at all', async (t) => {
  const nodes = [node('anna', 16), node('ben', 8, 'tcp'), node('carl', 4, 'tcp')];
  t.match(planned(nodes, 'pp=2'), { members: 'ben carl' });
  const { members, leftOut } = planned(nodes, 'pp=1');
  t.not(members, 'anna', 'members listen, even alone');
  t.match(leftOut, [{ nodeName: 'anna', reason: 'has no transport: none is listed' }]);
});

t.test('where no plan is joined, that is said', async (t) => {
  const nodes = [node('anna', 16, 'tcp'), node('ben', 8, 'unix')];
  t.match(planned(nodes, 'pp=2'), {
    members: '',
    leftOut: [],
    refused: /no transport joins anna and ben \(anna has tcp; ben has unix\)/,
  });
  const strangers = Array.from({ length: 24 }, (_, index) => node(`node ${index}`, 8, `own ${index}`));
  const { leftOut, attempts, refused } = planned(strangers, 'pp=2');
  t.match(refused, /no transport joins/);
  t.same(leftOut, []);
  t.ok(attempts <= 16, 'the search is short');
});

t.test('a refusal stays as it is', async (t) => {
  t.match(planned([node('anna', 16, 'tcp')], 'pp=2'), { refused: /needs 2 devices/, leftOut: [], attempts: 1 });
});
