/**
 * What nodes say about themselves. A fact has one writer, its node, and the writer's last word holds: the highest
 * incarnation, then the highest version. So facts merge without anybody deciding anything.
 */

import type { Random } from './environment.js';

/** Each instance has replaced the one before; more earlier ones than these are of no use to anybody. */
export const maximumReplaced = 64;

/** An instance, as the node of its head tells it. */
export interface InstanceFact {
  readonly instance: string;
  readonly epoch: number;
  readonly state: 'loading' | 'ready' | 'failed';
  /** Name of the model. */
  readonly modelName: string;
  /** Nodes that hold a part. */
  readonly nodeIds: readonly string[];
  /** The wish that it was loaded for; absent: somebody loaded it by hand. */
  readonly wish?: string;
  /** Earlier instances whose place it took. */
  readonly replaces?: readonly string[];
  /** As its plan was predicted; absent: nothing was measured. */
  readonly millisecondsPerToken?: number;
  /** Why it cannot move away from nodes that are drained; absent: it has, or it tries. */
  readonly stuck?: string;
}

export interface NodeFact {
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** Whether its devices take part in plans. */
  readonly offersDevices: boolean;
  /** Its last word: it has left of its own will. */
  readonly departed: boolean;
  /** For people: how large a cluster it has led; −1: it does not stand. */
  readonly seniority: number;
  readonly instances: readonly InstanceFact[];
}

export interface FactRecord {
  readonly nodeId: string;
  /** Counts the lives of the node; a new life's words beat all of an old one's. */
  readonly incarnation: number;
  /** Counts the words of one life. */
  readonly version: number;
  readonly fact: NodeFact;
}

/**
 * Where a calendar is set back, lives may begin at the same moment, or go beyond the same earlier life: chance tells them
 * apart, for words of equal numbers are taken for the same.
 */
const incarnationsPerMoment = 1024;

/** Of a life that begins at this moment, a whole number that grows with time. */
export function incarnationAt(moment: number, random: Random): number {
  return moment * incarnationsPerMoment + Math.floor(random.next() * incarnationsPerMoment);
}

/** Higher than that of another life of the node. */
export function incarnationAfter(incarnation: number, random: Random): number {
  return incarnationAt(Math.floor(incarnation / incarnationsPerMoment) + 1, random);
}

/** By node id. */
export type Facts = Readonly<Record<string, FactRecord>>;

export function isNewer(
  one: Pick<FactRecord, 'incarnation' | 'version'>,
  other: Pick<FactRecord, 'incarnation' | 'version'> | undefined,
): boolean {
  if (!other) return true;
  if (one.incarnation !== other.incarnation) return one.incarnation > other.incarnation;
  return one.version > other.version;
}

/** Last words of nodes that left are kept for a while, lest a node that missed them take an older word for news. */
const keptDepartures = 64;

/** The newer of each node's words; what `forgotten` says of a node (and of its earlier lives) is dropped. Pure. */
export function mergeFacts(
  facts: Facts,
  records: readonly FactRecord[],
  forgotten: (nodeId: string) => number | undefined,
): Facts {
  const merged: Record<string, FactRecord> = { ...facts };
  for (const record of records) if (isNewer(record, merged[record.nodeId])) merged[record.nodeId] = record;
  for (const { nodeId, incarnation } of Object.values(merged)) {
    if (incarnation <= (forgotten(nodeId) ?? -1)) delete merged[nodeId];
  }
  const ids = Object.keys(merged);
  if (ids.length === Object.keys(facts).length && ids.every((id) => merged[id] === facts[id])) return facts;
  const departed = Object.values(merged).filter(({ fact }) => fact.departed);
  departed.sort((left, right) => right.incarnation - left.incarnation || (left.nodeId < right.nodeId ? -1 : 1));
  for (const { nodeId } of departed.slice(keptDepartures)) delete merged[nodeId];
  return merged;
}
