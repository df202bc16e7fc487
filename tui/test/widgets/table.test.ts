// Tables in little room.
import type { Table } from '@shoal/tui/internal/views/blocks.js';
import { Surface } from '@shoal/tui/internal/widgets/surface.js';
import { drawTable, tableRows } from '@shoal/tui/internal/widgets/table.js';
import { textWidth } from '@shoal/tui/internal/widgets/width.js';
import t from 'tap';
import { look } from '../support/memory-display.js';

const plain = (text: string) => ({ text, tone: 'plain' as const });

function sample(count: number, selected = -1): Table {
  return {
    title: 'Sample',
    columns: [
      { key: 'name', title: 'name', align: 'left', isWide: false, rank: 0 },
      { key: 'why', title: 'why', align: 'left', isWide: true, rank: 0 },
      { key: 'size', title: 'size', align: 'right', isWide: false, rank: 0 },
    ],
    rows: Array.from({ length: count }, (_, index) => ({
      id: String(index),
      cells: [plain(`node-${index}`), plain('it has a long reason that is cut first'), plain(`${index} GB`)],
      isSelected: index === selected,
      depth: 0,
      beyond: [],
    })),
    empty: 'there is none',
    hiddenRows: 0,
    wraps: false,
  };
}

function draw(table: Table, columns: number, rows: number, options = {}) {
  const surface = new Surface(columns, rows, look);
  const drawn = drawTable(surface.region, table, options);
  return { ...drawn, lines: surface.lines() };
}

t.test('the wide column gives first, and takes what is left', async (t) => {
  const [, narrow] = draw(sample(2), 30, 4).lines;
  t.equal(narrow, 'node-0  it has a long r…  0 GB');
  const [, wide] = draw(sample(2), 80, 4).lines;
  t.match(wide, /^node-0 {2}it has a long reason that is cut first +0 GB$/);
});

t.test('a reason goes on in the next line where there is room, and only there', async (t) => {
  const wrapped = { ...sample(2), wraps: true };
  t.equal(tableRows(wrapped, 30), 7);
  const { lines, rows } = draw(wrapped, 30, 6);
  t.same(
    lines.map((line) => line.trimEnd()),
    [
      'name    why               size',
      'node-0  it has a long     0 GB',
      '        reason that is',
      '        cut first',
      'node-1  it has a long     1 GB',
      '        reason that is …',
    ],
  );
  t.same(
    rows.map(({ y }) => y),
    [1, 4],
  );
});

t.test('figures are never cut, and columns of a higher rank go first', async (t) => {
  const table: Table = {
    ...sample(1),
    columns: [
      { key: 'name', title: 'name', align: 'left', isWide: true, rank: 0 },
      { key: 'rare', title: 'rare', align: 'right', isWide: false, rank: 2 },
      { key: 'often', title: 'often', align: 'right', isWide: false, rank: 0 },
    ],
    rows: [
      {
        id: '0',
        cells: [plain('a-node-with-a-long-name'), plain('123.456 MB/s'), plain('987.654 µs')],
        isSelected: false,
        depth: 0,
        beyond: [],
      },
    ],
  };
  t.match(draw(table, 50, 2).lines[1], /^a-node-with-a-long-name {3}123.456 MB\/s {2}987.654 µs$/);
  t.match(draw(table, 46, 2).lines[1], /^a-node-with-a-long-… {2}123.456 MB\/s {2}987.654 µs$/);
  t.match(draw(table, 45, 2).lines[1], /^a-node-with-a-long-name {12}987.654 µs$/);
});

t.test('where even the least is too much, the last columns go', async (t) => {
  for (let columns = 1; columns < 60; columns += 1) {
    const { lines } = draw(sample(3), columns, 4);
    t.ok(
      lines.every((line) => textWidth(line) === columns),
      `${columns} columns`,
    );
  }
  t.match(draw(sample(2), 18, 4).lines[1], /^node-0 {2}it has a …$/);
});

t.test('the selected row is always seen', async (t) => {
  for (const selected of [0, 5, 37, 99]) {
    const { rows, scroll } = draw(sample(100, selected), 40, 11, { scroll: 20 });
    t.ok(
      rows.some(({ id }) => id === String(selected)),
      `${selected} from ${scroll}`,
    );
  }
  t.equal(draw(sample(100, 25), 40, 11, { scroll: 20 }).scroll, 20, 'and nothing jumps that need not');
  t.equal(draw(sample(100), 40, 11, { followsEnd: true }).rows.at(-1)?.id, '99');
});

t.test('a thousand rows cost what is seen of them', async (t) => {
  t.equal(draw(sample(1000), 40, 11).rows.length, 10);
  t.match(draw(sample(0), 40, 3).lines[0], /^there is none/);
});
