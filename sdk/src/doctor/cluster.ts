/** Whether a cluster is ready to work: everybody there, of one version, joined both ways, with the model. Pure. */
import {
  type ClusterReadiness,
  type ClusterTopology,
  deratingsByMachine,
  errorFromCode,
  fastestFirst,
  formatBytes,
  type Link,
  type NodeReadiness,
  type NodeSummary,
} from '@shoal/core';
import { type Finding, ok, problem, warning } from './finding.js';

export interface ClusterExpectations {
  /** How many nodes there should be. */
  readonly nodeCount?: number;
  /** A model that all nodes with devices should have. */
  readonly model?: string;
}

/** Differences that people notice in logs, and that make tokens of other services expire. */
const clockWarningMilliseconds = 2000;
const clockProblemMilliseconds = 60_000;

/** `nodes`: as the node that answers sees them, refused ones too. */
export function clusterFindings(
  nodes: readonly NodeSummary[],
  readiness: ClusterReadiness,
  topology: ClusterTopology,
  expected: ClusterExpectations = {},
): readonly Finding[] {
  return [
    ...membershipFindings(nodes, readiness, expected),
    ...readiness.nodes.flatMap(silenceFinding),
    versionFinding(readiness),
    ...clockFindings(readiness),
    ...computeFindings(readiness),
    ...conditionFindings(readiness),
    transportFinding(readiness),
    ...pathFindings(topology),
    ...(expected.model === undefined ? [] : modelFindings(readiness, expected.model)),
  ];
}

function membershipFindings(
  nodes: readonly NodeSummary[],
  { nodes: ready }: ClusterReadiness,
  { nodeCount }: ClusterExpectations,
): Finding[] {
  const names = ready.map(({ nodeName }) => nodeName).join(', ');
  const message = `${ready.length} ${ready.length === 1 ? 'is' : 'are'} connected: ${names}`;
  const findings: Finding[] = [];
  if (nodeCount === undefined || nodeCount === ready.length) findings.push(ok('cluster', 'nodes', message));
  else {
    const remedy =
      nodeCount > ready.length
        ? 'Start the others with `shoal node`, a copy of cluster.key, and `--peer` or a discovery plugin; `shoal doctor` there says what is in the way.'
        : 'Expect so many, or stop those that do not belong here.';
    findings.push(problem('cluster', 'nodes', `${message}; ${nodeCount} are expected`, remedy));
  }
  for (const { state, nodeName, addresses, code, message: why } of nodes) {
    if (state !== 'refused') continue;
    const remedy = code === undefined ? undefined : errorFromCode(code, '').remedy;
    // The reason has the whole address.
    const who = nodeName || hostOf(addresses[0]) || 'a node';
    findings.push(problem('cluster', who, `is refused: ${why ?? 'for an unknown reason'}`, remedy));
  }
  for (const { state, nodeName, addresses, message: why } of nodes) {
    const who = nodeName || (addresses[0] ?? 'a node');
    if (state === 'unreachable') {
      const remedy =
        'Start it, or look at its address, its cable and the firewalls; stop naming it where it has gone for good.';
      findings.push(problem('cluster', who, `is unreachable: ${why ?? 'it does not answer'}`, remedy));
    } else if (state === 'stalled') {
      const remedy = 'See what keeps its machine busy.';
      findings.push(warning('cluster', who, 'is connected, but has been silent for a while', remedy));
    } else if (state === 'connected' && why !== undefined) {
      findings.push(
        warning('cluster', who, `is connected, but ${why}`, 'Let UDP through, to the port of its address.'),
      );
    }
  }
  return [...findings, ...sightFindings(ready)];
}

