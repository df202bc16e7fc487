// Every key of the table, on every screen that it is for: it does what the help says. A new key needs a line here.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent, NodeOperation } from '@shoal/core';
import {
  type ActionName,
  bindingsOf,
  type ScreenName,
  screenNames,
  screenTitles,
} from '@shoal/tui/internal/keys/key-table.js';
import t, { type Test } from 'tap';
import {
  answers,
  clusterOf,
  nothing,
  type Running,
  type Services,
  withDashboard,
} from '../support/running-dashboard.js';
import { answer, explained, machines, statistics } from '../support/sample.js';

t.setTimeout(240_000);

const operations: NodeOperation[] = [];

async function* twoEvents(signal: AbortSignal): AsyncGenerator<ClusterEvent> {
  yield { kind: 'node-joined', nodeId: 'ben-id', nodeName: 'ben 🐟' };
  yield { kind: 'node-lost', nodeId: 'cleo-id', nodeName: 'cleo', reason: 'no pulse', code: 'NODE_LOST' } as never;
  yield* nothing(signal);
}

const service: Services = {
  ...answers,
  readiness: async () => ({ nodes: machines.machines, transport: { name: 'tcp' } }),
  statistics: async () => (statistics(0, 150, [answer(1, 'answering')]) as { members?: unknown }).members,
  watch: twoEvents,
  operate: async (operation: NodeOperation) => {
    operations.push(operation);
    return { wish: 'a-wish' };
  },
  explain: async () => ({ ...explained.explanation, text: '' }),
};

type Expected = RegExp | 'changes' | ((screen: string) => boolean);

interface Effect {
  /** Keys that make it possible. */
  readonly before?: readonly string[];
  /** Absent: the screen is still there. */
  readonly shows?: Expected;
  /** Keys that undo it, where Esc does not. */
  readonly after?: readonly string[];
}

const shown = (screen: ScreenName): Effect => ({ shows: new RegExp(` \\d ${screenTitles[screen]} `) });
/** On the screen with three nodes it is seen which row one is on. */
const onNodes = (screen: ScreenName, before: readonly string[], node: string): Effect =>
  screen === 'node' ? { before, shows: new RegExp(`╭─ ${node}`) } : {};
const notSeen = (words: RegExp) => (screen: string) => !words.test(screen);

const effects: Readonly<Record<ActionName, (screen: ScreenName) => Effect>> = {
  'show-topology': () => shown('topology'),
  'show-requests': () => shown('requests'),
  'show-node': () => shown('node'),
  'show-chat': () => shown('chat'),
  'show-models': () => shown('models'),
  'show-events': () => shown('events'),
  'show-plan': () => shown('plan'),
  'next-pane': (screen) => (screen === 'node' ? { shows: 'changes', after: ['S-tab'] } : {}),
  'previous-pane': (screen) => (screen === 'node' ? { shows: 'changes', after: ['tab'] } : {}),
  up: (screen) => onNodes(screen, ['g', 'j'], 'anna'),
  down: (screen) => onNodes(screen, ['g'], 'ben'),
  left: (screen) => (screen === 'topology' ? { before: ['g', 'l'], shows: /node +anna/ } : {}),
  right: (screen) => (screen === 'topology' ? { before: ['g'], shows: /node +ben/ } : {}),
  'page-up': (screen) => onNodes(screen, ['G'], 'anna'),
  'page-down': (screen) => onNodes(screen, ['g'], 'cleo'),
  first: (screen) => onNodes(screen, ['G'], 'anna'),
  last: (screen) => onNodes(screen, ['g'], 'cleo'),
  open: (screen) => ({ shows: screen === 'topology' ? / 3 Node / : /─ Details ─/ }),
  back: () => ({ before: ['?'], shows: notSeen(/─ Help ─/) }),
  filter: () => ({ shows: /\n\/ *$/ }),
  command: () => ({ shows: /\n: *$/ }),
  help: () => ({ shows: /─ Help ─/ }),
  cordon: () => ({ shows: /takes no new shares/ }),
  drain: () => ({ shows: /Drain .*\(y\/n\)/ }),
  'toggle-pause': () => ({ shows: /held/, after: ['p'] }),
  faster: () => ({ shows: /every 0\.5 s/, after: ['-'] }),
  slower: () => ({ shows: /every 2 s/, after: ['+'] }),
  type: () => ({ shows: /Esc end typing/ }),
  'stop-answer': () => ({}),
  'next-model': () => ({}),
  'new-chat': () => ({}),
  'load-model': () => ({ shows: /keeps .* loaded from now on/ }),
  'unload-model': () => ({ shows: /Unload .*\(y\/n\)/ }),
  explain: () => ({ shows: /is planned/ }),
  'toggle-faults': () => ({ shows: /faults only/, after: ['f'] }),
  'toggle-follow': () => ({ shows: notSeen(/follows the newest/), after: ['F'] }),
  redraw: () => ({}),
  quit: () => ({}),
};

