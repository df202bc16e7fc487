// Hosts made of network namespaces, from the tests' own support; `npx tsc -b` builds it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/tools.mjs';

const support = join(root, 'build', 'test', 'src', 'support');

/** `{ HostCluster, NamespaceHosts }`, or `{ unavailable: why }` where there can be no such hosts. */
export async function loadHosts() {
  if (!existsSync(join(support, 'host-cluster.js')))
    return { unavailable: 'the tests are not built: run `npx tsc -b`' };
  const { NamespaceHosts } = await import(join(support, 'namespaces.js'));
  const unavailable = NamespaceHosts.unavailableReason();
  if (unavailable !== undefined) return { unavailable };
  return { NamespaceHosts, ...(await import(join(support, 'host-cluster.js'))) };
}

/** Lends hosts to `use` and takes them back, whatever happens. */
export async function withHosts(hosts, use) {
  try {
    return await use(hosts);
  } finally {
    await hosts[Symbol.asyncDispose]();
  }
}

/** Waits until every node sees all the others; the cluster's nodes are named. */
export async function untilWhole(hosts, names) {
  const others = (name) => names.filter((other) => other !== name).map((other) => [other, 'connected']);
  await Promise.all(names.map((name) => hosts.until(name, Object.fromEntries(others(name)), 60_000)));
}
