/** What happened, as lines: events of the cluster and records of a node's log. */
import { limits, newest } from './limits.js';
import { count, list, moment, oneOf, record, records, text } from './sanitize.js';
import type { DashboardState, EventLevel, EventState, InstanceState } from './state.js';
import type { Update } from './update.js';

type Fields = Readonly<Record<string, unknown>>;
type NewEvent = Omit<EventState, 'sequence'>;

const longestMessage = 1000;
/** What was loading may be told a thousand times: it is a figure, not a line. */
const isFigure = (event: Fields) => event.kind === 'load-progressed';

export function applyEvents(
  state: DashboardState,
  { at, events }: Extract<Update, { kind: 'events' }>,
): DashboardState {
  const all = records(events, Number.POSITIVE_INFINITY);
  const lines = newest(all, limits.events).filter((event) => !isFigure(event));
  const figures = all.filter(isFigure);
  const loaded = withProgress(state.instances, figures);
  const next = withEvents(
    state,
    lines.map((event) => eventLine(state, event, at)),
    all.length - figures.length,
  );
  return loaded === state.instances ? next : { ...next, instances: loaded };
}

export function applyLogs(
  state: DashboardState,
  { at, nodeName, records: told }: Extract<Update, { kind: 'logs' }>,
): DashboardState {
  const all = records(told, Number.POSITIVE_INFINITY);
  const lines = newest(all, limits.events).map((one): NewEvent => {
    const code = text(record(one.fields)?.code, 80);
    return {
      at: moment(one.time) ?? at,
      level: oneOf(one.level, levels, 'info'),
      kind: text(one.area, 40) || 'log',
      nodeName: text(nodeName),
      message: text(one.message, longestMessage),
      ...(code === '' ? {} : { code }),
    };
  });
  return withEvents(state, lines, all.length);
}

const levels: readonly EventLevel[] = ['debug', 'info', 'warn', 'error'];

/** `all`: how many there were; those that came too fast are not among the lines. */
function withEvents(state: DashboardState, lines: readonly NewEvent[], all: number): DashboardState {
  if (all === 0) return state;
  const begin = state.seenEvents + all - lines.length;
  const added = lines.map((line, index): EventState => ({ sequence: begin + index + 1, ...line }));
  const events = newest([...state.events, ...added], limits.events);
  return {
    ...state,
    events,
    seenEvents: state.seenEvents + all,
  };
}

/** Kinds of events whose level is not `info`. */
const eventLevels: Readonly<Record<string, EventLevel>> = {
  'node-lost': 'error',
  'node-unreachable': 'warn',
  'node-refused': 'warn',
  'instance-failed': 'error',
  'state-changed': 'debug',
};

function eventLine(state: DashboardState, event: Fields, at: number): NewEvent {
  const kind = text(event.kind, 40) || 'unknown';
  const code = text(event.code, 80);
  // Most events say it; looking it up in a large cluster takes longer than all else here.
  const nodeName = text(event.nodeName) || nameOf(state, text(event.nodeId));
  return {
    at,
    level: eventLevels[kind] ?? 'info',
    kind,
    nodeName,
    message: messageOf(state, kind, nodeName, event),
    ...(code === '' ? {} : { code }),
  };
}

function nameOf({ nodes }: DashboardState, nodeId: string): string {
  return nodeId === '' ? '' : (nodes.find((node) => node.nodeId === nodeId)?.nodeName ?? nodeId);
}

function messageOf(state: DashboardState, kind: string, nodeName: string, event: Fields): string {
  const told = text(event.message ?? event.reason, longestMessage);
  const model = () => {
    const plan = text(record(event.plan)?.modelName);
    const known = state.instances.find(({ instance }) => instance === event.instance);
    return plan || (known?.modelName ?? `instance ${text(event.instance, 40)}`);
  };
  switch (kind) {
    case 'node-joined':
      return `${nodeName} joined`;
    case 'node-left':
      return `${nodeName} left`;
    case 'node-leaving':
      return `${nodeName} is leaving`;
    case 'node-lost':
      return `${nodeName} was lost: ${told || 'no reason is given'}`;
    case 'node-unreachable':
      return `${list(event.addresses, 4)
        .map((one) => text(one))
        .join(', ')}: ${told}`;
    case 'node-refused':
      return `${text(event.address)}: ${told}`;
    case 'leader-changed':
      return `${nodeName} leads, elected in campaign ${count(event.term) ?? 0}`;
    case 'state-changed':
      return stateChange(event);
    case 'instance-loaded':
      return `${model()} is loaded`;
    case 'instance-failed':
      return `${model()} failed: ${told}`;
    case 'instance-unloaded':
      return `${model()} was unloaded`;
    case 'instance-moved':
      return `${model()} moved: ${told}`;
    default:
      return told || 'an event of a newer version';
  }
}

function stateChange(event: Fields): string {
  const changes = records(event.changes, 8).map((change) => text(change.kind, 40));
  if (changes.length > 0) return `decided: ${changes.join(', ')}`;
  const nodes = list(event.nodeIds, limits.nodes).length;
  return `${nodes} ${nodes === 1 ? 'node' : 'nodes'} said something new`;
}

function withProgress(instances: readonly InstanceState[], events: readonly Fields[]): readonly InstanceState[] {
  if (events.length === 0) return instances;
  const changed = new Map<string, InstanceState>();
  for (const event of events) {
    const id = text(event.instance, 40);
    const instance = changed.get(id) ?? instances.find((one) => one.instance === id && one.state === 'loading');
    const [loadedBytes, totalBytes] = [count(event.loadedBytes), count(event.totalBytes)];
    if (instance === undefined || loadedBytes === undefined || totalBytes === undefined) continue;
    const nodes = { ...instance.loading?.nodes, [text(event.nodeId) || 'unnamed']: { loadedBytes, totalBytes } };
    if (Object.keys(nodes).length > limits.nodes) continue;
    const sum = (field: 'loadedBytes' | 'totalBytes') =>
      Object.values(nodes).reduce((total, one) => total + one[field], 0);
    changed.set(id, {
      ...instance,
      loading: { loadedBytes: Math.min(sum('loadedBytes'), sum('totalBytes')), totalBytes: sum('totalBytes'), nodes },
    });
  }
  return changed.size === 0 ? instances : instances.map((one) => changed.get(one.instance) ?? one);
}
