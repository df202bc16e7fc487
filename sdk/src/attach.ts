/** A cluster through a node that runs elsewhere on this machine. */
import { attachNode, isNodeRunning, resolveHome } from '@shoal/core/client';
import { Cluster } from './cluster.js';

export interface AttachOptions {
  /** SHOAL_HOME of the running node. */
  readonly home?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Joins the node that runs in a home of this machine. Rejects with NODE_NOT_RUNNING. */
export async function attach(options: AttachOptions = {}): Promise<Cluster> {
  const node = await attachNode(options.home, options.signal);
  return new Cluster({
    service: node.service,
    nodeName: node.nodeName,
    home: resolveHome(options.home),
    addresses: () => [],
    close: () => node.close(),
  });
}

/** Whether a node runs in a home, so that `attach` would find it. */
export function runningNode(options: { readonly home?: string | undefined } = {}): Promise<boolean> {
  return isNodeRunning(options.home);
}
