import { attach } from './attach.js';
import { type ClusterExpectations, clusterFindings } from './doctor/cluster.js';
import type { Finding } from './doctor/finding.js';

export type { ClusterExpectations };

export interface ClusterDoctorOptions extends ClusterExpectations {
  /** Whose running node is asked; SHOAL_HOME unless given. */
  readonly home?: string;
  readonly signal?: AbortSignal;
}

/** Whether the cluster of the node that runs in a home is ready to work. Rejects with NODE_NOT_RUNNING. */
export async function runClusterDoctor({
  home,
  signal,
  ...expected
}: ClusterDoctorOptions = {}): Promise<readonly Finding[]> {
  await using cluster = await attach({
    ...(home === undefined ? {} : { home }),
    ...(signal === undefined ? {} : { signal }),
  });
  const { nodeService } = cluster;
  const readiness = await nodeService.readiness(expected.model, signal);
  const topology = await cluster.topology({ fresh: true, ...(signal === undefined ? {} : { signal }) });
  return clusterFindings(await cluster.nodes(), readiness, topology, expected);
}