/** As it is before each key: the screen, with nothing over it, and its first row. */
async function show({ display, shows }: Running, screen: ScreenName): Promise<void> {
  const number = String(screenNames.indexOf(screen) + 1);
  display.press('escape', 'escape', number, 'g');
  await shows(
    (seen) => seen.includes(` ${number} ${screenTitles[screen]} `) && !/─ (Help|Details) ─|\(y\/n\)/.test(seen),
  );
}

async function press(t: Test, running: Running, screen: ScreenName, action: ActionName, key: string): Promise<void> {
  const { display, shows } = running;
  const { before = [], shows: expected, after = [] } = effects[action](screen);
  display.press(...before);
  // What was pressed before is drawn, and what comes in meanwhile is not taken for an effect.
  await sleep(before.length > 0 ? 40 : 0);
  const { picture, forgotten } = display;
  display.press(key);
  const what = `${key} on ${screen}: ${action}`;
  try {
    if (expected === 'changes') await shows(() => display.picture !== picture);
    else await shows(expected ?? new RegExp(` \\d ${screenTitles[screen]} `));
    t.pass(what);
  } catch (thrown) {
    t.fail(`${what}: ${String(thrown)}`);
  }
  if (action === 'redraw') t.equal(display.forgotten, forgotten + 1, what);
  display.press(...after);
}

for (const screen of screenNames) {
  t.test(screen, async (t) => {
    await withDashboard(
      async () => clusterOf(service),
      async (running) => {
        await running.shows(/● anna.*attached|attached.*● anna/s);
        // Models are read from disk, events told together.
        running.display.press('5');
        await running.shows(/shoal-tiny-chat/);
        running.display.press('6');
        await running.shows(/cleo was lost/);
        running.display.press('2');
        await running.shows(/answering/);
        for (const { keys, action } of bindingsOf(screen)) {
          if (action === 'quit') continue;
          for (const key of keys) {
            // A key of this screen may stand before one of all.
            if (bindingsOf(screen).find((one) => one.keys.includes(key))?.action !== action) continue;
            await show(running, screen);
            await press(t, running, screen, action, key);
          }
        }
      },
      { columns: 80, rows: 40, intervalMilliseconds: 1000 },
    );
  });
}

for (const { keys, action } of bindingsOf('node')) {
  if (action !== 'quit') continue;
  for (const key of keys) {
    t.test(`${key} leaves`, async (t) => {
      await withDashboard(
        async () => clusterOf(service),
        async ({ display, shows, over }) => {
          await shows(/● anna/);
          display.press(key);
          await over;
          t.ok(display.isClosed, 'the terminal is as it was');
        },
      );
    });
  }
}

t.test('orders are about what is selected', async (t) => {
  t.match(operations, [{ kind: 'cordon', node: 'anna' }]);
  t.ok(operations.some(({ kind }) => kind === 'keep'));
  t.notOk(
    operations.some(({ kind }) => kind === 'drain' || kind === 'leave'),
    'nothing that asks first was done without an answer',
  );
});
