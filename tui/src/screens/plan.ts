/** 7: who computes what and why, and whether it came as predicted. */
import type { DashboardState } from '../state/state.js';
import { planView } from '../views/plan.js';
import { selectedId } from '../views/tables.js';
import type { PlanView } from '../views/view-models.js';
import { wrapText } from '../widgets/width.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawPlan(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = planView(state, context);
  const { region } = drawing;
  const plans = drawing.table('plans', view.plans, { selects: true, least: 3, most: 8 });
  const facts = drawing.facts(view.title.text, view.facts);
  const comparison = someTable(drawing, 'comparison', view.comparison);
  const stages = someTable(drawing, 'stages', view.stages);
  const leftOut = someTable(drawing, 'left out', view.leftOut);
  const considered = someTable(drawing, 'considered', view.considered);
  const whatIf = someTable(drawing, 'what if', view.whatIf);
  if (context.width === 'narrow') {
    drawing.stack(region, [
      plans,
      facts,
      comparison,
      stages,
      whyBlock(drawing, view, region.width),
      leftOut,
      whatIf,
      considered,
    ]);
  } else {
    const [left, right] = sideBySide(region, [1, 1]);
    if (left) drawing.stack(left, [plans, facts, stages, comparison]);
    if (right) drawing.stack(right, [whyBlock(drawing, view, right.width), leftOut, whatIf, considered]);
  }
  return { selected: selectedId(view.plans), details: view.facts };
}

function someTable(drawing: Drawing, pane: string, table: PlanView['plans']): Block | undefined {
  return table.rows.length === 0 ? undefined : drawing.table(pane, table, { grows: 1, most: 9 });
}

function whyBlock(drawing: Drawing, { why }: PlanView, columns: number): Block | undefined {
  if (why.length === 0) return undefined;
  const pane = 'why';
  const lines = why.flatMap(({ text, tone }) =>
    wrapText(text, Math.max(10, columns - 2)).map((line) => ({ line, tone })),
  );
  return {
    pane,
    title: 'Why',
    least: 2,
    wanted: lines.length,
    grows: 1,
    draw: (region) => {
      const furthestScroll = Math.max(0, lines.length - region.height);
      const first = Math.min(furthestScroll, drawing.state.scroll[pane] ?? 0);
      drawing.panes.push({ id: pane, rowIds: [], pageRows: Math.max(1, region.height), furthestScroll });
      for (const [y, { line, tone }] of lines.slice(first, first + region.height).entries()) {
        region.write(0, y, line, region.look.palette[tone]);
      }
    },
  };
}
