/** A whole frame: tabs and alert above, the screen, keys or what is typed below, and what lies over it. */

import { commandTable } from '../keys/commands.js';
import { bindingsOf, helpOf, type ScreenName, screenNames, screenTitles } from '../keys/key-table.js';
import { Drawing, type Hit, type Pane } from '../screens/drawing.js';
import type { Screen, ScreenContext } from '../screens/screen.js';
import type { ConnectionState, DashboardState } from '../state/state.js';
import { type Cell, type Fact, widthClass } from '../views/blocks.js';
import { headerView } from '../views/header.js';
import type { Position } from '../widgets/display.js';
import { drawFactFlow, drawFactList } from '../widgets/facts.js';
import { drawInputLine } from '../widgets/input-line.js';
import { drawPanel } from '../widgets/panel.js';
import { inverted } from '../widgets/style.js';
import type { Region, Surface } from '../widgets/surface.js';
import { clip, textWidth, wrapText } from '../widgets/width.js';
import { current, type Mode, type ShellState } from './shell-state.js';

/** What of a frame the next key or click needs. */
export interface Frame {
  readonly panes: readonly Pane[];
  readonly hits: readonly Hit[];
  readonly tabs: readonly { readonly region: Region; readonly screen: ScreenName }[];
  readonly selected: string | undefined;
  readonly details: readonly Fact[];
  readonly cursor: Position | undefined;
  /** How far what lies over the screen can be scrolled. */
  readonly furthestScroll: number;
}

export const smallestColumns = 20;
export const smallestRows = 6;
/** On lower terminals, what the cluster does is not said on every screen. */
const rowsWithHeader = 24;

export interface FrameParts {
  readonly screens: Readonly<Record<ScreenName, Screen>>;
  readonly state: DashboardState;
  readonly shell: ShellState;
  readonly now: number;
}

export function drawFrame(surface: Surface, { screens, state, shell, now }: FrameParts): Frame {
  surface.clear();
  const all = surface.region;
  const empty = {
    panes: [],
    hits: [],
    tabs: [],
    selected: undefined,
    details: [],
    cursor: undefined,
    furthestScroll: 0,
  };
  if (all.width < smallestColumns || all.height < smallestRows) {
    all.write(0, 0, 'too small');
    return empty;
  }
  const hasHeader = all.height >= rowsWithHeader;
  const tabs = drawTabs(all.part(0, 0, all.width, 1), shell, state.connection);
  const { alert, facts } = headerView(state, now);
  if (alert) {
    const line = all.part(0, 1, all.width, 1);
    line.writeWithin(0, 0, line.width, ` ${alert.text} `, all.look.palette[alert.tone]);
    line.paint(0, inverted);
  } else if (hasHeader) drawFactFlow(all.part(0, 1, all.width, 1), facts);
  const top = alert || hasHeader ? 2 : 1;
  const body = all.part(0, top, all.width, all.height - top - 1);
  const screenState = current(shell);
  const drawing = new Drawing(body, screenState);
  const { mode } = shell;
  const context: ScreenContext = {
    width: widthClass(all.width),
    now,
    selected: screenState.selected,
    filter: screenState.filter,
    faultsOnly: screenState.faultsOnly,
    ...(mode.kind === 'chat' ? { typing: mode.line } : {}),
  };
  const drawn = screens[shell.screen](drawing, state, context);
  const below = drawBottom(all.part(0, all.height - 1), shell, now);
  const furthestScroll = drawOver(all, mode, shell);
  return {
    panes: drawing.panes,
    hits: drawing.hits,
    tabs,
    selected: drawn.selected,
    details: drawn.details ?? [],
    cursor: below ?? drawn.cursor,
    furthestScroll,
  };
}

function drawTabs(region: Region, shell: ShellState, connection: ConnectionState): Frame['tabs'] {
  const { palette } = region.look;
  const isRoomy = region.width >= 90;
  const tabs: { region: Region; screen: ScreenName }[] = [];
  let x = region.write(0, 0, region.width >= 72 ? 'shoal ' : '', palette.title);
  for (const [index, screen] of screenNames.entries()) {
    const isCurrent = screen === shell.screen;
    const text = isRoomy || isCurrent ? ` ${index + 1} ${screenTitles[screen]} ` : ` ${index + 1} `;
    const start = x;
    x = region.write(x, 0, text, isCurrent ? inverted(palette.title) : palette.plain);
    tabs.push({ region: region.part(start, 0, x - start, 1), screen });
  }
  const parts = [
    shell.isHeld ? 'held' : '',
    shell.intervalMilliseconds === 1000 ? '' : `every ${shell.intervalMilliseconds / 1000} s`,
    connection.phase,
  ].filter((part) => part !== '');
  const note = parts.join(` ${region.look.glyphs.separator} `);
  const tone = connection.phase === 'attached' ? (shell.isHeld ? 'warning' : 'good') : 'bad';
  if (x + textWidth(note) + 1 <= region.width) region.write(region.width - textWidth(note), 0, note, palette[tone]);
  return tabs;
}

