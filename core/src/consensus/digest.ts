/** What two nodes compare to see whether one of them lacks something. */
import { type FactRecord, isNewer } from './facts.js';
import type { Digest, DigestEntry } from './messages.js';
import { type ClusterState, decisionsDigest, type Snapshot } from './state.js';

export function digestOf(
  state: ClusterState,
  beatOf: (nodeId: string) => number,
): Pick<Digest, 'entries' | 'decisions'> {
  const entries = Object.values(state.facts).map(
    ({ nodeId, incarnation, version }): DigestEntry => ({ nodeId, incarnation, version, beat: beatOf(nodeId) }),
  );
  return { entries, decisions: decisionsDigest(state.decisions) };
}

export interface Difference {
  /** What the other one lacks; undefined: nothing. Decisions that differ go both ways. */
  readonly lacking: Snapshot | undefined;
  /** Whether the other one has what is lacking here. */
  readonly isWanting: boolean;
}

/** Pure. */
export function compareDigest({ facts, decisions }: ClusterState, digest: Digest): Difference {
  // A node that said nothing, or whose words were forgotten, has version 0.
  const theirs = new Map(digest.entries.filter(({ version }) => version > 0).map((entry) => [entry.nodeId, entry]));
  const news = Object.values(facts).filter((record: FactRecord) => isNewer(record, theirs.get(record.nodeId)));
  const differs = digest.decisions !== decisionsDigest(decisions);
  const lacking = { facts: news, decisions: differs ? decisions : undefined };
  return {
    lacking: news.length > 0 || differs ? lacking : undefined,
    isWanting: differs || [...theirs.values()].some((entry) => isNewer(entry, facts[entry.nodeId])),
  };
}
