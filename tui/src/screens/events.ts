/** 6: what happens. */
import type { DashboardState } from '../state/state.js';
import { eventsView } from '../views/events.js';
import { selectedId } from '../views/tables.js';
import type { Drawing } from './drawing.js';
import type { DrawnScreen, ScreenContext } from './screen.js';

export function drawEvents(drawing: Drawing, state: DashboardState, context: ScreenContext): DrawnScreen {
  const { followsEnd } = drawing.state;
  const view = eventsView(state, { ...context, follows: followsEnd });
  drawing.stack(drawing.region, [
    drawing.flow(view.summary),
    drawing.table('events', view.events, { selects: true, grows: 1, least: 3, comesAtEnd: true }),
  ]);
  return { selected: selectedId(view.events) };
}
