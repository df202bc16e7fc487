/** The cluster as a whole for programs: nodes, devices, interfaces and links. */
import { parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import type { PlacementDevice } from '../placement/request.js';
import type { ClusterTopology, TopologyDevice, TopologyNode } from '../topology/cluster-topology.js';
import type { NodeFacts } from './facts.js';
import type { NodeDescriber } from './node-describer.js';
import type { NodeLinks } from './node-links.js';
import type { NodeSettings } from './settings.js';

export interface TopologyParts {
  readonly settings: NodeSettings;
  readonly peers: Peers;
  readonly describer: NodeDescriber;
  readonly links: NodeLinks;
}

const describeDeadlineMilliseconds = 10_000;

/** `fresh`: links are measured anew, within about a second. */
export async function clusterTopology(
  parts: TopologyParts,
  fresh: boolean,
  signal?: AbortSignal,
): Promise<ClusterTopology> {
  const { settings, peers, describer, links } = parts;
  const described = new Map<string, Pick<TopologyNode, 'devices' | 'devicePaths'>>();
  // Without a model: devices alone.
  const own = describer.describe().then((facts) => described.set(settings.nodeId, hardwareOf(facts)));
  const others = peers.list().map(async ({ nodeId, nodeName, connection }) => {
    const how = { signal, deadlineMilliseconds: describeDeadlineMilliseconds };
    const { factsJson } = await connection.call('describe', {}, how);
    const facts = parseDocument<NodeFacts>(factsJson, `the description of node ${nodeName}`);
    described.set(nodeId, hardwareOf(facts));
  });
  const [{ reports, silent }] = await Promise.all([
    fresh ? links.fresh(signal) : links.known(signal),
    // A node that does not describe itself is shown without devices.
    Promise.allSettled([own, ...others]),
  ]);
  signal?.throwIfAborted();
  const nodes = reports.map(
    ({ offer: { nodeId, nodeName, machineId, interfaces } }): TopologyNode => ({
      nodeId,
      nodeName,
      machineId,
      interfaces,
      ...(described.get(nodeId) ?? { devices: [] }),
    }),
  );
  return {
    nodes: [
      ...nodes,
      ...silent.map(({ nodeId, nodeName, reason }) => ({
        nodeId,
        nodeName,
        interfaces: [],
        ...(described.get(nodeId) ?? { devices: [] }),
        silent: reason,
      })),
    ],
    links: reports.flatMap((report) => report.links),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

function hardwareOf({ devices, devicePaths }: NodeFacts): Pick<TopologyNode, 'devices' | 'devicePaths'> {
  return { devices: usable(devices), ...(devicePaths === undefined ? {} : { devicePaths }) };
}

function usable(devices: readonly PlacementDevice[]): TopologyDevice[] {
  return devices.flatMap(({ backend, properties }) => {
    if (!properties.available) return [];
    const { id, kind, name, pciAddress } = properties;
    return [{ backend, deviceId: id, kind, name, ...(pciAddress === undefined ? {} : { pciAddress }) }];
  });
}
