/** What a look at the cluster changes: who is there, and what is loaded. */
import { unknown } from './figure.js';
import { emptyHistory, instanceColumns, nodeColumns } from './history.js';
import { byKeys, first, limits } from './limits.js';
import { cleanFailure, cleanPlan } from './plan-cleaning.js';
import { count, list, oneOf, optional, record, records, text } from './sanitize.js';
import type { DashboardState, InstanceState, NodePresence, NodeState, RequestState } from './state.js';
import type { Update } from './update.js';

type ClusterUpdate = Extract<Update, { kind: 'cluster' }>;
type Fields = Readonly<Record<string, unknown>>;

const presences: readonly NodePresence[] = ['self', 'connected', 'stalled', 'unreachable', 'refused'];

export function applyCluster(state: DashboardState, update: ClusterUpdate): DashboardState {
  const agreed = record(update.state) ?? {};
  const leader = record(agreed.leader);
  const nodes = nodesAfter(state.nodes, update);
  const agreedInstances = new Map(records(agreed.instances, limits.instances).map((one) => [one.instance, one]));
  const known = new Map(state.instances.map((one) => [one.instance, one]));
  const instances = records(update.instances, limits.instances)
    .map((one) => instanceAfter(known.get(text(one.instance)), one, agreedInstances.get(one.instance) ?? {}))
    .filter(({ instance }) => instance !== '')
    .sort(
      byKeys(
        ({ modelName }) => modelName,
        ({ instance }) => instance,
      ),
    );
  return {
    ...state,
    ...(leader === undefined
      ? {}
      : {
          leader: {
            nodeId: text(leader.nodeId),
            term: count(leader.term) ?? 0,
            isCampaigning: leader.isCampaigning === true,
          },
        }),
    selfNodeId: nodes.find(({ presence }) => presence === 'self')?.nodeId ?? state.selfNodeId,
    nodes,
    instances,
    wishes: records(agreed.wishes, limits.instances).map((one) => ({ wish: text(one.wish), model: text(one.model) })),
    requests: requestsAfter(state.requests, instances, update.at),
  };
}

function nodesAfter(before: readonly NodeState[], { nodes, at }: ClusterUpdate): readonly NodeState[] {
  const known = new Map(before.map((node) => [node.nodeId, node]));
  const listed = new Map<string, NodeState>();
  for (const summary of records(nodes, limits.nodes)) {
    // Who was only seen at an address has no id yet.
    const nodeId = text(summary.nodeId) || text(list(summary.addresses, 1)[0]) || text(summary.nodeName);
    if (nodeId !== '') listed.set(nodeId, nodeAfter(known.get(nodeId) ?? newNode(nodeId), summary));
  }
  const gone = before
    // A stranger that was refused has not left: it was never there.
    .filter(({ nodeId, presence }) => !listed.has(nodeId) && presence !== 'refused')
    .map((node): NodeState => ({ ...node, presence: 'gone', isLeader: false, goneAt: node.goneAt ?? at }))
    .filter(({ goneAt = at }) => at - goneAt <= limits.goneMilliseconds)
    .sort((left, right) => (right.goneAt ?? 0) - (left.goneAt ?? 0));
  return [...listed.values(), ...first(gone, limits.goneNodes)].sort(
    byKeys(
      ({ nodeName }) => nodeName,
      ({ nodeId }) => nodeId,
    ),
  );
}

/** What is known of a node before it says anything. */
export function newNode(nodeId: string): NodeState {
  const nothing = unknown('it has not told yet');
  return {
    nodeId,
    nodeName: nodeId,
    softwareVersion: '',
    addresses: [],
    presence: 'connected',
    isLeader: false,
    processorName: nothing,
    cores: nothing,
    memoryTotalBytes: nothing,
    memoryAvailableBytes: nothing,
    devices: [],
    conditions: {
      readAt: 0,
      loadByOthers: nothing,
      loadByNode: nothing,
      temperatureCelsius: nothing,
      temperatureLimitCelsius: nothing,
      throttled: nothing,
      powerWatts: nothing,
      battery: nothing,
    },
    history: emptyHistory(nodeColumns),
  };
}

function nodeAfter(before: NodeState, summary: Fields): NodeState {
  // What a summary may leave out must not stay from the last one.
  const { goneAt: _goneAt, cordoned: _c, draining: _d, paused: _p, code: _code, message: _m, ...kept } = before;
  const draining = record(summary.draining);
  return {
    ...kept,
    nodeName: text(summary.nodeName) || before.nodeId,
    softwareVersion: text(summary.softwareVersion, 40),
    addresses: list(summary.addresses, limits.addresses).flatMap((address) => text(address) || []),
    presence: oneOf(summary.state, presences, 'unreachable'),
    isLeader: summary.isLeader === true,
    ...optional('cordoned', text(summary.cordoned)),
    ...optional('paused', text(summary.paused)),
    ...optional('code', text(summary.code, 80)),
    ...optional('message', text(summary.message, 600)),
    ...(draining === undefined ? {} : { draining: { remainingInstances: count(draining.remainingInstances) ?? 0 } }),
  };
}

const instanceStates = ['loading', 'ready', 'failed', 'unloaded'] as const;

function instanceAfter(before: InstanceState | undefined, summary: Fields, agreed: Fields): InstanceState {
  const state = oneOf(summary.state, instanceStates, 'failed');
  const plan = cleanPlan(summary.plan);
  const nothing = unknown('it has not been looked at yet');
  const failure = record(summary.failure);
  const fresh = {
    members: [],
    waitingRequests: nothing,
    residentSlots: nothing,
    tokensPerSecond: nothing,
    history: emptyHistory(instanceColumns),
  };
  const { members, waitingRequests, residentSlots, tokensPerSecond, history } = before ?? fresh;
  return {
    instance: text(summary.instance, 40),
    epoch: count(summary.epoch) ?? 0,
    state,
    modelName: plan.modelName,
    plan,
    members,
    waitingRequests,
    residentSlots,
    tokensPerSecond,
    history,
    ...(failure === undefined ? {} : { failure: cleanFailure(failure) }),
    ...(state === 'loading' ? optional('loading', before?.loading) : {}),
    ...optional('paused', text(agreed.paused)),
    ...optional('stuck', text(agreed.stuck)),
    ...optional('wish', text(agreed.wish)),
  };
}

/** Requests of an instance that is gone, or has failed, run no more. */
function requestsAfter(
  requests: readonly RequestState[],
  instances: readonly InstanceState[],
  at: number,
): readonly RequestState[] {
  const serving = new Map(instances.map((one) => [one.instance, one]));
  const hasEnded = (request: RequestState) => {
    if (request.endedAt !== undefined) return false;
    const instance = serving.get(request.instance);
    return instance === undefined || instance.state === 'failed' || instance.state === 'unloaded';
  };
  if (!requests.some(hasEnded)) return requests;
  return requests.map((request): RequestState => {
    if (!hasEnded(request)) return request;
    const outcome = serving.get(request.instance)?.failure?.code ?? 'INSTANCE_NOT_FOUND';
    return { ...request, phase: 'failed', endedAt: at, outcome };
  });
}
