/** What a person has done to the dashboard: which screen is seen, what is typed, what is asked. Pure. */

import type { Order } from '../keys/commands.js';
import { type ScreenName, screenNames } from '../keys/key-table.js';
import { freshScreen, type Pane, type ScreenState } from '../screens/drawing.js';
import type { Fact, Tone } from '../views/blocks.js';
import { type InputLine, inputLine } from '../widgets/input-line.js';

/** What keys go to. */
export type Mode =
  | { readonly kind: 'keys' }
  | { readonly kind: 'filter'; readonly line: InputLine; readonly before: string }
  | { readonly kind: 'command'; readonly line: InputLine; readonly candidates: readonly string[] }
  | { readonly kind: 'chat'; readonly line: InputLine }
  | { readonly kind: 'help'; readonly scroll: number }
  | { readonly kind: 'details'; readonly title: string; readonly facts: readonly Fact[]; readonly scroll: number }
  | { readonly kind: 'confirm'; readonly question: string; readonly order: Order };

export interface ShellState {
  readonly screen: ScreenName;
  readonly screens: Readonly<Record<ScreenName, ScreenState>>;
  /** Screens that Esc goes back to. */
  readonly before: readonly ScreenName[];
  readonly mode: Mode;
  readonly isHeld: boolean;
  readonly intervalMilliseconds: number;
  /** What became of the last order; goes away after a while. */
  readonly message?: {
    readonly text: string;
    readonly tone: Tone;
    readonly since: number;
    readonly until: number;
  };
  readonly commandHistory: readonly string[];
  readonly chatHistory: readonly string[];
}

const mostBefore = 16;
const shortestInterval = 250;
const unreadMilliseconds = 1000;
const longestInterval = 60_000;

export function initialShell(intervalMilliseconds: number, screen: ScreenName = 'topology'): ShellState {
  const screens = Object.fromEntries(screenNames.map((name) => [name, freshScreen]));
  return {
    screen,
    screens: screens as Record<ScreenName, ScreenState>,
    before: [],
    mode: { kind: 'keys' },
    isHeld: false,
    intervalMilliseconds,
    commandHistory: [],
    chatHistory: [],
  };
}

/** Whoever presses a key has read what was said, unless it came in the same moment. */
export function withoutReadMessage(shell: ShellState, now: number): ShellState {
  const { message, ...rest } = shell;
  return message === undefined || now - message.since < unreadMilliseconds ? shell : rest;
}

export function current(shell: ShellState): ScreenState {
  return shell.screens[shell.screen];
}

export function withScreen(shell: ShellState, change: Partial<ScreenState>, screen = shell.screen): ShellState {
  return { ...shell, screens: { ...shell.screens, [screen]: { ...shell.screens[screen], ...change } } };
}

export function showScreen(shell: ShellState, screen: ScreenName): ShellState {
  if (screen === shell.screen) return { ...shell, mode: { kind: 'keys' } };
  const before = [...shell.before.filter((one) => one !== screen), shell.screen].slice(-mostBefore);
  return { ...shell, screen, before, mode: { kind: 'keys' } };
}

/** Closes what is open; else ends the filter; else the screen before. */
export function goBack(shell: ShellState): ShellState {
  if (shell.mode.kind !== 'keys') return { ...shell, mode: { kind: 'keys' } };
  if (current(shell).filter !== '') return withScreen(shell, { filter: '' });
  const screen = shell.before.at(-1);
  return screen === undefined ? shell : { ...shell, screen, before: shell.before.slice(0, -1) };
}

export function withInterval(shell: ShellState, factor: number): ShellState {
  const intervalMilliseconds = Math.min(
    longestInterval,
    Math.max(shortestInterval, shell.intervalMilliseconds * factor),
  );
  return { ...shell, intervalMilliseconds };
}

export function focusedPane(shell: ShellState, panes: readonly Pane[]): Pane | undefined {
  const { focused } = current(shell);
  return panes.find(({ id }) => id === focused) ?? panes[0];
}

export function focusPane(shell: ShellState, panes: readonly Pane[], step: number): ShellState {
  const pane = focusedPane(shell, panes);
  if (pane === undefined) return shell;
  const at = panes.indexOf(pane);
  const next = panes[(at + step + panes.length) % panes.length];
  return next === undefined ? shell : withScreen(shell, { focused: next.id });
}

/** Goes so many rows on in the focused pane: to another row, or the pane is scrolled. */
export function move(
  shell: ShellState,
  panes: readonly Pane[],
  selected: string | undefined,
  rows: number,
): ShellState {
  const pane = focusedPane(shell, panes);
  if (pane === undefined) return shell;
  const state = current(shell);
  if (pane.rowIds.length === 0) {
    const scroll = (state.scroll[pane.id] ?? 0) + (pane.scrollsFromEnd ? -rows : rows);
    return withScroll(shell, pane, scroll);
  }
  const last = pane.rowIds.length - 1;
  // From the end that was followed, the last row is where one is.
  const at = state.followsEnd && pane.followsEnd ? last : Math.max(0, pane.rowIds.indexOf(selected ?? ''));
  const next = Math.min(last, Math.max(0, at + rows));
  const row = pane.rowIds[next];
  return withScreen(shell, {
    ...(row === undefined ? {} : { selected: row }),
    ...(pane.followsEnd ? { followsEnd: next === last && rows > 0 } : {}),
  });
}

export function withScroll(shell: ShellState, pane: Pane, scroll: number): ShellState {
  const bounded = Math.min(pane.furthestScroll, Math.max(0, scroll));
  return withScreen(shell, { scroll: { ...current(shell).scroll, [pane.id]: bounded } });
}

export function beginFilter(shell: ShellState): ShellState {
  const { filter } = current(shell);
  const line = { ...inputLine(), text: filter, cursor: filter.length };
  return { ...shell, mode: { kind: 'filter', line, before: filter } };
}
