import type { ScreenName } from '../keys/key-table.js';
import { drawChat } from './chat.js';
import { drawEvents } from './events.js';
import { drawModels } from './models.js';
import { drawNode } from './node.js';
import { drawPlan } from './plan.js';
import { drawRequests } from './requests.js';
import type { Screen } from './screen.js';
import { drawTopology } from './topology.js';

export const allScreens: Readonly<Record<ScreenName, Screen>> = {
  topology: drawTopology,
  requests: drawRequests,
  node: drawNode,
  chat: drawChat,
  models: drawModels,
  events: drawEvents,
  plan: drawPlan,
};
