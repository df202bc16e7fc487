/** What a screen is: a view of the state, and how it is drawn. */
import type { DashboardState } from '../state/state.js';
import type { Fact, ViewContext } from '../views/blocks.js';
import type { Position } from '../widgets/display.js';
import type { InputLine } from '../widgets/input-line.js';
import type { Drawing } from './drawing.js';

export interface ScreenContext extends ViewContext {
  readonly faultsOnly: boolean;
  /** Where a message is typed; absent: none is. */
  readonly typing?: InputLine;
}

/** What is left of a frame when it is drawn. */
export interface DrawnScreen {
  /** Where text is typed. */
  readonly cursor?: Position | undefined;
  /** The row, node or vertex that orders and details are about. */
  readonly selected?: string | undefined;
  /** More about it than its row says. */
  readonly details?: readonly Fact[];
}

/** A screen makes its view of the state, and draws it. */
export type Screen = (drawing: Drawing, state: DashboardState, context: ScreenContext) => DrawnScreen;
