/** 1: a map of the cluster, its links, and who is left out. */
import type { DashboardState } from '../state/state.js';
import { topologyView } from '../views/topology.js';
import type { TopologyView } from '../views/view-models.js';
import { drawBars, drawFactFlow, factFlowRows } from '../widgets/facts.js';
import { drawMap } from '../widgets/map.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawTopology(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = topologyView(state, context);
  const { region } = drawing;
  const summary = summaryBlock(view, region.width);
  const links = drawing.table('links', view.links, { grows: 1, most: 12 });
  const leftOut = view.leftOut.rows.length === 0 ? undefined : drawing.table('left out', view.leftOut, { most: 10 });
  const failedLinks =
    view.failedLinks.rows.length === 0 ? undefined : drawing.table('failed links', view.failedLinks, { most: 8 });
  const details = drawing.facts('Selected', view.details);
  if (context.width === 'narrow') {
    drawing.stack(region, [summary, mapBlock(drawing, view, 3), leftOut, links, failedLinks, details]);
  } else if (context.width === 'medium') {
    const lower = Math.min(12, Math.floor(region.height / 3));
    drawing.stack(region.part(0, 0, region.width, region.height - lower), [summary, mapBlock(drawing, view, 1)]);
    const [left, right] = sideBySide(region.part(0, region.height - lower), [3, 2]);
    if (left) drawing.stack(left, [links, failedLinks]);
    if (right) drawing.stack(right, [leftOut, details && { ...details, grows: 1 }]);
  } else {
    const [left, right] = sideBySide(region, [3, 2]);
    if (left) drawing.stack(left, [summary, mapBlock(drawing, view, 1)]);
    if (right) drawing.stack(right, [details, leftOut, links, failedLinks]);
  }
  return { selected: view.vertices.find(({ isSelected }) => isSelected)?.id, details: view.details };
}

function summaryBlock({ summary, memory }: TopologyView, columns: number): Block {
  const rows = Math.min(3, factFlowRows(summary, columns));
  return {
    title: '',
    isBare: true,
    least: 2,
    wanted: rows + 1,
    grows: 0,
    draw: (region) => {
      drawFactFlow(region.part(0, 0, region.width, rows), summary);
      drawBars(region.part(0, rows), [memory]);
    },
  };
}

const lowestMap = 4;
const usualMap = 9;

function mapBlock(drawing: Drawing, { vertices, edges, layout }: TopologyView, grows: number): Block {
  const pane = 'map';
  return {
    pane,
    title: 'Map',
    note: () => layout,
    least: lowestMap,
    wanted: usualMap,
    grows,
    draw: (region) => {
      for (const { id, left, top, width, height } of drawMap(region, vertices, edges)) {
        drawing.hits.push({ region: region.part(left, top, width, height), pane, rowId: id });
      }
      drawing.panes.push({ id: pane, rowIds: vertices.map(({ id }) => id), pageRows: 1, furthestScroll: 0 });
      if (vertices.length === 0) region.write(0, 0, 'no node is known yet', region.look.palette.dim);
    },
  };
}
