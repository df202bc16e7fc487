/** View models as text, to be read and compared. */
import type { Badge, Bar, Cell, Fact, Series, StackedBar, Table } from '@shoal/tui/internal/views/blocks.js';

const mark = ({ tone }: Cell): string => (tone === 'plain' ? '' : ` {${tone}}`);

export function renderView(view: object): string {
  return `${Object.entries(view)
    .flatMap(([name, value]) => renderBlock(name, value))
    .join('\n')}\n`;
}

function renderBlock(name: string, value: unknown, depth = 0): readonly string[] {
  const margin = '  '.repeat(depth);
  if (typeof value !== 'object' || value === null) return [`${margin}${name}: ${JSON.stringify(value)}`];
  if ('columns' in value && 'rows' in value) return [`${margin}${name}:`, ...renderTable(value as Table, depth + 1)];
  if ('text' in value && 'tone' in value) return [`${margin}${name}: ${renderPiece(value as Cell)}`];
  const parts = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  if (parts.length === 0) return [`${margin}${name}: none`];
  return [`${margin}${name}:`, ...parts.flatMap(([key, one]) => renderBlock(String(key), one, depth + 1))];
}

const told = new Set(['label', 'text', 'tone', 'fraction', 'reason', 'points', 'maximum', 'parts']);

function renderPiece(piece: Cell & Partial<Fact & Bar & Badge & Series & StackedBar>): string {
  const label = piece.label === undefined ? '' : `${piece.label} = `;
  const fraction =
    piece.fraction === undefined ? '' : ` [${piece.fraction === null ? '?' : piece.fraction.toFixed(2)}]`;
  const reason = piece.reason === undefined ? '' : ` (${piece.reason})`;
  const points =
    piece.points === undefined ? '' : ` ${JSON.stringify(piece.points)} up to ${piece.maximum ?? 'the largest'}`;
  const parts = piece.parts?.map((part) => `${part.label} ${part.fraction.toFixed(2)}`).join(', ') ?? '';
  const stacked = parts === '' ? '' : ` [${parts}]`;
  const others = Object.entries(piece).filter(([name]) => !told.has(name));
  const rest = others.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join('');
  return `${label}${piece.text}${mark(piece)}${fraction}${reason}${points}${stacked}${rest}`;
}

function renderTable({ title, columns, rows, empty, hiddenRows }: Table, depth: number): readonly string[] {
  const margin = '  '.repeat(depth);
  const heading = columns.map(
    (column) => `${column.title}${column.align === 'right' ? '>' : ''}${column.isWide ? '*' : ''}`,
  );
  const lines = rows.map(
    ({ cells, isSelected }) =>
      `${isSelected ? '> ' : '  '}${cells.map((cell) => `${cell.text}${mark(cell)}`).join(' | ')}`,
  );
  const hidden = hiddenRows > 0 ? [`(${hiddenRows} hidden)`] : [];
  const body = rows.length === 0 ? [`  (${empty})`] : lines;
  return [`${title}: ${heading.join(' | ')}`, ...body, ...hidden].map((line) => margin + line);
}

/** All texts of a view, at any depth. */
export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
