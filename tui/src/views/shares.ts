/** What nodes have to do with instances: their parts, their memory, and the words that stand beside their names. */
import { combine, type Figure, known, unknown } from '../state/figure.js';
import type { DashboardState, InstanceState, NodeState } from '../state/state.js';
import type { Badge, Tone } from './blocks.js';
import { counted } from './words.js';

/** A part of an instance on a node. */
export interface ShareFigures {
  readonly instance: string;
  readonly modelName: string;
  readonly stage: number;
  readonly member: number;
  readonly device: string;
  /** The first, and the one after the last. */
  readonly layers: readonly [number, number];
  /** Of all weights of the model's layers: 0 to 1. */
  readonly share: number;
}

/** By node. */
export function sharesByNode(instances: readonly InstanceState[]): ReadonlyMap<string, readonly ShareFigures[]> {
  const found = new Map<string, ShareFigures[]>();
  for (const { instance, modelName, state, plan } of instances) {
    if (state !== 'ready' && state !== 'loading') continue;
    const layerCount = Math.max(1, ...plan.stages.map(({ layers }) => layers[1]));
    for (const [stage, { layers, members }] of plan.stages.entries()) {
      for (const [member, { nodeId, backend, deviceId, share }] of members.entries()) {
        const part = ((layers[1] - layers[0]) / layerCount) * share;
        const shares = found.get(nodeId) ?? [];
        found.set(nodeId, shares);
        shares.push({ instance, modelName, stage, member, device: `${backend}/${deviceId}`, layers, share: part });
      }
    }
  }
  return found;
}

export interface MemoryFigures {
  readonly totalBytes: Figure;
  readonly availableBytes: Figure;
}

/** Of the node's accelerators where they have memory of their own that is known, else of its machine. */
export function memoryOf({ devices, memoryTotalBytes, memoryAvailableBytes }: NodeState): MemoryFigures {
  const accelerators = devices.filter(
    (device) => device.unavailable === undefined && device.kind !== 'cpu' && !('unknown' in device.memoryTotalBytes),
  );
  if (accelerators.length === 0) return { totalBytes: memoryTotalBytes, availableBytes: memoryAvailableBytes };
  return {
    totalBytes: total(accelerators.map((device) => device.memoryTotalBytes)),
    availableBytes: total(accelerators.map((device) => device.memoryAvailableBytes)),
  };
}

/** The sum; not known where one is not. */
export function total(figures: readonly Figure[]): Figure {
  return figures.reduce<Figure>((sum, one) => combine(sum, one, (left, right) => left + right), known(0, 'measured'));
}

/** The sum of what is known; not known where nothing is. */
export function totalKnown(figures: readonly Figure[], reason: string): Figure {
  const numbers = figures.filter((figure) => !('unknown' in figure));
  if (numbers.length > 0) return total(numbers);
  // Of one alone its own reason says more.
  const [only, ...others] = figures;
  return only === undefined || others.length > 0 ? unknown(reason) : only;
}

export const isThere = ({ presence }: NodeState): boolean =>
  presence === 'self' || presence === 'connected' || presence === 'stalled';

const badgeTones: Readonly<Record<string, Tone>> = {
  unreachable: 'bad',
  refused: 'bad',
  hot: 'bad',
  gone: 'dim',
  note: 'dim',
  here: 'accent',
  leader: 'accent',
};

/** Most badges are warnings. */
export const badgeTone = (badge: string): Tone => badgeTones[badge] ?? 'warning';

/** What is special about a node, the worst first. */
export function badgesOf(node: NodeState): readonly Badge[] {
  const { presence, message, code, conditions } = node;
  const badges: Badge[] = [];
  const add = (text: string, reason: string) => badges.push({ text, tone: badgeTone(text), reason });
  const why = [code, message].filter((part) => part !== undefined).join(': ');
  if (presence === 'unreachable') add('unreachable', why || 'it does not answer');
  if (presence === 'refused') add('refused', why || 'it cannot be a member');
  if (presence === 'gone') add('gone', 'it left, or nobody knows it any more');
  if (presence === 'stalled') add('stalled', why || 'it is connected, but silent');
  if (node.draining !== undefined) {
    const { remainingInstances } = node.draining;
    add('draining', `it still has a part in ${counted(remainingInstances, 'instance')}`);
  } else if (node.cordoned !== undefined) add('cordoned', node.cordoned);
  if (node.paused !== undefined) add('paused', node.paused);
  if ('value' in conditions.throttled && conditions.throttled.value) add('hot', 'it slows itself down, for it is hot');
  if (node.derating !== undefined) {
    add('slowed', `plans count on ${Math.round(node.derating.factor * 100)} %: ${node.derating.reason}`);
  }
  if ('value' in conditions.battery && conditions.battery.value.present && conditions.battery.value.discharging) {
    add('battery', 'it runs on its battery');
  }
  if (node.silent !== undefined) add('silent', node.silent);
  if (presence === 'connected' && message !== undefined) add('note', message);
  if (presence === 'self') add('here', 'the dashboard is attached to it');
  if (node.isLeader) add('leader', "it puts the cluster's decisions in order");
  return badges;
}

/** The instance that is drawn: the first that serves, else the first that loads. */
export function drawnInstance({ instances }: DashboardState): InstanceState | undefined {
  return instances.find(({ state }) => state === 'ready') ?? instances.find(({ state }) => state === 'loading');
}
