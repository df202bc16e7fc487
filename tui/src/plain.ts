/** The dashboard without a terminal: lines for people, or lines of JSON for programs, look by look. */
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ScreenName, screenNames } from './keys/key-table.js';
import type { ClusterSource } from './source/source.js';
import { apply } from './state/apply.js';
import { initialState } from './state/initial.js';
import type { DashboardState, EventState } from './state/state.js';
import type { Update } from './state/update.js';
import { headerView } from './views/header.js';
import { screenLine } from './views/twin.js';
import { clock } from './views/words.js';

export interface PlainParts {
  readonly source: (emit: (update: Update) => void) => ClusterSource;
  readonly output: Writable;
  readonly format: 'lines' | 'json';
  readonly intervalMilliseconds: number;
  /** Absent: all. */
  readonly screen?: ScreenName | undefined;
  /** Looks before it ends; absent: until the signal aborts. */
  readonly count?: number | undefined;
}

/** Figures that take a second look to be known are not in the first. */
const firstLookMilliseconds = 300;
const longestFirstLook = 10_000;

export async function runPlain(parts: PlainParts, signal: AbortSignal): Promise<void> {
  let state = initialState(Date.now());
  const source = parts.source((update) => {
    state = apply(state, update);
  });
  source.start();
  try {
    const began = performance.now();
    const isKnown = () => state.connection.phase === 'lost' || state.nodes.some(({ devices }) => devices.length > 0);
    // All looks that were begun together, or what is known when one of them takes too long, or that there is nobody.
    while (!signal.aborted && !isKnown() && performance.now() - began < longestFirstLook) await pause(50, signal);
    await pause(firstLookMilliseconds, signal);
    let toldEvents = 0;
    for (let looks = 0; !signal.aborted; ) {
      if (parts.format === 'json') tellJson(state, parts);
      else toldEvents = tellLines(state, parts, toldEvents);
      looks += 1;
      if (looks === parts.count) return;
      await drained(parts.output);
      await pause(parts.intervalMilliseconds, signal);
    }
  } finally {
    await source.stop();
  }
}

function tellJson(state: DashboardState, { output, screen }: PlainParts): void {
  const names = screen === undefined ? screenNames : [screen];
  for (const name of names) output.write(`${JSON.stringify(screenLine(state, name))}\n`);
}

/** One line for the cluster, and one for each event since the last. */
function tellLines(state: DashboardState, { output }: PlainParts, told: number): number {
  const { facts, alert } = headerView(state, Date.now());
  for (const event of state.events)
    if (event.sequence > told && event.level !== 'debug') output.write(eventLine(event));
  const words = facts.map(({ label, text }) => `${label} ${text}`).join(', ');
  output.write(`${clock(Date.now())} ${words}${alert === undefined ? '' : `; ${alert.text}`}\n`);
  return state.seenEvents;
}

function eventLine({ at, level, kind, message, code }: EventState): string {
  return `${clock(at)} ${level} ${kind}: ${message}${code === undefined ? '' : ` (${code})`}\n`;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Whoever reads more slowly than is written is waited for. */
async function drained(output: Writable): Promise<void> {
  if (!output.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    output.once('drain', resolve);
    output.once('close', resolve);
    output.once('error', () => resolve());
  });
}
