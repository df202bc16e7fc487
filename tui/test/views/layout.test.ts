import { apply } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { DashboardState } from '@shoal/tui/internal/state/state.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import type { WidthClass } from '@shoal/tui/internal/views/blocks.js';
import { topologyView } from '@shoal/tui/internal/views/topology.js';
import t from 'tap';
import { begin } from '../support/sample.js';

/** So many nodes; the first of them in one stage each. */
function clusterOf(count: number, stages: number): DashboardState {
  const nodes = Array.from({ length: count }, (_, index) => ({
    nodeId: `id-${index}`,
    nodeName: `node-${String(index).padStart(4, '0')}`,
    state: index === 0 ? 'self' : index % 10 === 9 ? 'unreachable' : 'connected',
    addresses: [],
    softwareVersion: '0.1.0',
    ...(index % 10 === 8 ? { cordoned: 'kept free' } : {}),
  }));
  const plan = {
    modelName: 'm',
    slotCount: 1,
    stages: Array.from({ length: stages }, (_, stage) => ({
      layers: [stage, stage + 1],
      // The last node first: the ring goes by stages, not by names.
      members: [{ nodeId: `id-${stages - 1 - stage}`, nodeName: 'n', backend: 'cpu', deviceId: 'cpu', share: 1 }],
    })),
  };
  const instances = stages === 0 ? [] : [{ instance: '0123456789abcdef', state: 'ready', plan }];
  return apply(initialState(begin), { kind: 'cluster', at: begin, nodes, instances, state: {} } as unknown as Update);
}

const viewOf = (count: number, stages: number, width: WidthClass = 'wide') =>
  topologyView(clusterOf(count, stages), { width, now: begin });

t.test('few nodes make a ring in the order of their stages', async (t) => {
  const { layout, vertices, edges } = viewOf(4, 3);
  t.equal(layout, 'ring');
  t.same(
    vertices.map(({ id }) => id),
    ['id-2', 'id-1', 'id-0', 'id-3'],
  );
  t.same(
    vertices.map(({ x, y }) => [x, y]),
    [
      [0.5, 0],
      [1, 0.5],
      [0.5, 1],
      [0, 0.5],
    ],
  );
  const path = edges.map(({ from, to, isOnPath }) => `${from} ${to} ${isOnPath}`);
  t.same(path, ['id-2 id-1 true', 'id-1 id-0 true', 'id-0 id-2 true'], 'and the way back');
  t.same(
    viewOf(1, 1).vertices.map(({ x, y }) => [x, y]),
    [[0.5, 0.5]],
  );
});

t.test('more make a grid, on a narrow terminal always, in one column', async (t) => {
  t.equal(viewOf(12, 2).layout, 'ring');
  t.equal(viewOf(13, 2).layout, 'grid');
  const narrow = viewOf(3, 2, 'narrow');
  t.equal(narrow.layout, 'grid');
  t.same(new Set(narrow.vertices.map(({ x }) => x)), new Set([0.5]));
  t.same(
    narrow.vertices.map(({ y }) => y),
    [0.1667, 0.5, 0.8333],
  );
  t.equal(viewOf(50, 2).vertices.length, 50, 'fifty are not grouped');
});

t.test('more than fifty are grouped, and those with a part stay by themselves', async (t) => {
  for (const count of [51, 1000]) {
    const { vertices } = viewOf(count, 7);
    const [singles, groups] = [vertices.filter(({ nodeCount }) => nodeCount === 1), vertices.slice(7)];
    t.equal(singles.length, 7);
    t.equal(
      vertices.reduce((sum, { nodeCount }) => sum + nodeCount, 0),
      count,
      'nobody is lost',
    );
    t.same(
      groups.map(({ label }) => label.replace(/^\d+ /, '')),
      ['idle no devices', 'held back no devices', 'unreachable no devices'],
    );
    t.ok(vertices.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
  }
  const { vertices } = viewOf(1000, 60);
  t.ok(vertices.length < 10, 'too many with a part are grouped, too');
  t.ok(vertices.some(({ label }) => label === '48 working no devices'));
});

t.test('the filter is of the map, too', async (t) => {
  const state = clusterOf(60, 3);
  const found = topologyView(state, { width: 'wide', now: begin, filter: 'unreachable' });
  t.equal(found.vertices.length, 6);
  t.same(topologyView(state, { width: 'wide', now: begin, filter: 'no such' }).vertices, []);
  const selected = topologyView(state, { width: 'wide', now: begin, selected: 'group:unreachable no devices' });
  t.match(selected.details, [
    { label: 'nodes', text: 'node-0009, node-0019, node-0029, node-0039, node-0049, node-0059' },
  ]);
});
