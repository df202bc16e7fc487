/**
 * What every screen shows of a small cluster, on a wide and on a narrow terminal, as files that are read when they change:
 * `SHOAL_UPDATE_SNAPSHOTS=1` writes them anew.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { ViewContext } from '@shoal/tui/internal/views/blocks.js';
import { chatView } from '@shoal/tui/internal/views/chat.js';
import { eventsView } from '@shoal/tui/internal/views/events.js';
import { headerView } from '@shoal/tui/internal/views/header.js';
import { modelsView } from '@shoal/tui/internal/views/models.js';
import { nodeView } from '@shoal/tui/internal/views/node.js';
import { planView } from '@shoal/tui/internal/views/plan.js';
import { requestsView } from '@shoal/tui/internal/views/requests.js';
import { topologyView } from '@shoal/tui/internal/views/topology.js';
import t, { type Test } from 'tap';
import { renderView } from '../support/render.js';
import { begin, everything } from '../support/sample.js';

// Clocks are those of whoever looks.
process.env.TZ = 'UTC';

const folder = fileURLToPath(new URL('../../../../tui/test/fixtures/screens/', import.meta.url));
const updates = process.env.SHOAL_UPDATE_SNAPSHOTS === '1';

const views = {
  topology: topologyView,
  requests: requestsView,
  node: nodeView,
  chat: chatView,
  models: modelsView,
  events: eventsView,
  plan: planView,
  header: (state: Parameters<typeof headerView>[0], { now }: ViewContext) => headerView(state, now),
};

const states = {
  full: applyAll(initialState(begin), everything),
  empty: initialState(begin),
};

function compare(t: Test, name: string, text: string): void {
  const file = `${folder}${name}.txt`;
  if (updates) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text);
  }
  t.equal(text, readFileSync(file, 'utf8').replaceAll('\r\n', '\n'), name);
}

for (const [name, view] of Object.entries(views)) {
  t.test(`the screen ${name} shows what it has to`, async (t) => {
    const context = { width: 'wide', now: begin + 1000 } as const;
    compare(t, name, renderView(view(states.full, context)));
    compare(t, `${name}-narrow`, renderView(view(states.full, { ...context, width: 'narrow' })));
    compare(t, `${name}-empty`, renderView(view(states.empty, context)));
  });
}
