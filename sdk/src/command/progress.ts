/** Shows how far a load is: in place on a terminal, as an occasional line elsewhere. */
import type { LoadProgress } from '@shoal/core';
import { formatBytes } from '@shoal/core/client';
import type { LoadProgressed } from '../index.js';
import { progressBar, type Terminal } from './terminal.js';

const redrawMilliseconds = 100;
const lineMilliseconds = 5000;
/** Rate and time left follow what happened within this time. */
const rateWindowMilliseconds = 4000;
const maximumMemberLines = 12;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

export class LoadProgressDisplay {
  #samples: Sample[] = [];
  #shownAt: number;

  constructor(
    private readonly terminal: Terminal,
    private readonly model: string,
    private readonly now: () => number = () => performance.now(),
  ) {
    // The first line elsewhere than on a terminal comes only when the load takes long.
    this.#shownAt = now();
    terminal.live([`planning ${model} …`]);
    if (terminal.interactive) this.#shownAt = Number.NEGATIVE_INFINITY;
  }

  update(progress: LoadProgressed): void {
    const at = this.now();
    this.#samples.push({ at, bytes: progress.loadedBytes });
    while (this.#samples.length > 2 && at - (this.#samples[1] as Sample).at > rateWindowMilliseconds) {
      this.#samples.shift();
    }
    const isComplete = progress.loadedBytes >= progress.totalBytes;
    const interval = this.terminal.interactive ? redrawMilliseconds : lineMilliseconds;
    if (at - this.#shownAt < interval && !(isComplete && this.terminal.interactive)) return;
    this.#shownAt = at;
    if (this.terminal.interactive) this.terminal.live(this.#lines(progress));
    else this.terminal.note(`loading ${this.model}: ${this.#figures(progress)}`);
  }

  /** Removes what was drawn. */
  close(): void {
    this.terminal.clearProgress();
  }

  #lines({ members, ...total }: LoadProgressed): string[] {
    const overall = bar(`loading ${this.model}`, fractionOf(total), this.#figures({ ...total, members }));
    if (members.length < 2) return [overall];
    const sorted = [...members].sort((left, right) => left.stage - right.stage || left.member - right.member);
    const names = sorted.map(nameOf);
    const width = Math.max(...names.map((name) => name.length));
    const shown = sorted.slice(0, maximumMemberLines).map((member, index) => {
      const bytes = `${formatBytes(member.loadedBytes)} of ${formatBytes(member.totalBytes)}`;
      return bar(`  ${(names[index] ?? '').padEnd(width)}`, fractionOf(member), bytes);
    });
    const others = sorted.length - shown.length;
    return [overall, ...shown, ...(others > 0 ? [`  and ${others} more`] : [])];
  }

  #figures(progress: LoadProgressed): string {
    const { loadedBytes, totalBytes } = progress;
    const done = `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`;
    const rate = this.#bytesPerSecond();
    if (rate === undefined || loadedBytes >= totalBytes) return done;
    return `${done}, ${formatBytes(rate)}/s, ${formatDuration((totalBytes - loadedBytes) / rate)} left`;
  }

  #bytesPerSecond(): number | undefined {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (!first || !last || last.at <= first.at || last.bytes <= first.bytes) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }
}

function nameOf({ nodeName, stage, member }: LoadProgress): string {
  return `${nodeName} (stage ${stage}, member ${member})`;
}

function fractionOf({ loadedBytes, totalBytes }: Pick<LoadProgressed, 'loadedBytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 1 : loadedBytes / totalBytes;
}

function bar(label: string, fraction: number, figures: string): string {
  const percent = `${Math.floor(Math.min(1, fraction) * 100)}`.padStart(3);
  return `${label} ${progressBar(fraction)} ${percent} %  ${figures}`;
}

/** `45 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
