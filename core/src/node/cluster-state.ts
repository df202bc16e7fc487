/** The agreed state of the cluster as programs see it. */
import type { Leader } from '../consensus/options.js';
import { type ClusterState as AgreedState, cordonOf, pauseOfNode, pauseReason } from '../consensus/state.js';

/** What the cluster agrees on, as one of its nodes knows it. JSON. */
export interface ClusterState {
  readonly leader: ClusterLeader;
  /** By name. */
  readonly nodes: readonly ClusterNode[];
  /** By id. */
  readonly instances: readonly ClusterInstance[];
  /** Models that the cluster keeps loaded. */
  readonly wishes: readonly ClusterWish[];
}

export interface ClusterLeader {
  readonly nodeId: string;
  readonly nodeName: string;
  /** Counts campaigns; it was elected in this one. */
  readonly term: number;
  /** The size of the largest cluster that it has led, when it was elected; −1: it did not stand. */
  readonly seniority: number;
  /** The next leader is being elected; until then it goes on. */
  readonly isCampaigning: boolean;
}

export interface ClusterNode {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly offersDevices: boolean;
  /** Connected, or heard of through others. */
  readonly isPresent: boolean;
  readonly isLeader: boolean;
  readonly seniority: number;
  /** Why it takes no new shares. */
  readonly cordoned?: string;
  /** Present while it is drained: how many instances it still has a part in. */
  readonly draining?: { readonly remainingInstances: number };
  /** Why its instances take no new requests. */
  readonly paused?: string;
}

export interface ClusterInstance {
  readonly instance: string;
  readonly epoch: number;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly modelName: string;
  readonly headNodeId: string;
  readonly headNodeName: string;
  /** Whether its head is there. */
  readonly isPresent: boolean;
  readonly nodeIds: readonly string[];
  readonly wish?: string;
  /** Why it takes no new requests. */
  readonly paused?: string;
  /** Why it does not move away from nodes that are drained. */
  readonly stuck?: string;
}

export interface ClusterWish {
  readonly wish: string;
  readonly model: string;
}

/** Pure. */
export function describeCluster(
  state: AgreedState,
  leader: Leader & { readonly isCampaigning: boolean },
  isPresent: (nodeId: string) => boolean,
): ClusterState {
  const records = Object.values(state.facts).filter(({ fact }) => !fact.departed);
  const instances = records.flatMap(({ nodeId, fact }) =>
    fact.instances.map((one): ClusterInstance => {
      const { replaces: _replaces, millisecondsPerToken: _predicted, ...shown } = one;
      const paused = pauseReason(state, one);
      return {
        ...shown,
        headNodeId: nodeId,
        headNodeName: fact.nodeName,
        isPresent: isPresent(nodeId),
        ...(paused === undefined ? {} : { paused }),
      };
    }),
  );
  const nodes = records.map(({ nodeId, fact }): ClusterNode => {
    const { nodeName, softwareVersion, offersDevices, seniority } = fact;
    const cordon = cordonOf(state, nodeId);
    const paused = pauseOfNode(state, nodeId);
    const remainingInstances = instances.filter((one) => one.isPresent && one.nodeIds.includes(nodeId)).length;
    return {
      nodeId,
      nodeName,
      softwareVersion,
      offersDevices,
      isPresent: isPresent(nodeId),
      isLeader: nodeId === leader.nodeId,
      seniority,
      ...(cordon === undefined ? {} : { cordoned: cordon.reason }),
      ...(cordon?.draining ? { draining: { remainingInstances } } : {}),
      ...(paused === undefined ? {} : { paused }),
    };
  });
  const byName = (left: ClusterNode, right: ClusterNode) =>
    left.nodeName.localeCompare(right.nodeName) || (left.nodeId < right.nodeId ? -1 : 1);
  return {
    leader: { ...leader, nodeName: state.facts[leader.nodeId]?.fact.nodeName ?? '' },
    nodes: nodes.sort(byName),
    instances: instances.sort((left, right) => (left.instance < right.instance ? -1 : 1)),
    wishes: Object.values(state.decisions.registers).flatMap((writes) => {
      const change = writes[0]?.change;
      return change?.kind === 'want-model' ? [{ wish: change.wish, model: change.model }] : [];
    }),
  };
}
