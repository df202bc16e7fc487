/** 3: one machine, as device monitors show it. */
import type { DashboardState } from '../state/state.js';
import { nodeView } from '../views/node.js';
import { selectedId } from '../views/tables.js';
import type { NodeView } from '../views/view-models.js';
import { drawBadges, drawBars, drawFactList } from '../widgets/facts.js';
import { drawCharts } from '../widgets/series.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawNode(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = nodeView(state, context);
  const { region } = drawing;
  const nodes = drawing.table('nodes', view.nodes, { selects: true, least: 3 });
  const devices = drawing.table('devices', view.devices, { most: 10 });
  const shares = view.shares.rows.length === 0 ? undefined : drawing.table('shares', view.shares, { most: 10 });
  if (context.width === 'narrow') {
    drawing.stack(region, [
      { ...nodes, wanted: Math.min(nodes.wanted, 6) },
      machineBlock(view),
      historyBlock(view),
      devices,
      shares,
    ]);
  } else {
    const [left, right] = sideBySide(region, context.width === 'wide' ? [1, 2] : [2, 3]);
    if (left) drawing.stack(left, [{ ...nodes, grows: 1 }, shares]);
    if (right) drawing.stack(right, [machineBlock(view), historyBlock(view), devices]);
  }
  return { selected: selectedId(view.nodes), details: view.facts };
}

function machineBlock({ title, badges, facts, bars }: NodeView): Block {
  return {
    title: title.text,
    least: 1 + bars.length,
    wanted: 1 + bars.length + facts.length,
    grows: 0,
    draw: (region) => {
      let y = 0;
      if (badges.length > 0) drawBadges(region, 0, y++, badges);
      y += drawBars(region.part(0, y), bars);
      drawFactList(region.part(0, y), facts);
    },
  };
}

const curveRows = 4;

function historyBlock({ series }: NodeView): Block | undefined {
  if (series.length === 0) return undefined;
  return {
    title: 'History',
    least: Math.min(2, series.length),
    wanted: series.length * curveRows,
    grows: 1,
    draw: (region) => drawCharts(region, series),
  };
}
