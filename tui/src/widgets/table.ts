/** Tables and trees: as many rows as there is room for, the selected one among them. */
import type { Table, TableColumn, TableRow } from '../views/blocks.js';
import { inverted, plain } from './style.js';
import type { Region } from './surface.js';
import { textWidth, wrapText } from './width.js';

export interface TableDrawing {
  /** The first row that is shown; to be given again with the next frame. */
  readonly scroll: number;
  /** Rows that are shown, with their lines in the region. */
  readonly rows: readonly { readonly id: string; readonly y: number }[];
  /** Rows of a page. */
  readonly pageRows: number;
}

export interface TableOptions {
  readonly scroll?: number;
  /** Shows the end of it: new rows come in at the bottom. */
  readonly followsEnd?: boolean;
  /** The selection is shown. */
  readonly isFocused?: boolean;
}

const gap = 2;
const indentColumns = 2;

export function drawTable(region: Region, table: Table, options: TableOptions = {}): TableDrawing {
  const { palette } = region.look;
  const { columns, rows } = table;
  if (region.isEmpty) return { scroll: 0, rows: [], pageRows: 0 };
  if (rows.length === 0) {
    const hidden = table.hiddenRows > 0 ? ` (the filter hides ${table.hiddenRows})` : '';
    region.writeWithin(0, 0, region.width, `${table.empty}${hidden}`, palette.dim);
    return { scroll: 0, rows: [], pageRows: region.height };
  }
  const isTitled = region.height > 1 && columns.some(({ title }) => title !== '');
  const body = isTitled ? region.part(0, 1) : region;
  const scroll = firstRow(rows, body.height, options);
  const shown = rows.slice(scroll, scroll + body.height);
  const fitted = fitColumns(columns, shown, region.width);
  if (isTitled) {
    eachColumn(fitted, (column, x, width) => {
      region.writeWithin(x, 0, width, column.title, palette.dim, column.align);
    });
  }
  const drawn: { id: string; y: number }[] = [];
  let y = 0;
  // Lines beside those that every row has.
  let spare = body.height - shown.length;
  for (const row of shown) {
    const lines = table.wraps ? atMost(wrappedCell(fitted, row), 1 + spare) : [];
    eachColumn(fitted, (column, x, width, index) => {
      const cell = row.cells[index];
      if (!cell) return;
      const indent = index === 0 ? Math.min(row.depth * indentColumns, width - 1) : 0;
      const isWrapped = column.isWide && lines.length > 1;
      for (const [line, text] of (isWrapped ? lines : [cell.text]).entries()) {
        body.writeWithin(x + indent, y + line, width - indent, text, palette[cell.tone], column.align);
      }
    });
    if (row.isSelected && options.isFocused !== false) body.paint(y, () => inverted(plain));
    drawn.push({ id: row.id, y: (isTitled ? 1 : 0) + y });
    const used = Math.max(1, lines.length);
    spare -= used - 1;
    y += used;
  }
  return { scroll, rows: drawn, pageRows: body.height };
}

/** Rows that a table needs in full; with its width, where its texts go on in the next line. */
export function tableRows({ columns, rows, wraps }: Table, width?: number): number {
  if (rows.length === 0) return 1;
  const titles = columns.some(({ title }) => title !== '') ? 1 : 0;
  if (!wraps || width === undefined || rows.length > mostWrapped) return rows.length + titles;
  const fitted = fitColumns(columns, rows, width);
  return titles + sum(rows.map((row) => Math.max(1, wrappedCell(fitted, row).length)));
}

/** The last line has the rest, which is cut off where it is drawn. */
function atMost(lines: readonly string[], most: number): readonly string[] {
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), lines.slice(most - 1).join(' ')];
}

/** More rows than that fill any screen without being wrapped. */
const mostWrapped = 80;

/** The lines of the wide cell of a row; empty where there is none. */
function wrappedCell(fitted: readonly Fitted[], { cells }: TableRow): readonly string[] {
  const wide = fitted.find(({ column }) => column.isWide);
  const cell = wide === undefined ? undefined : cells[wide.index];
  return wide === undefined || cell === undefined ? [] : wrapText(cell.text, wide.width);
}

function firstRow(rows: readonly TableRow[], height: number, { scroll = 0, followsEnd = false }: TableOptions): number {
  const last = Math.max(0, rows.length - height);
  if (followsEnd) return last;
  const selected = rows.findIndex(({ isSelected }) => isSelected);
  if (selected < 0) return Math.min(scroll, last);
  return Math.min(last, Math.max(0, selected - height + 1, Math.min(scroll, selected)));
}

/** Columns that are shown, with their widths. */
interface Fitted {
  readonly index: number;
  readonly column: TableColumn;
  readonly width: number;
}

/**
 * Each column gets what its cells need, and what is left goes to the wide one. Where there is too little, the wide one gives
 * first, then the widest text, figures never. Before texts are hardly read any more, columns that are not for every terminal
 * are left out, those of the highest rank first; and where even that is not enough, the last ones.
 */
function fitColumns(columns: readonly TableColumn[], rows: readonly TableRow[], room: number): readonly Fitted[] {
  let shown = columns.map((column, index) => {
    const cells = rows.map(({ cells, depth }) => {
      return textWidth(cells[index]?.text ?? '') + (index === 0 ? depth * indentColumns : 0);
    });
    const wanted = Math.max(textWidth(column.title), ...cells);
    // Half a figure would be another one.
    const isFigure = column.align === 'right';
    const least = isFigure ? wanted : column.isWide ? leastOfWide : leastOfOthers;
    const readable = isFigure ? wanted : column.isWide ? readableOfWide : readableOfOthers;
    return {
      index,
      column,
      width: wanted,
      least: Math.min(wanted, least),
      readable: Math.min(wanted, readable),
    };
  });
  const missing = () => sum(shown.map(({ width }) => width)) + gap * Math.max(0, shown.length - 1) - room;
  const isMissing = (widths: readonly number[]) => sum(widths) + gap * Math.max(0, widths.length - 1) > room;
  while (shown.length > 1) {
    const canGo = shown.filter(({ column }, place) => place > 0 && !column.isWide);
    const rank = Math.max(0, ...canGo.map(({ column }) => column.rank));
    if (!isMissing(shown.map(({ least, readable }) => (rank > 0 ? readable : least)))) break;
    const gone = canGo.findLast(({ column }) => column.rank === rank) ?? shown.at(-1);
    shown = shown.filter((one) => one !== gone);
  }
  const wide = shown.find(({ column }) => column.isWide);
  if (wide) wide.width = Math.max(wide.least, wide.width - Math.max(0, missing()));
  for (let still = missing(); still > 0; still = missing()) {
    const giving = shown.filter(({ width, least }) => width > least).sort((one, other) => other.width - one.width);
    const [widest, next] = giving;
    if (!widest) break;
    const down = Math.max(widest.least, Math.min(widest.width - 1, next?.width ?? 0));
    widest.width -= Math.min(still, widest.width - down);
  }
  if (wide) wide.width += Math.max(0, -missing());
  return shown;
}

const leastOfWide = 10;
const leastOfOthers = 8;
const readableOfWide = 20;
const readableOfOthers = 16;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function eachColumn(
  fitted: readonly Fitted[],
  visit: (column: TableColumn, x: number, width: number, index: number) => void,
): void {
  let x = 0;
  for (const { column, width, index } of fitted) {
    visit(column, x, width, index);
    x += width + gap;
  }
}
