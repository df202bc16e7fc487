/** Screen 3: one machine, how it fares and what it does. */

import { wholeLoad } from '../state/apply-machines.js';
import { valueIn } from '../state/figure.js';
import type { NodeHistory } from '../state/history.js';
import type { BatteryState, DashboardState, DeviceState, NodeState } from '../state/state.js';
import type { Bar, Cell, Fact, Series, Tone, ViewContext } from './blocks.js';
import { last } from './histories.js';
import { badgesOf, memoryOf, type ShareFigures, sharesByNode } from './shares.js';
import { selectedId, table } from './tables.js';
import { memoryBar } from './topology.js';
import type { NodeView } from './view-models.js';
import {
  bytes,
  cell,
  celsius,
  dash,
  fact,
  figureCell,
  figureFact,
  layers,
  percent,
  rate,
  watts,
  whole,
  whyUnknown,
} from './words.js';

export function nodeView(state: DashboardState, context: ViewContext): NodeView {
  const shares = sharesByNode(state.instances);
  // Whoever has chosen none looks at the node that is asked.
  const nodes = nodeTable(state.nodes, shares, { ...context, selected: context.selected ?? state.selfNodeId });
  const node = state.nodes.find(({ nodeId }) => nodeId === selectedId(nodes));
  if (node === undefined) {
    const empty = table({ title: '', columns: [], rows: [], empty: 'no node is selected', context });
    return {
      nodes,
      title: cell('no node', 'dim'),
      badges: [],
      facts: [],
      bars: [],
      series: [],
      devices: empty,
      shares: empty,
    };
  }
  return {
    nodes,
    title: cell(node.nodeName, 'accent'),
    badges: badgesOf(node),
    facts: facts(node),
    bars: bars(node),
    series: series(node.history),
    devices: deviceTable(node.devices, context),
    shares: shareTable(shares.get(node.nodeId) ?? [], context),
  };
}

function nodeTable(
  nodes: readonly NodeState[],
  shares: ReadonlyMap<string, readonly ShareFigures[]>,
  context: ViewContext,
) {
  return table({
    title: 'Nodes',
    columns: [
      { key: 'name', title: 'node', isWide: true },
      { key: 'state', title: 'state' },
      { key: 'load', title: 'load', align: 'right' },
      { key: 'memory', title: 'memory', align: 'right', from: 'medium' },
      { key: 'temperature', title: 'heat', align: 'right', from: 'medium' },
      { key: 'shares', title: 'parts', align: 'right', from: 'wide' },
    ],
    rows: nodes.map((node) => {
      const { totalBytes, availableBytes } = memoryOf(node);
      const used = memoryBar('', totalBytes, availableBytes);
      const [badge] = badgesOf(node);
      return {
        id: node.nodeId,
        hidden: `${node.nodeId} ${node.devices.map(({ backend }) => backend).join(' ')}`,
        cells: [
          cell(node.nodeName),
          cell(badge?.text ?? 'connected', badge?.tone ?? 'good'),
          figureCell(wholeLoad(node.conditions), percent),
          used.fraction === null ? cell(dash, 'dim') : cell(`${Math.round(used.fraction * 100)} %`, used.tone),
          figureCell(node.conditions.temperatureCelsius, celsius, heatTone(node)),
          cell(String((shares.get(node.nodeId) ?? []).length)),
        ],
      };
    }),
    empty: 'no node is known yet',
    context,
    isMain: true,
  });
}

function heatTone({ conditions }: NodeState): Tone {
  if (valueIn(conditions.throttled) === true) return 'bad';
  const [now, limit] = [valueIn(conditions.temperatureCelsius), valueIn(conditions.temperatureLimitCelsius)];
  if (now === undefined || limit === undefined) return 'plain';
  return now >= limit ? 'bad' : now >= limit - 10 ? 'warning' : 'plain';
}

function facts(node: NodeState): readonly Fact[] {
  const { conditions } = node;
  const throttled = valueIn(conditions.throttled);
  return [
    fact('id', node.nodeId, 'dim'),
    fact('version', node.softwareVersion || dash),
    fact('processor', valueIn(node.processorName) ?? dash),
    figureFact('cores', node.cores, whole),
    ...(node.addresses.length === 0 ? [] : [fact('addresses', node.addresses.join(', '), 'dim')]),
    'unknown' in conditions.throttled
      ? fact('slowed by heat', whyUnknown(conditions.throttled), 'dim')
      : fact('slowed by heat', throttled ? 'yes' : 'no', throttled ? 'bad' : 'plain'),
    'unknown' in conditions.battery
      ? fact('battery', whyUnknown(conditions.battery), 'dim')
      : { label: 'battery', ...battery(conditions.battery.value) },
    ...(node.silent === undefined ? [] : [fact('silent', node.silent, 'warning')]),
    ...badgesOf(node).map(({ text, reason, tone }) => fact(text, reason, tone)),
  ];
}

