// The one line that must be read is about what is so now.
import { apply, applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import { headerView } from '@shoal/tui/internal/views/header.js';
import { nodeView } from '@shoal/tui/internal/views/node.js';
import { topologyFigures } from '@shoal/tui/internal/views/topology-figures.js';
import t from 'tap';
import { attached, begin, cluster } from '../support/sample.js';

const [loaded] = cluster.instances;
const failure = { code: 'ENGINE_WORKER_EXITED', message: 'its worker ended' };
const failed = { ...loaded, instance: 'fedcba9876543210', state: 'failed', failure };
const alertOf = (instances: readonly unknown[]) => {
  const nodes = cluster.nodes.filter(({ state }) => state !== 'unreachable');
  const update = { ...cluster, nodes, instances } as unknown as Update;
  return headerView(applyAll(initialState(begin), [attached, update]), begin).alert?.text;
};

t.test('a model that failed is told of until it is served again', async (t) => {
  t.equal(alertOf([failed]), 'tiny-llama failed: its worker ended');
  t.equal(alertOf([failed, { ...loaded, state: 'loading' }]), 'tiny-llama failed: its worker ended');
  t.equal(alertOf([failed, loaded]), undefined);
});

t.test('a stranger that was refused is not missed, neither while it is listed nor after', async (t) => {
  const stranger = { ...cluster.nodes[2], nodeId: '', nodeName: '10.0.0.9', addresses: ['10.0.0.9'], state: 'refused' };
  const [self] = cluster.nodes;
  const looked = (nodes: readonly unknown[]) => ({ ...cluster, nodes }) as unknown as Update;
  const met = apply(initialState(begin), looked([self, stranger]));
  t.equal(met.nodes.length, 2);
  t.equal(topologyFigures(met).totals.nodesMissing, 0);
  t.same(
    apply(met, looked([self])).nodes.map(({ nodeName }) => nodeName),
    ['anna'],
  );
});

t.test('whoever has chosen no node looks at the one that is asked', async (t) => {
  const nodes = cluster.nodes.map((node) => ({ ...node, state: node.nodeName === 'cleo' ? 'self' : 'connected' }));
  const state = apply(initialState(begin), { ...cluster, nodes } as unknown as Update);
  const context = { width: 'wide', now: begin } as const;
  t.equal(nodeView(state, context).title.text, 'cleo');
  t.equal(nodeView(state, { ...context, selected: 'anna-id' }).title.text, 'anna');
});
