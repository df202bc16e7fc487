/** Tables out of rows: which columns and rows there is room for, which one is selected. */
import type { Cell, Fact, Table, TableColumn, TableRow, ViewContext, WidthClass } from './blocks.js';

export interface ColumnPlan {
  readonly key: string;
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly isWide?: boolean;
  /** The narrowest terminal that it is shown on; absent: any. */
  readonly from?: WidthClass;
}

export interface RowPlan {
  readonly id: string;
  /** One for each planned column. */
  readonly cells: readonly Cell[];
  readonly depth?: number;
  /** Further text that the filter looks at. */
  readonly hidden?: string;
}

export interface TablePlan {
  readonly title: string;
  readonly columns: readonly ColumnPlan[];
  readonly rows: readonly RowPlan[];
  /** Rows that were left out before, for they would not have been shown. */
  readonly otherRows?: number;
  readonly empty: string;
  readonly context: ViewContext;
  /** Its rows can be selected and filtered; there is one such table on a screen. */
  readonly isMain?: boolean;
  /** Rows at most. */
  readonly most?: number;
  /** Of more rows than that the last are shown, as of events. */
  readonly keepsLast?: boolean;
  /** As in `Table`. */
  readonly wraps?: boolean;
}

const widths: readonly WidthClass[] = ['narrow', 'medium', 'wide'];
/** More would not be read, and would be drawn every second. */
const mostRows = 1000;

export function table({
  title,
  columns,
  rows,
  otherRows = 0,
  empty,
  context,
  isMain = false,
  most = mostRows,
  keepsLast = false,
  wraps = false,
}: TablePlan): Table {
  const isShown = ({ from = 'narrow' }: ColumnPlan) => widths.indexOf(from) <= widths.indexOf(context.width);
  const shown = columns.flatMap((column, index) => (isShown(column) ? [{ column, index }] : []));
  const beyond = columns.flatMap((column, index) => (isShown(column) ? [] : [{ label: column.title, index }]));
  const found = isMain ? filtered(rows, context.filter) : rows;
  const kept = found.length <= most ? found : keepsLast ? found.slice(-most) : found.slice(0, most);
  const selected = isMain ? selectedIndex(kept, context.selected) : -1;
  return {
    title,
    columns: shown.map(({ column }): TableColumn => {
      const { key, title: heading, align = 'left', isWide = false, from = 'narrow' } = column;
      return { key, title: heading, align, isWide, rank: widths.indexOf(from) };
    }),
    rows: kept.map((row, index): TableRow => {
      const cells = shown.map(({ index: place }): Cell => row.cells[place] ?? { text: '', tone: 'plain' });
      const facts = beyond.flatMap(({ label, index: place }): Fact[] => {
        const cell = row.cells[place];
        return cell === undefined || cell.text === '' ? [] : [{ label, ...cell }];
      });
      return { id: row.id, cells, beyond: facts, depth: row.depth ?? 0, isSelected: index === selected };
    }),
    empty: rows.length > 0 && found.length === 0 ? 'nothing matches the filter' : empty,
    hiddenRows: otherRows + rows.length - kept.length,
    wraps,
  };
}

/** The id of the selected row. */
export function selectedId({ rows }: Table): string | undefined {
  return rows.find(({ isSelected }) => isSelected)?.id;
}

function selectedIndex(rows: readonly RowPlan[], selected: string | undefined): number {
  return Math.max(
    0,
    rows.findIndex(({ id }) => id === selected),
  );
}

function filtered(rows: readonly RowPlan[], filter: string | undefined): readonly RowPlan[] {
  const matches = matcher(filter);
  if (matches === undefined) return rows;
  return rows.filter(({ cells, hidden = '' }) => matches(`${cells.map(({ text }) => text).join(' ')} ${hidden}`));
}

/** Words that all must occur, in any case; `!word` must not. Undefined: everything matches. */
export function matcher(filter: string | undefined): ((text: string) => boolean) | undefined {
  const words = (filter ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '!');
  if (words.length === 0) return undefined;
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => (word.startsWith('!') ? !lower.includes(word.slice(1)) : lower.includes(word)));
  };
}
