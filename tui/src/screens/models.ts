/** 5: models, and where they fit. */
import type { DashboardState } from '../state/state.js';
import { modelsView } from '../views/models.js';
import { selectedId } from '../views/tables.js';
import type { ModelsView } from '../views/view-models.js';
import { drawBars } from '../widgets/facts.js';
import { type Block, type Drawing, sideBySide } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawModels(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const view = modelsView(state, context);
  const { region } = drawing;
  const summary = drawing.flow(view.summary);
  const models = drawing.table('models', view.models, { selects: true, grows: 2, least: 3 });
  const fits = drawing.table('fits', view.fits, { grows: 1 });
  const details = drawing.facts('Selected model', view.details);
  const loading = loadingBlock(view);
  if (context.width === 'narrow') drawing.stack(region, [summary, models, loading, fits, details]);
  else {
    const [left, right] = sideBySide(region, [1, 1]);
    if (left) drawing.stack(left, [summary, models, loading]);
    if (right) drawing.stack(right, [details, fits]);
  }
  return { selected: selectedId(view.models), details: view.details };
}

function loadingBlock({ loading }: ModelsView): Block | undefined {
  if (loading.length === 0) return undefined;
  return {
    title: 'Loading',
    least: 1,
    wanted: loading.length,
    grows: 0,
    draw: (region) => void drawBars(region, loading),
  };
}
