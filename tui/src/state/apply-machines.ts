/** What machines say of themselves, and the links between them. */
import { linkKinds } from '@shoal/core/client';
import { newNode } from './apply-cluster.js';
import { combine, type Figure, type Known, unknown, valueIn } from './figure.js';
import { emptyHistory, historyLength, type NodeHistory, nodeColumns, withPoint } from './history.js';
import { byKeys, limits } from './limits.js';
import {
  type Bounds,
  figure,
  knownBoolean,
  knownText,
  list,
  moment,
  number,
  oneOf,
  optional,
  plainFigure,
  record,
  records,
  text,
} from './sanitize.js';
import type {
  BatteryState,
  ConditionsState,
  DashboardState,
  DeviceState,
  FailedLinkState,
  LinkState,
  NodeState,
} from './state.js';
import type { Update } from './update.js';

type Fields = Readonly<Record<string, unknown>>;

/** A machine that no list of nodes has named yet is one that is connected: the next list tells. */
export function applyMachines(
  state: DashboardState,
  { at, machines }: Extract<Update, { kind: 'machines' }>,
): DashboardState {
  const nodes = new Map(state.nodes.map((node) => [node.nodeId, node]));
  const reports = records(machines, limits.nodes);
  const length = historyLength(Math.max(nodes.size, reports.length));
  for (const report of reports) {
    const nodeId = text(report.nodeId);
    if (nodeId === '' || (nodes.size >= limits.nodes && !nodes.has(nodeId))) continue;
    const before = nodes.get(nodeId) ?? { ...newNode(nodeId), nodeName: text(report.nodeName) || nodeId };
    nodes.set(nodeId, machineAfter(before, report, at, length));
  }
  return {
    ...state,
    nodes: [...nodes.values()].sort(
      byKeys(
        ({ nodeName }) => nodeName,
        ({ nodeId }) => nodeId,
      ),
    ),
  };
}

function machineAfter(before: NodeState, report: Fields, at: number, length: number): NodeState {
  const { silent: _silent, derating: _derating, ...kept } = before;
  const silent = text(report.silent, 600);
  // What it said before is shown on; that it is silent now is said, too.
  if (silent !== '') return { ...kept, ...optional('derating', before.derating), silent };
  const machine = record(report.machine);
  const memory = record(machine?.memory);
  const processor = record(machine?.processor);
  const conditions = cleanConditions(report.conditions);
  const factor = number(record(report.derating)?.factor, { minimum: 0, maximum: 1 });
  const memoryTotalBytes = figure(memory?.totalBytes);
  const memoryAvailableBytes = figure(memory?.processAvailableBytes);
  return {
    ...kept,
    ...optional('machineId', text(report.machineId, 64)),
    processorName: knownText(processor?.name),
    cores: figure(processor?.usableCores),
    memoryTotalBytes,
    memoryAvailableBytes,
    devices: records(report.devices, limits.devices).map(cleanDevice),
    conditions,
    ...(factor === undefined
      ? {}
      : { derating: { factor, reason: text(record(report.derating)?.reason) || 'no reason is given' } }),
    history: withPoint(
      before.history.at.length > 0 ? before.history : historyBefore(report.conditions, at, length),
      at,
      historyPoint(conditions, memoryTotalBytes, memoryAvailableBytes),
      length,
    ),
  };
}

/** Of all work on the machine. */
export function wholeLoad({ loadByOthers, loadByNode }: ConditionsState): Figure {
  return combine(loadByOthers, loadByNode, (others, node) => Math.min(1, others + node));
}

/** What the node remembers from before anybody looked, by its own clock, which is taken to agree with the dashboard's now. */
function historyBefore(conditions: unknown, at: number, length: number): NodeHistory {
  const history = record(record(conditions)?.history);
  const readAt = moment(record(conditions)?.readAt) ?? at;
  const [moments, load, watts, celsius] = ['at', 'load', 'watts', 'celsius'].map((name) =>
    list(history?.[name], length),
  );
  return (moments ?? []).reduce<NodeHistory>((before, time, index) => {
    const age = readAt - (moment(time) ?? readAt);
    if (age <= 0) return before;
    const of = (column: readonly unknown[] | undefined, bounds: Bounds) => number(column?.[index], bounds);
    const point = {
      load: of(load, { minimum: 0, maximum: 1 }),
      memoryUsed: null,
      temperature: of(celsius, { minimum: -100, maximum: 1000 }),
      power: of(watts, { minimum: 0, maximum: 1e6 }),
      battery: null,
    };
    return withPoint(before, Math.max(0, at - age), point, length);
  }, emptyHistory(nodeColumns));
}

