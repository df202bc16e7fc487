/** The figures of all seven screens: what the screens are made of, and what `shoal top --json` prints. */
import type { DashboardState } from '../state/state.js';
import { type ChatFigures, chatFigures } from './chat.js';
import { type EventsFigures, eventsFigures } from './events.js';
import { type ModelsFigures, modelsFigures } from './models-figures.js';
import { type NodesFigures, nodesFigures } from './node-figures.js';
import { type PlansFigures, plansFigures } from './plan-figures.js';
import { type RequestsFigures, requestsFigures } from './requests-figures.js';
import { type TopologyFigures, topologyFigures } from './topology-figures.js';

export interface ScreenFigures {
  readonly topology: TopologyFigures;
  readonly requests: RequestsFigures;
  readonly node: NodesFigures;
  readonly chat: ChatFigures;
  readonly models: ModelsFigures;
  readonly events: EventsFigures;
  readonly plan: PlansFigures;
}

export type ScreenName = keyof ScreenFigures;

/** By their numbers. */
export const screenNames: readonly ScreenName[] = ['topology', 'requests', 'node', 'chat', 'models', 'events', 'plan'];

const figuresOf: { readonly [Name in ScreenName]: (state: DashboardState) => ScreenFigures[Name] } = {
  topology: topologyFigures,
  requests: requestsFigures,
  node: nodesFigures,
  chat: chatFigures,
  models: modelsFigures,
  events: eventsFigures,
  plan: plansFigures,
};

/** A line of the JSON twin. */
export type ScreenLine = {
  readonly [Name in ScreenName]: {
    readonly screen: Name;
    /** Milliseconds since 1970. */
    readonly at: number;
    readonly connection: DashboardState['connection'];
    readonly figures: ScreenFigures[Name];
  };
}[ScreenName];

export function screenLine(state: DashboardState, screen: ScreenName): ScreenLine {
  const { at, connection } = state;
  return { screen, at, connection, figures: figuresOf[screen](state) } as ScreenLine;
}
