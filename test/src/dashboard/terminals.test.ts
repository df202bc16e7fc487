// The dashboard on terminals of all kinds and sizes, and on a connection that comes and goes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attach } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';
import { LocalNode } from '../support/local-node.js';
import { noTmux, Tmux } from '../support/tmux.js';

const root = mkdtempSync(path.join(tmpdir(), 'shoal-terminals-'));
t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
const home = path.join(root, 'home');

/** Colours of text that a screen is sent with, as they are ordered of a terminal: `38;5;28`, `32`. */
const coloursOf = (screen: string) =>
  new Set(
    screen
      .split('\u001b[')
      .flatMap((part) => /^[\d;]+(?=m)/.exec(part) ?? [])
      .flatMap((order) => /[34]8;5;\d+|(?<!\d)3[0-7]$/.exec(order) ?? []),
  );

t.test('terminals', { skip: noTmux }, async (t) => {
  await using node = await LocalNode.start(home, ['--name', 'anna']);
  const columns = 80;
  const rows = 24;

  const kinds = [
    { TERM: 'xterm-256color', colours: '256', card: /● anna/, frame: '╭' },
    { TERM: 'tmux-256color', colours: '256', card: /● anna/, frame: '╭' },
    { TERM: 'screen', colours: '16', card: /● anna/, frame: '╭' },
    { TERM: 'linux', colours: '16', card: /\* anna/, frame: '┌' },
  ];
  for (const { TERM, colours, card, frame } of kinds) {
    await t.test(TERM, async (t) => {
      await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows, environment: { TERM } });
      const screen = await terminal.shows(card);
      t.ok(screen.includes(`${frame}─ Map ─`), 'frames are drawn with what it has');
      const found = [...coloursOf(await terminal.colouredScreen())];
      t.ok(found.length > 0, 'there are colours');
      t.equal(
        found.some((colour) => colour.includes('8;5;')),
        colours === '256',
        found.join(' '),
      );
      await terminal.after(['3'], /│memory +[█░]/);
      await terminal.after(['q'], /ended with 0/);
    });
  }

  await t.test('no colours where none are wanted', async (t) => {
    const environment = { NO_COLOR: '1' };
    await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows, environment });
    await terminal.shows(/● anna/);
    t.same([...coloursOf(await terminal.colouredScreen())], []);
  });

  await t.test('letters alone where the locale has no others', async (t) => {
    const environment = { LANG: 'C', LC_ALL: 'C' };
    await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows, environment });
    const screen = await terminal.shows(/\* anna/);
    t.match(screen, /\+- Map -+/);
    t.match(await terminal.after(['3'], /load +[#.]+/), /memory +[#.]+/);
    t.notMatch(await terminal.screen(), /[^\n -~]/, 'nothing else is written');
  });

  await t.test('a terminal that cannot be drawn on gets lines', async (t) => {
    const environment = { TERM: 'dumb' };
    await using terminal = await Tmux.shoal(['top', '--home', home, '--count', '1'], { environment });
    t.match(await terminal.shows(/ended with 0/), /^\d\d:\d\d:\d\d at anna, nodes 1, leader anna/m);
  });

  await t.test('a storm of sizes, and the smallest and largest of them', async (t) => {
    await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows });
    await terminal.shows(/● anna/);
    for (let step = 0; step < 40; step += 1) await terminal.resize(60 + ((step * 67) % 240), 20 + ((step * 31) % 60));
    const lineCount = (screen: string) => screen.trimEnd().split('\n').length;
    await terminal.resize(300, 80);
    const large = await terminal.shows((screen) => /● anna/.test(screen) && lineCount(screen) === 80);
    t.equal(Math.max(...large.split('\n').map((line) => line.length)), 300, 'all columns are used');
    await terminal.resize(60, 20);
    const small = await terminal.shows((screen) => /● anna/.test(screen) && lineCount(screen) === 20);
    t.match(small, /^╭─ Map ─.*╮$/m);
    for (const key of ['2', '3', '4', '5', '6', '7']) await terminal.after([key], new RegExp(` ${key} [A-Z][a-z]+ `));
    t.notMatch(await terminal.screen(), /ended with/);
  });

  await t.test('a request goes on whoever comes and leaves', async (t) => {
    await using cluster = await attach({ home });
    await using model = await cluster.load('shoal-tiny-chat');
    const generation = model.generate('Once', { maximumTokens: 400, temperature: 0, ignoreEndOfText: true });
    for (let times = 0; times < 2; times += 1) {
      await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows });
      await terminal.shows(/● anna/);
      await terminal.after([times === 0 ? 'q' : 'C-c'], /ended with (0|130)/);
    }
    const { usage, finishReason } = await generation.result;
    t.not(finishReason, 'cancelled');
    t.ok(usage.generatedTokens > 0);
  });

  await t.test('a lost connection is said, and made anew', async (t) => {
    await using terminal = await Tmux.shoal(['top', '--home', home], { columns, rows });
    await terminal.shows((screen) => /attached/.test(screen) && /● anna/.test(screen));
    await node.kill();
    const lost = await terminal.shows(/the connection is lost/);
    t.match(lost, /● anna/, 'what was known is still seen');
    await using _again = await LocalNode.start(home, ['--name', 'anna again']);
    await terminal.shows((screen) => /attached/.test(screen) && /anna again/.test(screen));
    t.notMatch(await terminal.screen(), /connection is lost/);
  });
});

t.test('`shoal` alone begins a node where none runs, and leaves it running', { skip: noTmux }, async (t) => {
  const fresh = path.join(root, 'fresh');
  const environment = { SHOAL_HOME: fresh };
  await using terminal = await Tmux.shoal([], { environment });
  try {
    await terminal.shows((screen) => /attached/.test(screen) && /nodes 1/.test(screen));
    await terminal.after(['q'], /ended with 0/);
    await using cluster = await attach({ home: fresh });
    const [self] = await cluster.nodes();
    t.equal(self?.state, 'self', 'it still answers');
  } finally {
    await using cluster = await attach({ home: fresh });
    await cluster.leave(cluster.nodeId, { now: true }).catch(() => undefined);
    // Its folder goes with the test.
    while (
      await attach({ home: fresh }).then(
        (still) => still.close().then(() => true),
        () => false,
      )
    )
      await sleep(50);
  }
});

t.test('without a terminal: lines, and lines of JSON', async (t) => {
  await using _node = await LocalNode.start(path.join(root, 'plain'), ['--name', 'anna']);
  const words = ['top', '--home', path.join(root, 'plain'), '--count', '2', '--interval', '0.25'];
  const plain = await shoal(words);
  t.equal(plain.code, 0, plain.errors);
  t.match(plain.output, /^(\d\d:\d\d:\d\d at anna, nodes 1, .*\n){2}$/);
  const json = await shoal([...words, '--json', '--screen', 'node']);
  t.equal(json.code, 0, json.errors);
  const documents = json.output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  t.match(documents, [{ screen: 'node', connection: { phase: 'attached' } }, { screen: 'node' }]);
  const nowhere = await shoal(['top', '--home', path.join(root, 'nowhere')]);
  t.equal(nowhere.code, 1);
  t.match(nowhere.errors, /^NODE_NOT_RUNNING: /);
});
