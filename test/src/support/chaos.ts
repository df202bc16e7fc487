// Random schedules of what goes wrong on a network, as scenario files have them.
import { readFileSync } from 'node:fs';
import type { NetworkChange, PathRule, TimedOrder } from './emulated-network.js';

/** A network and what happens on it. */
export interface Scenario {
  readonly hosts: number;
  /** Of the network. */
  readonly seed: number;
  readonly timeline: readonly TimedOrder[];
}

export function readScenario(file: string): Scenario {
  return JSON.parse(readFileSync(file, 'utf8')) as Scenario;
}

/** Random numbers of a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let value = this.#state;
    value = Math.imul(value ^ (value >>> 15), value | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.unit() * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  shuffle<T>(values: readonly T[]): T[] {
    const shuffled = [...values];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = this.below(index + 1);
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }
}

function randomRule(random: Random): PathRule {
  return random.pick<() => PathRule>([
    () => ({ delay: { microseconds: 1000 + random.below(30_000) } }),
    () => ({ delay: { microseconds: 1000, jitter: { distribution: 'pareto', microseconds: 3000 }, overtakes: true } }),
    () => ({ loss: { model: 'random', probability: 0.01 + random.unit() * 0.04 } }),
    () => ({ loss: { model: 'bursts', begins: 0.01, ends: 0.2 + random.unit() * 0.3 } }),
    () => ({ bandwidth: { bitsPerSecond: 5e6 + random.unit() * 95e6 } }),
    () => ({ duplicate: { probability: 0.2 }, reorder: { probability: 0.2, microseconds: 3000 } }),
    () => ({}),
  ])();
}

/** One thing that goes wrong, or right again. */
function randomChange(random: Random, hosts: readonly string[]): NetworkChange {
  const [from, to] = random.shuffle(hosts) as [string, string];
  return random.pick<() => NetworkChange>([
    () => {
      const mixed = random.shuffle(hosts);
      const at = 1 + random.below(hosts.length - 1);
      return { order: 'partition', groups: [mixed.slice(0, at), mixed.slice(at)] };
    },
    () => ({ order: 'cut', from, to }),
    () => ({ order: 'unplug', at: from }),
    () => ({ order: 'plug', at: '*' }),
    () => ({ order: 'rule', from, to, rule: randomRule(random) }),
    () => ({ order: 'rule', from: '*', to, rule: randomRule(random) }),
    () => ({ order: 'heal' }),
    () => ({ order: 'heal' }),
  ])();
}

/** So many things at random times within so long, and then all is well again. */
export function randomScenario(seed: number, { hosts = 4, changes = 10, milliseconds = 10_000 } = {}): Scenario {
  const random = new Random(seed);
  const names = Array.from({ length: hosts }, (_, index) => `host-${index + 1}`);
  const times = Array.from({ length: changes }, () => random.below(milliseconds)).sort((one, other) => one - other);
  const wrong = times.map((atMilliseconds) => ({ atMilliseconds, do: randomChange(random, names) }));
  const right: readonly NetworkChange[] = [
    { order: 'heal' },
    { order: 'plug', at: '*' },
    { order: 'rule', from: '*', to: '*', rule: {} },
  ];
  return {
    hosts,
    seed,
    timeline: [...wrong, ...right.map((change) => ({ atMilliseconds: milliseconds, do: change }))],
  };
}
