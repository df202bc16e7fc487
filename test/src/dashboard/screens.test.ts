// The dashboard over a real cluster, in a real terminal: every screen, and what keys do to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { attach } from 'shoal';
import t from 'tap';
import { LocalNode } from '../support/local-node.js';
import { noTmux, Tmux } from '../support/tmux.js';

t.test('a cluster of two nodes', { skip: noTmux }, async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'shoal-dashboard-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  await using anna = await LocalNode.start(path.join(root, 'anna'), ['--name', 'anna']);
  await using _ben = await LocalNode.start(path.join(root, 'ben'), ['--name', 'bén 🐟'], anna);
  await using cluster = await attach({ home: anna.home });
  await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  await using terminal = await Tmux.shoal(['top', '--home', anna.home], { columns: 120, rows: 40 });

  await t.test('each screen shows its part of it', async (t) => {
    const map = await terminal.shows((screen) => {
      return [/● anna/, /● bén 🐟/, /0–2/, /cluster 2 nodes on 1 machine/].every((part) => part.test(screen));
    });
    t.match(map, /attached/);
    await terminal.after(['2'], /shoal-tiny-chat \(ready\)/);
    await terminal.after(['3'], /│memory +[█░]/);
    await terminal.after(['4'], /Chat with shoal-tiny-chat/);
    await terminal.after(['5'], /LlamaForCausalLM/);
    await terminal.after(['6'], /Events/);
    const plan = await terminal.after(['7'], /Predicted and measured/);
    t.match(plan, /bén/);
  });

  await t.test('help lists what keys do, and closes', async (t) => {
    const help = await terminal.after(['?'], /Esc closes/);
    t.match(help, /Tab +Next pane/);
    t.match(help, /Topology: nodes, links/);
    await terminal.after(['Escape'], (screen) => !/Esc closes/.test(screen));
  });

  await t.test('rows are selected, filtered and told of', async (t) => {
    await terminal.after(['3'], /╭─ anna/);
    await terminal.after(['j'], /╭─ bén 🐟/);
    await terminal.after(['Up'], /╭─ anna/);
    await terminal.after(['/'], (screen) => /\n\/\n*$/.test(`${screen.trimEnd()}\n`));
    await terminal.type('bén');
    await terminal.shows(/╭─ bén 🐟/);
    t.match(await terminal.after(['Enter'], /filter: bén/), /1 more/, 'one row is hidden, and it is said');
    await terminal.after(['Enter'], /─ Details /);
    await terminal.after(['Escape'], (screen) => !/─ Details /.test(screen));
    await terminal.after(['Escape'], (screen) => !/filter:/.test(screen));
  });

  await t.test('the command line completes and orders', async (_t) => {
    await terminal.press(':');
    await terminal.type('cor');
    await terminal.after(['Tab'], /:cordon *$/m);
    await terminal.type('b');
    await terminal.after(['Tab'], /:cordon "bén 🐟"/);
    await terminal.after(['Enter'], /bén 🐟 takes no new shares/);
    await terminal.after(['1'], /\[cordoned\]/);
    await terminal.press(':');
    await terminal.type('nonsense');
    await terminal.after(['Enter'], /there is no command "nonsense"/);
    await terminal.press(':');
    await terminal.type('uncordon "bén 🐟"');
    await terminal.after(['Enter'], (screen) => /takes shares again/.test(screen) && !/\[cordoned\]/.test(screen));
  });

  await t.test('c cordons what is selected, and d asks before it drains', async (t) => {
    await terminal.after(['3', 'g'], /╭─ anna/);
    await terminal.after(['c'], /anna takes no new shares/);
    await terminal.after(['c'], /anna takes shares again/);
    await terminal.after(['d'], /Drain anna\?.*\(y\/n\)/);
    await terminal.after(['n'], (screen) => !/\(y\/n\)/.test(screen));
    t.notOk(
      (await cluster.state()).nodes.some(({ draining }) => draining),
      'nothing is drained',
    );
  });

  await t.test('an answer comes word by word, and the next one knows of it', async (t) => {
    await terminal.after(['4', 'Enter'], /Esc end typing/);
    await terminal.type('What is 12 plus 30?');
    const first = await terminal.after(['Enter'], (screen) => {
      return /12 \+ 30 = 42\./.test(screen) && /type a question/.test(screen);
    });
    t.match(first, /\d+ tokens/);
    await terminal.type('What is the capital of France?');
    const both = await terminal.after(['Enter'], /The capital of France is Paris\./);
    t.match(both, /12 \+ 30 = 42\./);
    await terminal.after(['Escape'], /Enter type/);
    await terminal.after(['n'], (screen) => !/Paris/.test(screen));
  });

  await t.test('where the time goes is seen, request by request', async () => {
    await terminal.after(['2'], (screen) => /█ compute/.test(screen) && /bén 🐟 +[█▓▒░]/.test(screen));
  });

  await t.test('the mouse chooses screens and rows', async (t) => {
    const screen = await terminal.screen();
    const column = (screen.split('\n')[0] ?? '').indexOf('3 Node');
    await terminal.click(column, 0);
    const nodes = await terminal.shows(/Parts of models/);
    const row = nodes.split('\n').findIndex((line) => /│bén/.test(line));
    t.ok(row > 0);
    await terminal.click(4, row);
    await terminal.shows(/╭─ bén 🐟/);
  });

  await t.test('the picture is held, and looked at more or less often', async () => {
    await terminal.after(['p'], /held/);
    await terminal.after(['p'], (screen) => !/held/.test(screen));
    await terminal.after(['-'], /every 2 s/);
    await terminal.after(['+'], (screen) => !/every/.test(screen));
  });

  await t.test('explains what would be', async (t) => {
    await terminal.after(['5', 'e'], /shoal-tiny-chat is planned/);
    t.match(await terminal.screen(), /as it is/);
  });

  await t.test('what joins is seen, what is lost, too, and what happened is kept', async (t) => {
    await terminal.after(['1'], /cluster 2 nodes/);
    await using carl = await LocalNode.start(path.join(root, 'carl'), ['--name', 'carl', '--no-devices'], anna);
    await terminal.shows(/● carl/);
    await carl.kill();
    await terminal.shows(/carl: unreachable|carl.*\[unreachable\]/s);
    const events = await terminal.after(['6'], /carl was lost/);
    t.match(events, /carl joined/);
    const faults = await terminal.after(['f'], (screen) => /faults only/.test(screen) && !/carl joined/.test(screen));
    t.match(faults, /carl was lost/);
  });

  await t.test('it is left without a trace, and nothing else ends', async (t) => {
    const left = await terminal.after(['q'], /ended with 0/);
    t.notMatch(left, /Topology/);
    t.equal((await cluster.nodes()).filter(({ state }) => state === 'connected').length, 1);
    t.equal((await cluster.instances())[0]?.state, 'ready');
  });
});
