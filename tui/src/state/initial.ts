/** The state before anything is known. */
import type { DashboardState } from './state.js';

export function initialState(now: number): DashboardState {
  return {
    at: 0,
    connection: { phase: 'connecting', since: now, attempt: 1 },
    selfNodeId: '',
    nodes: [],
    links: [],
    failedLinks: [],
    instances: [],
    wishes: [],
    requests: [],
    models: [],
    explanations: [],
    events: [],
    seenEvents: 0,
    chat: { phase: 'idle', messages: [] },
  };
}
