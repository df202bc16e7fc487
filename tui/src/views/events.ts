/** Screen 6: what happens. */
import type { DashboardState, EventLevel, EventState } from '../state/state.js';
import type { Tone, ViewContext } from './blocks.js';
import { matcher, table } from './tables.js';
import type { EventsView } from './view-models.js';
import { cell, clock, fact } from './words.js';

export interface EventsFigures {
  readonly seen: number;
  /** Kept no more. */
  readonly forgotten: number;
  readonly levels: Readonly<Record<EventLevel, number>>;
  /** The oldest first. */
  readonly events: readonly EventState[];
}

export function eventsFigures({ events, seenEvents }: DashboardState): EventsFigures {
  const count = (level: EventLevel) => events.filter((event) => event.level === level).length;
  return {
    seen: seenEvents,
    forgotten: seenEvents - events.length,
    levels: { debug: count('debug'), info: count('info'), warn: count('warn'), error: count('error') },
    events,
  };
}

export interface EventsContext extends ViewContext {
  /** Warnings and errors alone. */
  readonly faultsOnly?: boolean;
  /** The newest is selected, whatever was. */
  readonly follows?: boolean;
  /** Details of small changes, too. */
  readonly showsDebug?: boolean;
}

const tones: Readonly<Record<EventLevel, Tone>> = { debug: 'dim', info: 'plain', warn: 'warning', error: 'bad' };
/** More would be formatted every second and read by nobody. */
const mostShown = 500;

export function eventsView(state: DashboardState, context: EventsContext): EventsView {
  const figures = eventsFigures(state);
  const { faultsOnly = false, follows = false, showsDebug = false } = context;
  const isFault = ({ level }: EventState) => level === 'warn' || level === 'error';
  const shown = figures.events
    .filter((event) => (faultsOnly ? isFault(event) : showsDebug || event.level !== 'debug'))
    // A log begins with what it has kept, which is older than what was seen since.
    .sort((left, right) => left.at - right.at || left.sequence - right.sequence);
  const newest = shown.at(-1);
  // Without a filter no more than these can be shown, and rows take longer to make than events to count.
  const looked = matcher(context.filter) === undefined ? shown.slice(-mostShown) : shown;
  const { levels, forgotten, seen } = figures;
  return {
    summary: [
      fact('events', String(seen)),
      fact('errors', String(levels.error), levels.error > 0 ? 'bad' : 'plain'),
      fact('warnings', String(levels.warn), levels.warn > 0 ? 'warning' : 'plain'),
      ...(forgotten === 0 ? [] : [fact('kept no more', String(forgotten), 'dim')]),
      ...(faultsOnly ? [fact('shown', 'faults only', 'accent')] : []),
      ...(follows ? [fact('follows', 'the newest', 'accent')] : []),
    ],
    events: table({
      title: 'Events',
      columns: [
        { key: 'time', title: 'time' },
        { key: 'level', title: 'level', from: 'medium' },
        { key: 'kind', title: 'what', from: 'medium' },
        { key: 'node', title: 'node', from: 'medium' },
        { key: 'message', title: 'message', isWide: true },
        { key: 'code', title: 'code', from: 'wide' },
      ],
      rows: looked.map((event) => ({
        id: String(event.sequence),
        cells: [
          cell(clock(event.at), 'dim'),
          cell(event.level, tones[event.level]),
          cell(event.kind, tones[event.level]),
          cell(event.nodeName),
          cell(event.message, tones[event.level]),
          cell(event.code ?? '', 'dim'),
        ],
      })),
      otherRows: shown.length - looked.length,
      empty: faultsOnly ? 'no faults' : 'nothing has happened yet',
      context: follows && newest !== undefined ? { ...context, selected: String(newest.sequence) } : context,
      isMain: true,
      most: mostShown,
      keepsLast: true,
    }),
  };
}
