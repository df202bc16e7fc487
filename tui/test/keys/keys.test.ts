// Keys and commands: one table each, which everything else is made of.
import { commandTable, completed, completionsOf, parseOrder } from '@shoal/tui/internal/keys/commands.js';
import { actionOf, bindingsOf, keyTable, screenNames } from '@shoal/tui/internal/keys/key-table.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { DashboardState } from '@shoal/tui/internal/state/state.js';
import t from 'tap';

t.test('a key means one thing on a screen', async (t) => {
  for (const screen of screenNames) {
    const general = keyTable.filter(({ screens }) => screens === undefined).flatMap(({ keys }) => keys);
    t.equal(new Set(general).size, general.length, 'no key is given twice');
    const own = bindingsOf(screen)
      .filter(({ screens }) => screens !== undefined)
      .flatMap(({ keys }) => keys);
    t.equal(new Set(own).size, own.length, screen);
  }
  for (const [index, screen] of screenNames.entries()) {
    t.equal(actionOf({ key: String(index + 1) }, 'topology'), `show-${screen}`);
  }
  t.equal(actionOf({ key: 'enter' }, 'chat'), 'type', 'keys of a screen come before those of all');
  t.equal(actionOf({ key: 'enter' }, 'events'), 'open');
  t.equal(actionOf({ key: 'c' }, 'events'), undefined);
});

t.test('what is typed after a colon', async (t) => {
  for (const [line, order] of [
    ['load shoal-tiny-chat', { kind: 'load', model: 'shoal-tiny-chat' }],
    ['unload tiny', { kind: 'unload', model: 'tiny' }],
    ['cordon "my node"', { kind: 'cordon', node: 'my node' }],
    ['  drain anna ', { kind: 'drain', node: 'anna' }],
    ['plan tiny', { kind: 'plan', model: 'tiny', without: [], added: [] }],
    ['plan tiny without anna ben with carl', { kind: 'plan', without: ['anna', 'ben'], added: ['carl'] }],
    ['profile', { kind: 'profile' }],
    ['chat', { kind: 'show', screen: 'chat' }],
    ['plan', { kind: 'show', screen: 'plan' }],
    ['q', { kind: 'quit' }],
    ['', { problem: 'nothing was typed' }],
    ['load', { problem: 'usage: load MODEL' }],
    ['load a b', { problem: 'usage: load MODEL' }],
    ['plan tiny without', { problem: /usage: plan/ }],
    ['plan tiny anna', { problem: /usage: plan/ }],
    ['frobnicate', { problem: /no command "frobnicate"/ }],
    ['p', { problem: /did you mean pause, plan, profile\?/ }],
  ] as const) {
    t.match(parseOrder(line), order, line);
  }
  for (const { help, usage, name } of commandTable) t.ok(help.length > 4 && usage.startsWith(name), name);
});

t.test('Tab completes commands, nodes and models', async (t) => {
  const node = (nodeName: string) => ({ nodeName }) as DashboardState['nodes'][number];
  const state: DashboardState = {
    ...initialState(0),
    nodes: [node('anna'), node('annika'), node('my node')],
    models: [{ name: 'owner/tiny' } as DashboardState['models'][number]],
  };
  const complete = (line: string) => completed(line, completionsOf(line, state));
  t.equal(complete('cor'), 'cordon ');
  t.equal(complete('cordon a'), 'cordon ann');
  t.same(completionsOf('cordon a', state), ['anna', 'annika']);
  t.equal(complete('cordon anni'), 'cordon annika ');
  t.equal(complete('cordon M'), 'cordon "my node" ');
  t.equal(complete('drain "my'), 'drain "my node" ');
  t.equal(complete('load ow'), 'load owner/tiny ');
  t.equal(complete('plan owner/tiny wi'), 'plan owner/tiny with');
  t.equal(complete('plan owner/tiny without anna anni'), 'plan owner/tiny without anna annika ');
  t.equal(complete('nothing like it'), 'nothing like it');
});
