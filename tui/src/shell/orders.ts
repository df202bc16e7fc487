/** What orders do to the cluster, and what is said when they are done. */
import { ShoalError } from '@shoal/core/client';
import type { Cluster } from 'shoal';
import type { Order } from '../keys/commands.js';
import type { ClusterSource } from '../source/source.js';
import type { DashboardState } from '../state/state.js';
import { isModel } from '../views/models-figures.js';

type Performed = Exclude<Order, { kind: 'show' | 'help' | 'quit' }>;

/** What is asked before it is done; undefined: nothing. */
export function questionOf(order: Order): string | undefined {
  if (order.kind === 'drain') return `Drain ${order.node}? What it has a part in moves to other nodes.`;
  if (order.kind === 'leave')
    return `Have ${order.node} leave the cluster? It is drained first, then its process ends.`;
  if (order.kind === 'unload') return `Unload ${order.model}? Its running requests end.`;
  return undefined;
}

/** Resolves with what to say. Rejects with the cluster's errors, NODE_UNREACHABLE without a connection. */
export async function perform(order: Performed, source: ClusterSource, state: () => DashboardState): Promise<string> {
  const { cluster } = source;
  if (cluster === undefined) throw new ShoalError('NODE_UNREACHABLE', 'there is no connection to a node');
  const said = await done(order, cluster, source, state);
  // What is said is seen, too.
  await source.look();
  return said;
}

async function done(
  order: Performed,
  cluster: Cluster,
  source: ClusterSource,
  state: () => DashboardState,
): Promise<string> {
  switch (order.kind) {
    case 'cordon':
      await cluster.cordon(order.node, { reason: 'from the dashboard' });
      return `${order.node} takes no new shares`;
    case 'uncordon':
      await cluster.uncordon(order.node);
      return `${order.node} takes shares again`;
    case 'drain':
      await cluster.drain(order.node, { reason: 'from the dashboard' });
      return `${order.node} is drained`;
    case 'pause':
      await cluster.pause(order.node, { reason: 'from the dashboard' });
      return `${order.node} takes no new requests`;
    case 'resume':
      await cluster.resume(order.node);
      return `${order.node} takes requests again`;
    case 'leave':
      await cluster.leave(order.node);
      return `${order.node} leaves`;
    case 'load':
      // Kept by the cluster, so that it outlives the dashboard.
      await cluster.keep(order.model);
      return `the cluster keeps ${order.model} loaded from now on`;
    case 'unload':
      return unload(order.model, cluster, state());
    case 'plan':
      return explain(order, cluster, source);
    case 'profile': {
      const topology = await cluster.topology({ fresh: true });
      source.tell({ kind: 'topology', topology });
      source.tell({ kind: 'machines', machines: await cluster.machines() });
      return `measured ${topology.links.length} links between ${topology.nodes.length} nodes anew`;
    }
  }
}

/** What the cluster keeps loaded would come again: its wish goes first. */
async function unload(named: string, cluster: Cluster, { wishes, instances }: DashboardState): Promise<string> {
  const found = instances.filter(({ instance, modelName }) => instance === named || modelName === named);
  const wished = new Set(found.flatMap(({ wish }) => wish ?? []));
  const dropped = wishes.filter(({ wish, model }) => wished.has(wish) || model === named);
  if (found.length === 0 && dropped.length === 0) {
    throw new ShoalError('INSTANCE_NOT_FOUND', `nothing that is loaded is called ${named}`);
  }
  for (const { wish } of dropped) await cluster.drop(wish);
  const kept = new Set(dropped.map(({ wish }) => wish));
  for (const { instance, wish } of found) if (wish === undefined || !kept.has(wish)) await cluster.unload(instance);
  return `${named} is unloaded`;
}

async function explain(
  { model, without, added }: Extract<Order, { kind: 'plan' }>,
  cluster: Cluster,
  source: ClusterSource,
): Promise<string> {
  const question = { model, without, added };
  source.tell({ kind: 'explaining', question });
  try {
    const isPretended = without.length + added.length > 0;
    // Else what is loaded would be in the way of what might be.
    const unloaded = isPretended ? await loadedInstance(cluster, model) : undefined;
    const explanation = await cluster.explain(model, {
      without,
      added: added.map((like) => ({ like })),
      ...(unloaded === undefined ? {} : { unloaded }),
    });
    source.tell({ kind: 'explained', question, explanation });
    return 'outcome' in explanation && 'refusal' in explanation.outcome
      ? `${model} cannot be placed`
      : `${model} is planned`;
  } catch (thrown) {
    const { code, message } = ShoalError.from(thrown);
    source.tell({ kind: 'explained', question, explanation: { failure: { code, message } } });
    throw thrown;
  }
}

/** Plans name models without their owners. */
async function loadedInstance(cluster: Cluster, model: string): Promise<string | undefined> {
  const ready = (await cluster.instances()).filter(({ state }) => state === 'ready');
  return ready.find((one) => one.model === model || isModel(model, one.plan.modelName))?.instance;
}
