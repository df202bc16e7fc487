/** Clusters that are not: what a plan would be without a node, or with one more. Pure; nothing here is ever loaded. */
import type { PlacementDevice } from '../placement/request.js';
import { ShoalError } from '../spec/errors.js';
import type { Link } from '../spec/link.js';
import type { NodeFacts, NodeSummary } from './facts.js';
import { withoutNodes } from './node-list.js';
import type { InstanceSummary } from './service.js';
import { currentOf } from './successors.js';
import type { SurveyConditions } from './survey.js';

/** What an explanation pretends. JSON. */
export interface WhatIf {
  /** Names or ids of nodes that are taken to be gone. */
  readonly without?: readonly string[];
  /** Nodes that are taken to be there, too. */
  readonly added?: readonly PretendedNode[];
  /** An instance that is taken to be unloaded: its memory counts as free. */
  readonly unloaded?: string;
}

/** A machine like one that is there, with nothing loaded on it, on the same networks. */
export interface PretendedNode {
  /** Name or id of that one. */
  readonly like: string;
  /** Default: its name and a number. */
  readonly name?: string;
  /** Of each of its devices; default: all that the other one's has. */
  readonly memoryBytes?: number;
}

/** More would make planning slow, and no sense. */
export const maximumPretendedNodes = 256;

/** What planning has to look at. Throws ARGUMENT_INVALID for a node that is not there, INSTANCE_NOT_FOUND. */
export function conditionsOf(
  { without = [], added = [], unloaded }: WhatIf,
  nodes: readonly NodeSummary[],
  instances: readonly InstanceSummary[],
): SurveyConditions {
  const conditions = { without: withoutNodes(nodes, without, 'it is taken to be gone'), added };
  if (unloaded === undefined) return conditions;
  const freed = currentOf(instances, unloaded)?.plan;
  if (freed === undefined) throw new ShoalError('INSTANCE_NOT_FOUND', `no instance ${unloaded} is loaded`);
  return { ...conditions, freed };
}

interface KnownNodes {
  readonly facts: readonly NodeFacts[];
  readonly links: readonly Link[];
}

/**
 * The nodes and links with those that are pretended. A pretended node has the model's files, full speed and the links of the
 * one that it is like; the two are as far apart as that one is from its furthest neighbour. Throws ARGUMENT_INVALID.
 */
export function pretend({ facts, links }: KnownNodes, added: readonly PretendedNode[]): KnownNodes {
  const known: { facts: NodeFacts[]; links: Link[] } = { facts: [...facts], links: [...links] };
  for (const [index, one] of added.entries()) {
    const original = facts.find(({ nodeId, nodeName }) => nodeId === one.like || nodeName === one.like);
    if (original === undefined) {
      const message = `there is no node ${one.like} to be like; there are ${facts.map(({ nodeName }) => nodeName).join(', ')}`;
      throw new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'added', value: one.like } });
    }
    const nodeId = `pretended-${index + 1}`;
    known.links.push(...linksOfCopy(original.nodeId, nodeId, known.links));
    known.facts.push(copyOf(original, one, nodeId, index + 2));
  }
  return known;
}

function copyOf(original: NodeFacts, { name, memoryBytes }: PretendedNode, nodeId: string, count: number): NodeFacts {
  const { conditions: _conditions, ...facts } = original;
  return {
    ...facts,
    nodeId,
    nodeName: name ?? `${original.nodeName} (${count})`,
    // A machine of its own: it shares neither memory nor cores.
    machineId: nodeId,
    processId: nodeId,
    devices: original.devices.map((device) => emptyDevice(device, memoryBytes)),
  };
}

function emptyDevice(device: PlacementDevice, memoryBytes: number | undefined): PlacementDevice {
  const { properties } = device;
  if (!properties.available) return device;
  const memory =
    memoryBytes === undefined ? properties.memoryTotalBytes : { value: memoryBytes, source: 'table' as const };
  return { ...device, properties: { ...properties, memoryTotalBytes: memory, memoryAvailableBytes: memory } };
}

function linksOfCopy(original: string, copy: string, links: readonly Link[]): readonly Link[] {
  const away = links.filter(({ from, to }) => from.nodeId === original && to.nodeId !== original);
  const back = links.filter(({ from, to }) => to.nodeId === original && from.nodeId !== original);
  const latency = ({ latencyMicroseconds }: Link) => ('unknown' in latencyMicroseconds ? 0 : latencyMicroseconds.value);
  const furthest = [...away].sort((left, right) => latency(right) - latency(left))[0];
  const between: readonly Link[] =
    furthest === undefined
      ? [pathOf(original, copy), pathOf(copy, original)]
      : [
          { ...furthest, from: { nodeId: original }, to: { nodeId: copy } },
          { ...furthest, from: { nodeId: copy }, to: { nodeId: original } },
        ];
  return [
    ...away.map((link): Link => ({ ...link, from: { nodeId: copy } })),
    ...back.map((link): Link => ({ ...link, to: { nodeId: copy } })),
    ...between,
  ];
}

/** A machine alone has no link to take as an example. */
function pathOf(from: string, to: string): Link {
  const unknown = { unknown: 'one of its ends is only pretended' };
  return {
    from: { nodeId: from },
    to: { nodeId: to },
    kind: 'ethernet',
    latencyMicroseconds: unknown,
    bandwidthBytesPerSecond: unknown,
  };
}
