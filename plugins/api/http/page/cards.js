// Nodes, models and links of the cluster, each in a box of its own.
import { call } from './connection.js';
import { disclosure, element } from './elements.js';
import { bandwidth, bytes, known, layerRange, milliseconds, plural } from './format.js';
import { memberBytes, membersOf, planFacts, planReasons } from './plan.js';

const hues = 8;

/** Each node has one colour in everything that is shown of it. */
export const colorOf = ({ nodes }, nodeId) =>
  `node-${
    Math.max(
      0,
      nodes.findIndex((one) => one.nodeId === nodeId),
    ) % hues
  }`;

const badge = (text, kind = '') => element('span', { class: `badge ${kind}` }, text);

const nodeStates = {
  connected: '',
  self: 'this node',
  stalled: 'silent',
  unreachable: 'unreachable',
  refused: 'refused',
};

/** A bar of parts that add up to a whole; `parts`: [value, class, what it is]. */
function meter(whole, parts, label) {
  const bar = element('div', { class: 'meter', role: 'img', 'aria-label': label });
  for (const [value, kind, title] of parts) {
    const part = element('span', { class: kind, title });
    // The policy allows no style in markup; set from here it is none.
    part.style.flexBasis = `${(100 * Math.max(0, value)) / Math.max(1, whole)}%`;
    bar.append(part);
  }
  return bar;
}

/** What is known of a node's memory: [{name, total, free, own}], own by this cluster's models. */
export function memories({ machines, instances }, nodeId) {
  const machine = machines.find((one) => one.nodeId === nodeId);
  if (!machine?.devices) return [];
  const loaded = instances
    .filter(({ state }) => state === 'ready')
    .flatMap(({ plan }) => membersOf(plan))
    .filter((member) => member.nodeId === nodeId);
  return machine.devices.flatMap(({ backend, properties }) => {
    if (!properties.available) return [];
    const { id, kind, name } = properties;
    const own = loaded
      .filter((member) => member.deviceId === id && member.backend === backend)
      .reduce((sum, member) => sum + memberBytes(member), 0);
    const isMemoryOfMachine = kind === 'cpu';
    const total =
      known(isMemoryOfMachine ? machine.memory?.totalBytes : undefined) ?? known(properties.memoryTotalBytes);
    const free =
      known(isMemoryOfMachine ? machine.memory?.freeBytes : undefined) ?? known(properties.memoryAvailableBytes);
    const unknown = properties.memoryTotalBytes.unknown ?? properties.memoryAvailableBytes.unknown;
    return [{ key: `${backend}/${id}`, kind, name, total, free, own, unknown }];
  });
}

function memoryLine({ kind, name, total, free, own, unknown }, color) {
  const title = element('p', { class: 'device' }, badge(kind === 'cpu' ? 'CPU' : kind === 'gpu' ? 'GPU' : kind), name);
  if (total === undefined || free === undefined) {
    return [title, element('p', { class: 'note' }, `memory unknown: ${unknown ?? 'it does not say'}`)];
  }
  const others = Math.max(0, total - free - own);
  const label = `${bytes(free)} of ${bytes(total)} free${own > 0 ? `, ${bytes(own)} with models` : ''}`;
  const parts = [
    [own, `fill ${color}`, `models: ${bytes(own)}`],
    [others, 'others', `everything else: ${bytes(others)}`],
  ];
  return [title, meter(total, parts, label), element('p', { class: 'note' }, label)];
}

export function nodeCard(cluster, node) {
  const { nodeId, nodeName, state, message, isLeader, cordoned, draining, paused } = node;
  const color = colorOf(cluster, nodeId);
  const machine = cluster.machines.find((one) => one.nodeId === nodeId);
  const shares = cluster.instances
    .filter((one) => one.state === 'ready' || one.state === 'loading')
    .flatMap(({ plan }) =>
      membersOf(plan)
        .filter((member) => member.nodeId === nodeId)
        .map((member) => ({ ...member, modelName: plan.modelName })),
    );
  const badges = [
    nodeStates[state] === '' ? undefined : badge(nodeStates[state] ?? state, state),
    isLeader ? badge('leader') : undefined,
    cordoned === undefined ? undefined : badge(draining ? 'draining' : 'cordoned', 'warn'),
    paused === undefined ? undefined : badge('paused', 'warn'),
  ];
  const why = [message, cordoned, paused, machine?.silent].filter((one) => one !== undefined && one !== '');
  return element(
    'article',
    { class: `card ${state}`, 'data-node': nodeName },
    element('h3', {}, element('span', { class: `dot ${color}` }), nodeName || 'a node', ...badges),
    ...why.map((text) => element('p', { class: 'note' }, text)),
    ...memories(cluster, nodeId).flatMap((one) => memoryLine(one, color)),
    ...shares.map(({ modelName, layers, share, weightBytes }) =>
      element(
        'p',
        { class: 'share' },
        element('strong', {}, modelName),
        ` ${layerRange(layers)}${share < 1 ? `, ${Math.round(share * 100)} % of each` : ''}, ${bytes(weightBytes)}`,
      ),
    ),
  );
}

