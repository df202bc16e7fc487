import { type ClusterTopology, fastestFirst, formatBytes, formatTable, type Link, type Measured } from '@shoal/core';
import { attach } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function topology({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const found = await cluster.topology({ fresh: options.flag('measure'), signal });
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  for (const line of nodeLines(found)) terminal.line(line);
  terminal.line('');
  for (const line of linkLines(found, Date.now())) terminal.line(line);
  const within = devicePathLines(found);
  if (within.length > 0) terminal.line('');
  for (const line of within) terminal.line(line);
  for (const line of failureLines(found)) terminal.note(line);
}

/** Exported for its tests. */
export function nodeLines({ nodes }: ClusterTopology): string[] {
  const rows = nodes.map(({ nodeName, devices, interfaces, silent }) => [
    nodeName,
    devices.map(({ backend, deviceId }) => (backend === deviceId ? backend : `${backend}/${deviceId}`)).join(', ') ||
      '-',
    silent ?? interfaces.map(({ name, kind }) => `${name} (${kind})`).join(', '),
  ]);
  return formatTable([['node', 'devices', 'interfaces, or what is wrong'], ...rows]);
}

/** One line for every link, fastest first between each two nodes. Exported for its tests. */
export function linkLines({ nodes, links }: ClusterTopology, now: number): string[] {
  if (links.length === 0) return ['no links are measured'];
  const rows = nodes.flatMap((from) =>
    nodes.flatMap((to) => {
      const between = links.filter((link) => link.from.nodeId === from.nodeId && link.to.nodeId === to.nodeId);
      return fastestFirst(between).map((link) => [from.nodeName, to.nodeName, ...linkCells(link, now)]);
    }),
  );
  return formatTable([['from', 'to', 'link', 'latency', 'bandwidth', 'interfaces', 'measured'], ...rows]);
}

function linkCells(
  { kind, from, to, latencyMicroseconds, bandwidthBytesPerSecond, isBandwidthLowerBound, measuredAt }: Link,
  now: number,
): string[] {
  const over = [from, to].map(({ interfaceName, address }) => interfaceName ?? address ?? '-');
  const age = measuredAt === undefined ? 'never' : `${Math.max(0, Math.round((now - measuredAt) / 1000))} s ago`;
  return [
    kind,
    cell(latencyMicroseconds, formatMicroseconds),
    cell(bandwidthBytesPerSecond, (value) => `${isBandwidthLowerBound ? '≥ ' : ''}${formatBytes(value)}/s`),
    over.join(' > '),
    age,
  ];
}

/** A number that was not measured says where it is from. */
function cell(measured: Measured, format: (value: number) => string): string {
  if ('unknown' in measured) return `unknown: ${measured.unknown}`;
  const text = format(measured.value);
  return measured.source === 'measured' ? text : `${text} (${measured.source})`;
}

function formatMicroseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} ms`;
  return value >= 1000 ? `${(value / 1000).toFixed(1)} ms` : `${value.toFixed(0)} µs`;
}

/** Paths within machines; machines with one device, which are most, have none to speak of. Exported for its tests. */
export function devicePathLines({ nodes }: ClusterTopology): string[] {
  const rows = nodes.flatMap(({ nodeName, devicePaths }) =>
    (devicePaths?.paths ?? []).map(({ from = 'processor', to, kind, over, bandwidthBytesPerSecond }) => [
      nodeName,
      from,
      to,
      kind,
      cell(bandwidthBytesPerSecond, (value) => `${formatBytes(value)}/s`),
      over,
    ]),
  );
  if (rows.length === 0) return [];
  const unknown = nodes.flatMap(({ nodeName, devicePaths }) =>
    devicePaths?.devices.length ? devicePaths.unknown.map((reason) => `${nodeName}: ${reason}`) : [],
  );
  return [...formatTable([['machine of', 'from', 'to', 'link', 'bandwidth', 'over'], ...rows]), ...unknown];
}

/** Exported for its tests. */
export function failureLines({ nodes, failures }: ClusterTopology): string[] {
  const nameOf = (nodeId: string) => nodes.find((node) => node.nodeId === nodeId)?.nodeName ?? nodeId;
  return failures.map(({ from, to, kind, reason }) => {
    const over = `${from.interfaceName ?? 'any'} > ${to.interfaceName ?? 'any'}`;
    return `no path from ${nameOf(from.nodeId)} to ${nameOf(to.nodeId)} over ${over} (${kind}): ${reason}`;
  });
}

export const topologyCommand: Command = {
  name: 'topology',
  group: 'Nodes',
  arguments: [],
  summary: 'Show how the nodes are linked: interfaces, latency, bandwidth, and where each number is from.',
  options: [homeOption, { name: 'measure', description: 'Measure anew, bandwidth too; takes about a second.' }],
  examples: [
    ['shoal topology', 'what the nodes have measured by themselves'],
    ['shoal topology --measure --json', 'all links, measured now, for programs'],
  ],
  run: topology,
};
