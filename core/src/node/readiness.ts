/** Whether the cluster is ready to work, as far as its nodes can tell: what `shoal doctor --cluster` looks at. */
import { parseDocument } from '../control/messages.js';
import type { Peer, Peers } from '../control/peers.js';
import { ShoalError } from '../spec/errors.js';
import type { NodeFacts, NodeSummary } from './facts.js';
import type { NodeDescriber } from './node-describer.js';
import { findTransport } from './transport-choice.js';

export interface NodeReadiness {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** What it says of itself; absent where it did not answer. */
  readonly facts?: NodeFacts;
  /** Its clock less that of the node that asks, and by how much that may be wrong. */
  readonly clock?: { readonly offsetMilliseconds: number; readonly uncertaintyMilliseconds: number };
  /** The nodes as it sees them. */
  readonly nodes?: readonly NodeSummary[];
  /** Why something is missing here. */
  readonly silent?: string;
}

/** JSON. */
export interface ClusterReadiness {
  /** The node that answers first. */
  readonly nodes: readonly NodeReadiness[];
  /** What would carry the activations between all of them. */
  readonly transport:
    | { readonly name: string }
    | { readonly apart: readonly string[]; readonly obstacles: readonly string[] };
}

export interface ReadinessHow {
  /** Neither clocks nor whom nodes see: for who looks every few seconds. */
  readonly factsOnly?: boolean;
}

export interface ReadinessParts {
  readonly self: { readonly nodeId: string; readonly nodeName: string; readonly softwareVersion: string };
  readonly peers: Peers;
  readonly describer: NodeDescriber;
  readonly listNodes: () => readonly NodeSummary[];
}

const deadlineMilliseconds = 10_000;

/** `model`: a name or folder to look for on every node. */
export async function clusterReadiness(
  { self, peers, describer, listNodes }: ReadinessParts,
  model: string | undefined,
  signal?: AbortSignal,
  { factsOnly = false }: ReadinessHow = {},
): Promise<ClusterReadiness> {
  const own = async (): Promise<NodeReadiness> => ({
    ...self,
    facts: await describer.describe(model),
    ...(factsOnly ? {} : { clock: { offsetMilliseconds: 0, uncertaintyMilliseconds: 0 }, nodes: listNodes() }),
  });
  const others = peers.list().map((peer) => readinessOf(peer, model, factsOnly, signal));
  const nodes = await Promise.all([own(), ...others]);
  const known = nodes.flatMap(({ facts }) => facts ?? []);
  const found = findTransport(known.filter(({ devices }) => devices.length > 0));
  return {
    nodes,
    transport:
      'transport' in found
        ? { name: found.transport }
        : { apart: found.apart.map(({ nodeName }) => nodeName), obstacles: found.obstacles },
  };
}

async function readinessOf(
  peer: Peer,
  model: string | undefined,
  factsOnly: boolean,
  signal?: AbortSignal,
): Promise<NodeReadiness> {
  const { nodeId, nodeName, softwareVersion, connection } = peer;
  const how = { signal, deadlineMilliseconds };
  const reasons: string[] = [];
  const orSilent = <Value>(asking: Promise<Value>): Promise<Value | undefined> =>
    asking.catch((thrown: unknown) => {
      signal?.throwIfAborted();
      reasons.push(ShoalError.from(thrown).message);
      return undefined;
    });
  // The clock first: what else is asked would be in its way.
  const clock = factsOnly ? undefined : await orSilent(clockOf(peer, how));
  const [facts, nodes] = await Promise.all([
    orSilent(
      connection
        .call('describe', model === undefined ? {} : { model }, how)
        .then(({ factsJson }) => parseDocument<NodeFacts>(factsJson, `the description of node ${nodeName}`)),
    ),
    factsOnly
      ? undefined
      : orSilent(
          connection
            .call('listNodes', {}, how)
            .then(({ nodesJson }) => parseDocument<NodeSummary[]>(nodesJson, `the node list of ${nodeName}`)),
        ),
  ]);
  return {
    nodeId,
    nodeName,
    softwareVersion,
    ...(facts === undefined ? {} : { facts }),
    ...(clock === undefined ? {} : { clock }),
    ...(nodes === undefined ? {} : { nodes }),
    ...(reasons[0] === undefined ? {} : { silent: reasons[0] }),
  };
}

/** As NTP does: the peer looked at its clock somewhere between the question and the answer. */
async function clockOf(
  { connection }: Peer,
  how: { readonly signal: AbortSignal | undefined; readonly deadlineMilliseconds: number },
): Promise<NonNullable<NodeReadiness['clock']>> {
  const askedAt = Date.now();
  const started = performance.now();
  const { clockMilliseconds } = await connection.call('clock', {}, how);
  const took = performance.now() - started;
  return { offsetMilliseconds: (clockMilliseconds ?? 0) - (askedAt + took / 2), uncertaintyMilliseconds: took / 2 };
}