function battery(state: BatteryState): Cell {
  if (!state.present) return cell('none');
  const charge = 'unknown' in state.chargePercent ? dash : `${Math.round(state.chargePercent.value)} %`;
  return cell(`${charge}${state.discharging ? ', in use' : ''}`, state.discharging ? 'warning' : 'plain');
}

function bars(node: NodeState): readonly Bar[] {
  const { conditions } = node;
  const whole = wholeLoad(conditions);
  const load = valueIn(whole);
  const others = valueIn(conditions.loadByOthers) ?? 0;
  const loadBar: Bar =
    load === undefined
      ? { label: 'load', fraction: null, text: whyUnknown(whole), tone: 'dim' }
      : {
          label: 'load',
          fraction: load,
          text: `${percent(whole)}, of which others ${percent(conditions.loadByOthers)}`,
          tone: others > 0.5 ? 'warning' : 'plain',
        };
  return [loadBar, memoryBar('memory', node.memoryTotalBytes, node.memoryAvailableBytes), temperatureBar(node)];
}

function temperatureBar(node: NodeState): Bar {
  const { temperatureCelsius, temperatureLimitCelsius } = node.conditions;
  const now = valueIn(temperatureCelsius);
  if (now === undefined)
    return { label: 'temperature', fraction: null, text: whyUnknown(temperatureCelsius), tone: 'dim' };
  const limit = valueIn(temperatureLimitCelsius);
  return {
    label: 'temperature',
    fraction: limit === undefined || limit <= 0 ? null : Math.min(1, Math.max(0, now / limit)),
    text:
      limit === undefined ? celsius(temperatureCelsius) : `${celsius(temperatureCelsius)} of ${Math.round(limit)} °C`,
    tone: heatTone(node),
  };
}

function series(history: NodeHistory): readonly Series[] {
  const of = (
    label: string,
    points: Series['points'],
    maximum: number | null,
    write: (value: number) => string,
  ): Series => {
    const value = last(points);
    return {
      label,
      points,
      maximum,
      text: value === null ? dash : write(value),
      tone: value === null ? 'dim' : 'plain',
    };
  };
  const parts = (value: number) => `${Math.round(value * 100)} %`;
  return [
    of('load', history.load, 1, parts),
    of('memory used', history.memoryUsed, 1, parts),
    of('temperature', history.temperature, null, (value) => `${Math.round(value)} °C`),
    of('power', history.power, null, (value) => watts({ value, source: 'measured' })),
    of('battery', history.battery, 100, (value) => `${Math.round(value)} %`),
  ];
}

function deviceTable(devices: readonly DeviceState[], context: ViewContext) {
  return table({
    title: 'Devices',
    columns: [
      { key: 'device', title: 'device' },
      { key: 'name', title: 'name', isWide: true },
      { key: 'memory', title: 'free', align: 'right' },
      { key: 'total', title: 'of', align: 'right' },
      { key: 'bandwidth', title: 'bandwidth', align: 'right', from: 'medium' },
      { key: 'temperature', title: 'heat', align: 'right', from: 'wide' },
      { key: 'power', title: 'power', align: 'right', from: 'wide' },
    ],
    rows: devices.map((device) => ({
      id: `${device.backend}/${device.deviceId}`,
      cells: [
        cell(`${device.backend}/${device.deviceId}`, device.unavailable === undefined ? 'plain' : 'bad'),
        cell(device.unavailable ?? device.name, device.unavailable === undefined ? 'plain' : 'bad'),
        figureCell(device.memoryAvailableBytes, bytes),
        figureCell(device.memoryTotalBytes, bytes),
        figureCell(device.memoryBandwidthBytesPerSecond, rate),
        figureCell(device.temperatureCelsius, celsius),
        figureCell(device.powerWatts, watts),
      ],
    })),
    empty: 'it offers no device',
    context,
  });
}

function shareTable(shares: readonly ShareFigures[], context: ViewContext) {
  return table({
    title: 'Parts of models',
    columns: [
      { key: 'model', title: 'model', isWide: true },
      { key: 'stage', title: 'stage', align: 'right' },
      { key: 'layers', title: 'layers', align: 'right' },
      { key: 'share', title: 'of all', align: 'right' },
      { key: 'device', title: 'device', from: 'medium' },
    ],
    rows: shares.map(({ instance, modelName, stage, member, layers: range, share, device }) => ({
      id: `${instance} ${stage}.${member}`,
      cells: [
        cell(modelName),
        cell(`${stage}.${member}`),
        cell(layers(range)),
        cell(`${Math.round(share * 100)} %`),
        cell(device),
      ],
    })),
    empty: 'it has no part in anything',
    context,
  });
}
