// Keeps what is known of the cluster current, and shows it: by events where something happens, by asking where numbers change.
import { instanceCard, linkTable, nodeCard } from './cards.js';
import { offerModels } from './chat.js';
import { ask, call, eventsOf } from './connection.js';
import { byId, element, replace } from './elements.js';
import { plural } from './format.js';
import { startLoading } from './loading.js';
import { picture } from './picture.js';

const settleMilliseconds = 100;
const requestsMilliseconds = 2000;
const machinesMilliseconds = 15_000;
const missingLinksMilliseconds = 2000;
const linksMilliseconds = 30_000;
const reconnectMilliseconds = 2000;

/** What was last heard. */
const cluster = {
  nodes: [],
  instances: [],
  state: undefined,
  topology: undefined,
  machines: [],
  /** Counters of members, by instance. */
  statistics: new Map(),
  /** Bytes that were loaded and bytes of all, by instance and node. */
  progress: new Map(),
};

let nextTopology;

async function readState() {
  const { nodes, instances, state } = await ask('cluster');
  Object.assign(cluster, { nodes, instances, state });
  for (const { instance, state: how } of instances) if (how !== 'loading') cluster.progress.delete(instance);
  draw();
}

/** Links and machines are asked for at all nodes: one that does not answer holds up this part only. */
async function readTopology() {
  try {
    cluster.topology = await ask('cluster/topology');
    draw();
  } finally {
    clearTimeout(nextTopology);
    nextTopology = setTimeout(
      () => {
        if (!document.hidden) void readTopology().catch(ignore);
      },
      linksAreMissing() ? missingLinksMilliseconds : linksMilliseconds,
    );
  }
}

/** They are measured some time after a node has joined, which is no event. */
function linksAreMissing() {
  const others = cluster.nodes.filter(({ state }) => state === 'connected');
  const links = cluster.topology?.links ?? [];
  return others.some(({ nodeId }) => !links.some(({ from, to }) => from.nodeId === nodeId || to.nodeId === nodeId));
}

async function readMachines() {
  cluster.machines = (await ask('cluster/machines')).nodes;
  draw();
}

async function readRequests() {
  const { instances } = await ask('cluster/statistics');
  cluster.statistics = new Map(instances.map(({ instance, members }) => [instance, members]));
  draw();
}

let drawn = '';

function draw() {
  const shown = JSON.stringify([
    cluster,
    [...cluster.statistics],
    [...cluster.progress].map(([key, one]) => [key, [...one]]),
  ]);
  if (shown === drawn) return;
  drawn = shown;
  const { nodes, instances } = cluster;
  const present = nodes.filter(({ state }) => state === 'self' || state === 'connected');
  byId('summary').textContent = nodes.length === 0 ? '' : plural(present.length, 'node');
  replace(byId('picture'), picture(cluster));
  replace(
    byId('instances'),
    instances.length === 0 ? element('p', { class: 'empty' }, 'None is loaded.') : [],
    instances.map((instance) => instanceCard(cluster, instance, readSoon)),
  );
  replace(byId('nodes'), ...nodes.map((node) => nodeCard(cluster, node)));
  replace(byId('links'), linkTable(cluster));
  offerModels(served(instances));
}

function served(instances) {
  const names = [...new Set(instances.filter(({ state }) => state === 'ready').map(({ plan }) => plan.modelName))];
  return names.map((name) => {
    const nodeNames = instances
      .filter(({ state, plan }) => state === 'ready' && plan.modelName === name)
      .flatMap(({ plan }) => plan.stages.flatMap(({ members }) => members.map(({ nodeName }) => nodeName)));
    const distinct = [...new Set(nodeNames)];
    return { name, place: distinct.length > 3 ? plural(distinct.length, 'node') : distinct.join(' and ') };
  });
}

function trouble(text) {
  byId('trouble').textContent = text;
  byId('trouble').hidden = text === '';
}

let settling;

/** Several events at once are one change. */
function readSoon() {
  if (settling !== undefined) return;
  settling = setTimeout(() => {
    settling = undefined;
    void readState().then(readRequests).catch(ignore);
    void readTopology().catch(ignore);
    void readMachines().catch(ignore);
  }, settleMilliseconds);
}

/** It is asked for again soon; that the node is away is said by who listens to its events. */
function ignore() {}

function noteProgress({ instance, nodeId, loadedBytes, totalBytes }) {
  const byNode = cluster.progress.get(instance) ?? new Map();
  cluster.progress.set(instance, byNode.set(nodeId, { loadedBytes, totalBytes }));
  draw();
}

async function follow() {
  for (;;) {
    try {
      const events = await call('cluster/events');
      trouble('');
      readSoon();
      for await (const event of eventsOf(events)) {
        if (event.kind === 'load-progressed') noteProgress(event);
        else readSoon();
      }
    } catch {
      // Said below.
    }
    trouble(byId('access').open ? '' : 'The node does not answer. Trying again …');
    await new Promise((resolve) => setTimeout(resolve, reconnectMilliseconds));
  }
}

/** Numbers that change without an event; a page that nobody looks at does not ask. */
function poll(read, everyMilliseconds) {
  setInterval(() => {
    if (!document.hidden) void read().catch(ignore);
  }, everyMilliseconds);
}

/** Returns what reads everything anew. */
export function startCluster() {
  void follow();
  poll(readRequests, requestsMilliseconds);
  poll(readMachines, machinesMilliseconds);
  document.addEventListener('visibilitychange', readSoon);
  startLoading(readSoon);
  byId('model').addEventListener('change', () => offerModels(served(cluster.instances)));
  return readSoon;
}
