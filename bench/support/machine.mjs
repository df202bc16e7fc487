// What a result should say about the machine.
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { median, round } from './numbers.mjs';

/** Facts that do not change during a run. */
export function machineFacts() {
  const processors = cpus();
  return {
    platform: `${platform()} ${arch()}`,
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    features: instructionSets(),
    memoryGigabytes: round(totalmem() / 1e9, 1),
    node: process.version,
  };
}

/** The instruction sets that decide about the kernels, where the system lists them. */
function instructionSets() {
  const wanted = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_int8', 'asimddp', 'i8mm', 'sve'];
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
    return wanted.filter((feature) => flags.includes(feature));
  } catch {
    return [];
  }
}

/** Read bandwidths, taken by the headless engine next to the runs. */
export class Bandwidth {
  #engine;
  #readings = new Map();

  constructor(engine) {
    this.#engine = engine;
  }

  async measure(threads = [1, 2]) {
    for (const count of threads) {
      const { gigabytesPerSecond } = await this.#engine.ask({ bandwidth: count });
      this.#readings.set(count, [...(this.#readings.get(count) ?? []), gigabytesPerSecond]);
    }
  }

  /** Gigabytes per second: the median, and the lowest and highest reading. */
  summary() {
    const entries = [...this.#readings].map(([threads, values]) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return [
        threads === 1 ? 'oneThread' : `threads${threads}`,
        { median: round(median(values), 1), lowest: round(low, 1), highest: round(high, 1) },
      ];
    });
    return Object.fromEntries(entries);
  }
}
