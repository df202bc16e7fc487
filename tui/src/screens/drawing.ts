/** One frame of a screen: its blocks, which of them take keys, and what a click means. */
import type { Fact, Table } from '../views/blocks.js';
import { drawFactFlow, drawFactList, factFlowRows } from '../widgets/facts.js';
import { drawPanel, panelColumns, panelRows } from '../widgets/panel.js';
import type { Region } from '../widgets/surface.js';
import { drawTable, tableRows } from '../widgets/table.js';
import { shareRows, type Wish } from './layout.js';

/** What a person has done to a screen; kept while another one is looked at. */
export interface ScreenState {
  /** Id of a row, node or vertex. */
  readonly selected?: string;
  /** Id of the pane that keys go to; absent: the first. */
  readonly focused?: string;
  /** By pane. */
  readonly scroll: Readonly<Record<string, number>>;
  readonly filter: string;
  /** The end is shown, where rows come in at the end. */
  readonly followsEnd: boolean;
  readonly faultsOnly: boolean;
}

export const freshScreen: ScreenState = { scroll: {}, filter: '', followsEnd: true, faultsOnly: false };

/** A block that takes keys. */
export interface Pane {
  readonly id: string;
  /** Rows that can be selected; empty: it is only scrolled. */
  readonly rowIds: readonly string[];
  readonly pageRows: number;
  readonly furthestScroll: number;
  /** New rows come in at its end. */
  readonly followsEnd?: boolean;
  /** What a row says, column by column. */
  readonly factsOf?: (rowId: string) => readonly Fact[];
  /** Its scroll counts from the end. */
  readonly scrollsFromEnd?: boolean;
}

export interface Hit {
  readonly region: Region;
  readonly pane: string;
  readonly rowId?: string;
}

/** A part of a screen. */
export interface Block extends Wish {
  /** Where it takes keys: unique on the screen. */
  readonly pane?: string;
  readonly title: string;
  /** At the right end of the title; by the rows of its contents. */
  readonly note?: (rows: number) => string;
  /** Rows that are wanted at a width; absent: `wanted`, whatever the width. */
  readonly wantedAt?: (columns: number) => number;
  readonly draw: (region: Region) => void;
}

export class Drawing {
  readonly panes: Pane[] = [];
  readonly hits: Hit[] = [];

  constructor(
    readonly region: Region,
    readonly state: ScreenState,
  ) {}

  isFocused(pane: string): boolean {
    return this.state.focused === undefined ? this.panes.length === 0 : this.state.focused === pane;
  }

  /** Blocks below each other. */
  stack(region: Region, blocks: readonly (Block | undefined)[]): void {
    const all = blocks
      .filter((block) => block !== undefined)
      .map((block) => ({ ...block, wanted: block.wantedAt?.(panelColumns(region.width)) ?? block.wanted }));
    const focused = all.findIndex(({ pane }) => pane !== undefined && pane === this.state.focused);
    const rows = shareRows(all, region.height, region.width, focused < 0 ? undefined : focused);
    let y = 0;
    for (const [index, block] of all.entries()) {
      const height = rows[index] ?? 0;
      const { pane, title, note } = block;
      if (height === 0) {
        // It can still be reached, and is there then.
        if (pane !== undefined) this.panes.push({ id: pane, rowIds: [], pageRows: 1, furthestScroll: 0 });
        continue;
      }
      const part = region.part(0, y, region.width, height);
      y += height;
      const isFocused = pane !== undefined && this.isFocused(pane);
      const contents = height - (panelRows(region.width, height) - height);
      const inner = block.isBare ? part : drawPanel(part, title, { isFocused, note: note?.(contents) ?? '' });
      if (pane !== undefined) this.hits.push({ region: part, pane });
      block.draw(inner);
    }
  }

  /** A table whose rows are selected, or which is scrolled. */
  table(
    pane: string,
    table: Table,
    { selects = false, grows = 0, least = 2, comesAtEnd = false, most = Number.POSITIVE_INFINITY } = {},
  ): Block {
    const hidden = table.hiddenRows > 0 ? `${table.hiddenRows} more` : '';
    const count = tableRows(table);
    return {
      pane,
      title: table.title,
      note: (rows) => [count > rows ? `${table.rows.length} rows` : '', hidden].filter(Boolean).join(', '),
      least: Math.min(least, tableRows(table)),
      wanted: Math.min(most, tableRows(table)),
      wantedAt: (columns) => Math.min(most, tableRows(table, columns)),
      grows,
      draw: (region) => {
        const unselected = selects
          ? table
          : { ...table, rows: table.rows.map((row) => ({ ...row, isSelected: false })) };
        const drawn = drawTable(region, unselected, {
          scroll: this.state.scroll[pane] ?? 0,
          followsEnd: comesAtEnd && this.state.followsEnd,
        });
        for (const { id, y } of drawn.rows)
          this.hits.push({ region: region.part(0, y, region.width, 1), pane, rowId: id });
        this.panes.push({
          id: pane,
          rowIds: selects ? table.rows.map(({ id }) => id) : [],
          pageRows: Math.max(1, drawn.pageRows),
          furthestScroll: Math.max(0, table.rows.length - drawn.pageRows),
          followsEnd: comesAtEnd,
          factsOf: (rowId) => rowFacts(table, rowId),
        });
      },
    };
  }

  /** Facts beside each other, without a frame. */
  flow(facts: readonly Fact[]): Block {
    const rows = Math.min(3, factFlowRows(facts, this.region.width));
    return {
      title: '',
      isBare: true,
      least: rows,
      wanted: rows,
      grows: 0,
      draw: (region) => void drawFactFlow(region, facts),
    };
  }

  /** Facts, one a line; undefined where there are none. */
  facts(title: string, facts: readonly Fact[], { least = 1, grows = 0 } = {}): Block | undefined {
    if (facts.length === 0) return undefined;
    return { title, least, wanted: facts.length, grows, draw: (region) => void drawFactList(region, facts) };
  }
}

/** Columns side by side, with a column between them; by weights. */
export function sideBySide(region: Region, weights: readonly number[]): readonly Region[] {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let x = 0;
  return weights.map((weight, index) => {
    const isLast = index === weights.length - 1;
    const width = isLast ? region.width - x : Math.floor((region.width * weight) / all);
    const part = region.part(x, 0, isLast ? width : width - 1);
    x += width;
    return part;
  });
}

function rowFacts({ columns, rows }: Table, rowId: string): readonly Fact[] {
  const row = rows.find(({ id }) => id === rowId);
  const shown = columns.flatMap(({ title }, index) => {
    const cell = row?.cells[index];
    return cell === undefined || cell.text === '' ? [] : [{ label: title, ...cell }];
  });
  return [...shown, ...(row?.beyond ?? [])];
}
