/**
 * What view models are made of. Everything is ready to be drawn: text is short, clean and has its unit, tones say what
 * stands out, and nothing needs to be looked up any more. How wide a text is on a terminal is the drawing's business.
 */
import type { Column as HistoryColumn } from '../state/history.js';

/** What colour stands for; never the only sign of it. */
export type Tone = 'plain' | 'dim' | 'accent' | 'good' | 'warning' | 'bad';

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** A line of facts: `memory  12.4 GB of 16.0 GB`. */
export interface Fact extends Cell {
  readonly label: string;
}

export interface TableColumn {
  readonly key: string;
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Takes the room that is left; one for each table. */
  readonly isWide: boolean;
  /** Where there is too little room for all, those of a higher rank are left out first. */
  readonly rank: number;
}

export interface TableRow {
  /** Of what it shows; stays the same from refresh to refresh. */
  readonly id: string;
  /** One for each column. */
  readonly cells: readonly Cell[];
  /** What the columns say that are for wider terminals: it is a part of the row's details. */
  readonly beyond: readonly Fact[];
  readonly isSelected: boolean;
  /** In a tree. */
  readonly depth: number;
}

export interface Table {
  readonly title: string;
  /** Those that there is room for; see `WidthClass`. */
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** Why there are no rows. */
  readonly empty: string;
  /** Rows that the filter, or a bound, leaves out. */
  readonly hiddenRows: number;
  /** Its wide column is read in full: it goes on in the next line where there is room. */
  readonly wraps: boolean;
}

/** `fraction` is null where it is not known; the text says why. */
export interface Bar extends Fact {
  readonly fraction: number | null;
}

/** Parts of a whole side by side, such as compute, wire and wait; they add up to 1 at most. */
export interface StackedBar extends Fact {
  readonly parts: readonly { readonly label: string; readonly fraction: number; readonly tone: Tone }[];
}

export interface Series extends Fact {
  /** The oldest first; null where nothing was known. */
  readonly points: HistoryColumn;
  /** What the top of the drawing stands for; null: the largest point. */
  readonly maximum: number | null;
}

/** A short word beside a name, with what it means. */
export interface Badge extends Cell {
  readonly reason: string;
}

/** `narrow`: one column of blocks (below 90 columns); `wide`: three (from 160 on). */
export type WidthClass = 'narrow' | 'medium' | 'wide';

export function widthClass(columns: number): WidthClass {
  if (columns < 90) return 'narrow';
  return columns < 160 ? 'medium' : 'wide';
}

/** What a view needs to know beside the state. */
export interface ViewContext {
  readonly width: WidthClass;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The id of the row, node or vertex that is selected; absent, or gone: the first. */
  readonly selected?: string | undefined;
  /** What was typed after `/`: words that all must occur; a leading `!` turns one around. */
  readonly filter?: string | undefined;
}