/** All layers in a row, in the colours of who holds them. */
function layerStrip(cluster, plan) {
  const last = plan.stages.at(-1).layers[1];
  const strip = element('div', { class: 'strip', role: 'img', 'aria-label': holders(plan) });
  for (const { layers, members } of plan.stages) {
    const stage = element('span', { class: 'stage' });
    stage.style.flexGrow = String(Math.max(1, layers[1] - layers[0]));
    for (const member of members) {
      const title = `${member.nodeName}: ${layerRange(layers)}${members.length > 1 ? `, ${Math.round(member.share * 100)} %` : ''}`;
      const part = element('span', { class: `fill ${colorOf(cluster, member.nodeId)}`, title });
      part.style.flexGrow = String(Math.max(member.share, 0.02));
      stage.append(part);
    }
    strip.append(stage);
  }
  return [strip, element('p', { class: 'note' }, `${plural(last, 'layer')}: ${holders(plan)}`)];
}

function holders({ stages }) {
  return stages
    .map(({ layers, members }) => {
      const [first, end] = layers;
      const range = end - first === 1 ? `${first + 1}` : `${first + 1}–${end}`;
      return `${range} on ${members.map(({ nodeName }) => nodeName).join(' + ')}`;
    })
    .join(', ');
}

function requestsLine(cluster, instance, plan) {
  const head = cluster.statistics.get(instance)?.find(({ stage, member }) => stage === 0 && member === 0)?.statistics;
  if (head === undefined) return [];
  const { residentSlots, waitingRequests } = head;
  const waits = waitingRequests > 0 ? `, ${waitingRequests} waiting` : '';
  const label = `${residentSlots} of ${plural(plan.slotCount, 'slot')} in use${waits}`;
  return [
    meter(plan.slotCount, [[residentSlots, 'fill busy', label]], label),
    element('p', { class: 'note requests' }, label),
  ];
}

function progressLine({ progress }, instance) {
  const parts = [...(progress.get(instance)?.values() ?? [])];
  const loaded = parts.reduce((sum, { loadedBytes }) => sum + loadedBytes, 0);
  const total = parts.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  if (total === 0) return [];
  const label = `${bytes(loaded)} of ${bytes(total)} loaded`;
  return [meter(total, [[loaded, 'fill busy', label]], label), element('p', { class: 'note' }, label)];
}

/** `refresh` is called when something was done. */
export function instanceCard(cluster, { instance, state, plan, failure }, refresh) {
  const paused = cluster.state?.instances.find((one) => one.instance === instance)?.paused;
  return element(
    'article',
    { class: `card ${state}`, 'data-instance': instance },
    element('h3', {}, plan.modelName, badge(state, state), paused === undefined ? undefined : badge('paused', 'warn')),
    failure === undefined ? undefined : element('p', { class: 'wrong' }, failure.message),
    paused === undefined ? undefined : element('p', { class: 'note' }, paused),
    ...(state === 'loading' ? progressLine(cluster, instance) : []),
    ...layerStrip(cluster, plan),
    ...(state === 'ready' ? requestsLine(cluster, instance, plan) : []),
    disclosure(
      `why ${instance}`,
      'Why this plan',
      element('p', { class: 'note' }, planFacts(plan)),
      planReasons(plan),
      element('p', { class: 'note' }, `Instance ${instance}`),
      state === 'ready' ? unloadButton(instance, plan.modelName, refresh) : undefined,
    ),
  );
}

/** What an unload button says, where it was pressed. */
const unloading = new Map();

/** Asks once more: who loaded it may be somebody else. */
function unloadButton(instance, modelName, refresh) {
  const label = unloading.get(instance) ?? 'Unload';
  const button = element('button', { type: 'button', 'data-key': `unload ${instance}` }, label);
  const say = (text) => {
    unloading.set(instance, text);
    button.textContent = text;
  };
  button.addEventListener('click', async () => {
    if (!unloading.has(instance)) return say(`Really unload ${modelName}?`);
    say('Unloading …');
    await call(`cluster/instances/${instance}`, { method: 'DELETE' }).catch((error) => say(error.message));
    refresh();
  });
  return button;
}

/** The best of the links of each direction between two nodes comes first. */
export function linkTable({ topology, nodes }) {
  const links = topology?.links ?? [];
  if (links.length === 0)
    return element('p', { class: 'empty' }, nodes.length > 1 ? 'None is measured yet.' : 'It is alone.');
  const nameOf = (nodeId) => nodes.find((node) => node.nodeId === nodeId)?.nodeName ?? nodeId.slice(-8);
  const row = ({ from, to, kind, latencyMicroseconds, bandwidthBytesPerSecond }) => {
    const latency = known(latencyMicroseconds);
    const rate = known(bandwidthBytesPerSecond);
    return element(
      'tr',
      {},
      element('td', {}, `${nameOf(from.nodeId)} → ${nameOf(to.nodeId)}`),
      element('td', {}, kind),
      element(
        'td',
        { title: latencyMicroseconds.unknown },
        latency === undefined ? 'unknown' : milliseconds(latency / 1000),
      ),
      element('td', { title: bandwidthBytesPerSecond.unknown }, rate === undefined ? 'unknown' : bandwidth(rate)),
    );
  };
  const heads = ['from, to', 'kind', 'latency', 'bandwidth'].map((text) => element('th', { scope: 'col' }, text));
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...links.map(row)),
  );
  return disclosure('links', plural(links.length, 'measured link'), element('div', { class: 'wide' }, table));
}