/** The bottom line; where the cursor is when something is typed there. */
function drawBottom(region: Region, shell: ShellState, now: number): Position | undefined {
  const { palette } = region.look;
  const { mode, message } = shell;
  if (mode.kind === 'filter') return drawInputLine(region, '/', mode.line);
  if (mode.kind === 'command') {
    const position = drawInputLine(region, ':', mode.line);
    const x = textWidth(mode.line.text) + 4;
    region.writeWithin(x, 0, region.width - x, mode.candidates.slice(0, 30).join('  '), palette.dim);
    return position;
  }
  if (mode.kind === 'confirm') {
    region.writeWithin(0, 0, region.width, `${mode.question} (y/n)`, palette.warning);
    return undefined;
  }
  let x = 0;
  if (message && message.until > now) {
    const text = clip(message.text, region.width, region.look.glyphs.ellipsis);
    x = region.write(0, 0, text, palette[message.tone]) + 3;
  }
  const { filter } = current(shell);
  if (filter !== '')
    x = region.write(x, 0, clip(`filter: ${filter}`, Math.floor(region.width / 2)), palette.accent) + 2;
  const keys =
    mode.kind === 'chat'
      ? [
          { shown: 'Enter', footer: 'send' },
          { shown: 'Esc', footer: 'end typing' },
        ]
      : bindingsOf(shell.screen);
  for (const { shown, footer } of keys) {
    if (footer === undefined) continue;
    const [key = ''] = shown.split(' ');
    if (x + textWidth(key) + textWidth(footer) + 3 > region.width) break;
    x = region.write(x, 0, key, palette.key);
    x = region.write(x, 0, ` ${footer}  `, palette.dim);
  }
  return undefined;
}

/** Help or details, over the screen; how far it can be scrolled. */
function drawOver(all: Region, mode: Mode, shell: ShellState): number {
  if (mode.kind === 'help') return drawText(all, 'Help', helpLines(all, shell.screen), mode.scroll);
  if (mode.kind !== 'details') return 0;
  const width = Math.min(all.width - 2, 100);
  const wrapped = mode.facts.map(({ label, text }) => ({
    label,
    rows: wrapText(text, Math.max(10, width - 30)).length,
  }));
  const rows = wrapped.reduce((sum, { rows: some }) => sum + some, 0);
  const inner = overlay(all, mode.title, width, rows);
  const furthest = Math.max(0, mode.facts.length - inner.height);
  drawFactList(inner, mode.facts.slice(Math.min(mode.scroll, furthest)));
  return furthest;
}

function helpLines(all: Region, screen: ScreenName): readonly Cell[] {
  const rows: Cell[] = [];
  for (const { heading, bindings } of helpOf(screen)) {
    rows.push({ text: heading, tone: 'accent' });
    for (const { shown, help } of bindings) rows.push({ text: `  ${shown.padEnd(10)} ${help}`, tone: 'plain' });
  }
  rows.push({ text: 'Commands, after :', tone: 'accent' });
  for (const { usage, help } of commandTable)
    rows.push({ text: `  ${usage.padEnd(Math.min(40, all.width / 3))} ${help}`, tone: 'plain' });
  return rows;
}

function drawText(all: Region, title: string, rows: readonly Cell[], scroll: number): number {
  const width = Math.min(all.width - 2, Math.max(40, ...rows.map(({ text }) => textWidth(text))) + 4);
  const inner = overlay(all, title, width, rows.length);
  const furthest = Math.max(0, rows.length - inner.height);
  const first = Math.min(scroll, furthest);
  for (const [y, { text, tone }] of rows.slice(first, first + inner.height).entries()) {
    inner.writeWithin(0, y, inner.width, text, all.look.palette[tone]);
  }
  return furthest;
}

function overlay(all: Region, title: string, width: number, rows: number): Region {
  const height = Math.min(all.height - 2, rows + 2);
  const region = all.part(
    Math.floor((all.width - width) / 2),
    Math.max(1, Math.floor((all.height - height) / 2)),
    width,
    height,
  );
  region.fill(' ');
  return drawPanel(region, title, { isFocused: true, note: 'Esc closes' });
}