function historyPoint(conditions: ConditionsState, total: Figure, available: Figure) {
  const battery = valueIn(conditions.battery);
  const [all, free] = [valueIn(total), valueIn(available)];
  return {
    load: valueIn(wholeLoad(conditions)),
    memoryUsed: all === undefined || free === undefined || all === 0 ? null : Math.max(0, 1 - free / all),
    temperature: valueIn(conditions.temperatureCelsius),
    power: valueIn(conditions.powerWatts),
    battery: battery?.present ? valueIn(battery.chargePercent) : null,
  };
}

function cleanConditions(value: unknown): ConditionsState {
  const conditions = record(value) ?? {};
  const temperature = record(conditions.temperature);
  return {
    readAt: moment(conditions.readAt) ?? 0,
    loadByOthers: figure(conditions.loadByOthers, { minimum: 0, maximum: 1 }),
    loadByNode: figure(conditions.loadByNode, { minimum: 0, maximum: 1 }),
    temperatureCelsius: figure(temperature?.celsius, { minimum: -100, maximum: 1000 }),
    temperatureLimitCelsius: plainFigure(
      temperature?.limitCelsius,
      'operating-system',
      'the machine does not tell where it begins to protect itself',
      { minimum: 0, maximum: 1000 },
    ),
    throttled: knownBoolean(record(conditions.heat)?.throttled),
    powerWatts: figure(record(conditions.power)?.watts, { minimum: 0, maximum: 1e6 }),
    battery: cleanBattery(conditions.battery),
  };
}

function cleanBattery(value: unknown): Known<BatteryState> {
  const battery = record(record(value)?.value);
  if (battery?.present === false) return { value: { present: false } };
  if (battery?.present !== true) return unknown(text(record(value)?.unknown) || 'it is not told');
  const chargePercent = figure(battery.chargePercent, { minimum: 0, maximum: 100 });
  return { value: { present: true, discharging: battery.discharging === true, chargePercent } };
}

function cleanDevice(device: Fields): DeviceState {
  const telemetry = record(device.telemetry);
  return {
    backend: text(device.backend, 40) || 'unnamed',
    deviceId: text(device.deviceId, 80) || 'unnamed',
    kind: text(device.kind, 40),
    name: text(device.name),
    ...optional('unavailable', text(device.unavailable, 600)),
    memoryTotalBytes: figure(device.memoryTotalBytes),
    memoryAvailableBytes: figure(device.memoryAvailableBytes),
    memoryBandwidthBytesPerSecond: figure(device.memoryBandwidthBytesPerSecond),
    temperatureCelsius: figure(telemetry?.temperatureCelsius, { minimum: -100, maximum: 1000 }),
    powerWatts: figure(telemetry?.powerWatts, { minimum: 0, maximum: 1e6 }),
  };
}

export function applyTopology(
  state: DashboardState,
  { topology }: Extract<Update, { kind: 'topology' }>,
): DashboardState {
  const found = record(topology) ?? {};
  const links = records(found.links, limits.links).flatMap((link): readonly LinkState[] => {
    const [from, to] = [record(link.from), record(link.to)];
    const fromNodeId = text(from?.nodeId);
    const toNodeId = text(to?.nodeId);
    if (fromNodeId === '' || toNodeId === '') return [];
    return [
      {
        fromNodeId,
        toNodeId,
        ...optional('interfaceName', text(from?.interfaceName, 40)),
        kind: oneOf(link.kind, linkKinds, 'unknown'),
        latencyMicroseconds: figure(link.latencyMicroseconds),
        bandwidthBytesPerSecond: figure(link.bandwidthBytesPerSecond),
        ...optional('measuredAt', moment(link.measuredAt)),
      },
    ];
  });
  const failedLinks = records(found.failures, limits.links).map(
    (failure): FailedLinkState => ({
      fromNodeId: text(record(failure.from)?.nodeId),
      toNodeId: text(record(failure.to)?.nodeId),
      kind: oneOf(failure.kind, linkKinds, 'unknown'),
      reason: text(failure.reason, 600) || 'no reason is given',
    }),
  );
  const ends = byKeys<LinkState>(
    (link) => `${link.fromNodeId} ${link.toNodeId}`,
    (link) => link.interfaceName ?? '',
  );
  return { ...state, links: links.sort(ends), failedLinks };
}
