/** 2: what runs, and where each token's time goes. */
import type { DashboardState } from '../state/state.js';
import type { StackedBar } from '../views/blocks.js';
import { requestsView } from '../views/requests.js';
import { selectedId } from '../views/tables.js';
import type { InstanceRequestsView } from '../views/view-models.js';
import { drawFactFlow, drawLegend, drawStackedBars, factFlowRows } from '../widgets/facts.js';
import { drawCharts } from '../widgets/series.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawRequests(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = requestsView(state, context);
  const { region } = drawing;
  const summary = drawing.flow(view.summary);
  const requests = drawing.table('requests', view.requests, { selects: true, grows: 1, least: 3, most: 7 });
  const hops = hopsBlock('Selected request: where the time of a token goes', view.hops);
  const details = drawing.facts('Selected request', view.details, { least: 3 });
  const instances = view.instances.map((instance) => instanceBlock(instance, region.width));
  if (context.width === 'wide') {
    const [left, right] = sideBySide(region, [1, 1]);
    if (left) drawing.stack(left, [summary, requests, details, hops]);
    if (right) drawing.stack(right, instances);
  } else drawing.stack(region, [summary, requests, ...instances, hops, details]);
  return { selected: selectedId(view.requests), details: view.details };
}

/** How high a curve is drawn, where there is room. */
const curveRows = 4;

function instanceBlock({ title, facts, series, hops }: InstanceRequestsView, columns: number): Block {
  const factRows = Math.min(3, factFlowRows(facts, columns - 2));
  const hopRows = hops.length === 0 ? 0 : hops.length + 1;
  return {
    title: title.text,
    least: factRows + hopRows,
    wanted: factRows + series.length * curveRows + hopRows,
    grows: 1,
    draw: (region) => {
      drawFactFlow(region.part(0, 0, region.width, factRows), facts);
      // Where the time goes comes before how it was.
      const below = Math.max(factRows, region.height - hopRows);
      drawCharts(region.part(0, factRows, region.width, below - factRows), series);
      drawHops(region.part(0, below), hops);
    },
  };
}

function hopsBlock(title: string, hops: readonly StackedBar[]): Block | undefined {
  if (hops.length === 0) return undefined;
  return {
    title,
    least: Math.min(5, hops.length + 1),
    wanted: hops.length + 1,
    grows: 0,
    draw: (region) => drawHops(region, hops),
  };
}

function drawHops(region: Drawing['region'], hops: readonly StackedBar[]): void {
  if (region.height < 2) return;
  drawLegend(region, hops);
  drawStackedBars(region.part(0, 1), hops);
}