/** `127.0.0.1:7450` of `/ip4/127.0.0.1/tcp/7450/p2p/…`; the address as it is where it is another one. */
function hostOf(address: string | undefined): string | undefined {
  const [, host, port] = /^\/(?:ip[46]|dns[46]?)\/([^/]+)\/tcp\/(\d+)/.exec(address ?? '') ?? [];
  if (host === undefined) return address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Everybody should see everybody. */
function sightFindings(ready: readonly NodeReadiness[]): Finding[] {
  const findings: Finding[] = [];
  const here = new Map(ready.map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  const isSeen = ({ state }: NodeSummary) => state === 'connected' || state === 'stalled';
  for (const { nodeName, nodeId, nodes } of ready) {
    if (!nodes) continue;
    const seen = new Set(nodes.filter(isSeen).map((one) => one.nodeId));
    const missing = [...here].filter(([id]) => id !== nodeId && !seen.has(id)).map(([, name]) => name);
    if (missing.length === 0) continue;
    const remedy = `Let ${nodeName} and ${missing.join(', ')} reach each other: addresses of --listen, firewalls, networks.`;
    findings.push(problem('cluster', nodeName, `is not connected with ${missing.join(', ')}`, remedy));
  }
  const [self] = ready;
  const strangers = new Map(
    ready.flatMap(({ nodeName, nodes = [] }) =>
      nodes
        .filter((one) => isSeen(one) && !here.has(one.nodeId))
        .map((one) => [one.nodeId, { name: one.nodeName, knownBy: nodeName, address: one.addresses[0] }] as const),
    ),
  );
  for (const { name, knownBy, address } of strangers.values()) {
    const remedy = `Let ${self?.nodeName ?? 'this node'} and ${name} reach each other${address === undefined ? '' : ` (${address})`}.`;
    findings.push(
      problem('cluster', name, `is connected with ${knownBy}, but not with ${self?.nodeName ?? 'this node'}`, remedy),
    );
  }
  return findings;
}

function silenceFinding({ nodeName, silent }: NodeReadiness): Finding[] {
  if (silent === undefined) return [];
  return [
    problem(
      'cluster',
      nodeName,
      `does not answer in full: ${silent}`,
      'Look at its log: `shoal logs --node`, or on its machine.',
    ),
  ];
}

function versionFinding({ nodes }: ClusterReadiness): Finding {
  const versions = new Map<string, string[]>();
  for (const { softwareVersion, nodeName } of nodes) {
    versions.set(softwareVersion, [...(versions.get(softwareVersion) ?? []), nodeName]);
  }
  const [only] = versions.keys();
  if (only !== undefined && versions.size === 1) return ok('cluster', 'versions', `all nodes run ${only}`);
  const list = [...versions].map(([version, names]) => `${version} on ${names.join(', ')}`).join('; ');
  return problem('cluster', 'versions', list, 'Install the same version everywhere: programs of a plan must be equal.');
}

function clockFindings({ nodes }: ClusterReadiness): Finding[] {
  const [self] = nodes;
  const apart = nodes.flatMap(({ nodeName, clock }) => {
    if (!clock) return [];
    const least = Math.abs(clock.offsetMilliseconds) - clock.uncertaintyMilliseconds;
    return least < clockWarningMilliseconds ? [] : [{ nodeName, least, offset: clock.offsetMilliseconds }];
  });
  if (apart.length === 0) return [ok('cluster', 'clocks', 'agree within 2 s')];
  return apart.map(({ nodeName, least, offset }) => {
    const seconds = (Math.abs(offset) / 1000).toFixed(1);
    const message = `is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} that of ${self?.nodeName ?? 'this node'}`;
    const make = least < clockProblemMilliseconds ? warning : problem;
    return make('cluster', `clock of ${nodeName}`, message, 'Let the systems keep their clocks (NTP).');
  });
}

function computeFindings({ nodes }: ClusterReadiness): Finding[] {
  return nodes.flatMap(({ nodeName, facts }) => {
    if (!facts) return [];
    const usable = facts.devices.flatMap(({ backend, properties }) =>
      properties.available ? [`${backend}/${properties.id}`] : [],
    );
    const isReady = facts.engines.some(({ unavailableReason }) => unavailableReason === undefined);
    const why = facts.engines.map(({ name, unavailableReason }) => `${name}: ${unavailableReason}`).join('; ');
    if (usable.length === 0)
      return [
        warning('cluster', nodeName, 'offers no device', 'Leave out --no-devices; `shoal doctor` there says more.'),
      ];
    if (isReady) return [ok('cluster', nodeName, `computes on ${usable.join(', ')}`)];
    return [
      problem(
        'cluster',
        nodeName,
        `has no engine that can run (${why || 'none is listed'})`,
        'Run `shoal doctor` there.',
      ),
    ];
  });
}

/** Machines that get a smaller share now; one line for the nodes of one machine. */
function conditionFindings({ nodes }: ClusterReadiness): Finding[] {
  const facts = nodes.flatMap((node) => node.facts ?? []);
  const deratings = deratingsByMachine(facts);
  const seen = new Set<string>();
  return facts.flatMap(({ nodeId, nodeName, machineId }) => {
    const derating = deratings.get(nodeId);
    if (derating === undefined || seen.has(machineId)) return [];
    seen.add(machineId);
    const remedy = `Plans count on ${Math.round(derating.factor * 100)} % of its speed until that is over.`;
    return [warning('cluster', nodeName, derating.reason, remedy)];
  });
}

function transportFinding({ nodes, transport }: ClusterReadiness): Finding {
  if ('name' in transport) return ok('cluster', 'transport', `${transport.name} joins all nodes that compute`);
  const computing = nodes.filter(({ facts }) => facts && facts.devices.length > 0);
  if (computing.length < 2) return ok('cluster', 'transport', 'there is nothing to join');
  const message = `nothing joins ${transport.apart.join(' and ')}: ${transport.obstacles.join('; ') || 'no transport is listed'}`;
  return problem('cluster', 'transport', message, 'List the same transport in plugins.json of all nodes.');
}

/** Each two nodes should reach each other, in both directions. */
function pathFindings({ nodes, links, failures }: ClusterTopology): Finding[] {
  return nodes.flatMap((from, index) =>
    nodes.slice(index + 1).map((to): Finding => {
      const name = `${from.nodeName} and ${to.nodeName}`;
      const between = (one: string, other: string) =>
        fastestFirst(links.filter((link) => link.from.nodeId === one && link.to.nodeId === other))[0];
      const [there, back] = [between(from.nodeId, to.nodeId), between(to.nodeId, from.nodeId)];
      if (there && back) return ok('link', name, describePath(there));
      const ends = there ? ([to, from] as const) : ([from, to] as const);
      const [one, other] = ends;
      const reasons = failures
        .filter((failure) => failure.from.nodeId === one.nodeId && failure.to.nodeId === other.nodeId)
        .map(({ to: end, reason }) => `${end.interfaceName ?? end.address ?? 'an interface'}: ${reason}`);
      const isLocal = other.interfaces.length > 0 && reasons.length === 0;
      const why =
        reasons.join('; ') ||
        (isLocal ? `${other.nodeName} listens nowhere that ${one.nodeName} reaches` : 'nothing was measured yet');
      const remedy = isLocal
        ? `Start ${other.nodeName} with an address of a network that both have: --listen, or --data-address for workers alone.`
        : `Let ${one.nodeName} connect to ${other.nodeName}: firewalls must allow TCP connections to the workers' ports, which the system chooses.`;
      const both = there || back ? '' : ' in either direction';
      return problem('link', name, `no path from ${one.nodeName} to ${other.nodeName}${both}: ${why}`, remedy);
    }),
  );
}

function describePath({ kind, latencyMicroseconds, bandwidthBytesPerSecond, from, to }: Link): string {
  const latency = 'value' in latencyMicroseconds ? `${latencyMicroseconds.value.toFixed(0)} µs` : 'unknown latency';
  const bandwidth =
    'value' in bandwidthBytesPerSecond ? `${formatBytes(bandwidthBytesPerSecond.value)}/s` : 'unknown bandwidth';
  return `${kind}, ${latency}, ${bandwidth} (${from.interfaceName ?? '?'} > ${to.interfaceName ?? '?'})`;
}

function modelFindings({ nodes }: ClusterReadiness, model: string): Finding[] {
  const computing = nodes.flatMap(({ nodeName, facts }) =>
    facts && facts.devices.length > 0 ? [{ nodeName, model: facts.model }] : [],
  );
  const holders = computing.flatMap(({ model: found }) => (found?.found ? [found] : []));
  const [first] = holders;
  if (!first) {
    const remedy = 'Put its folder into models/ in SHOAL_HOME of each node, or name a library with --models.';
    return [problem('model', model, 'no node has it', remedy)];
  }
  return computing.map(({ nodeName, model: found }): Finding => {
    const name = `${model} on ${nodeName}`;
    if (!found?.found) {
      const remedy = `Copy ${first.directory} to models/ in its SHOAL_HOME, or name a library with --models.`;
      return problem('model', name, found?.message ?? 'is not there', remedy);
    }
    const digest = found.digest.slice(0, 12);
    if (found.digest === first.digest) return ok('model', name, `${found.directory}, digest ${digest}`);
    const message = `${found.directory} holds other files (digest ${digest}) than ${first.directory} (${first.digest.slice(0, 12)})`;
    return problem('model', name, message, 'Copy the same files to all nodes.');
  });
}
