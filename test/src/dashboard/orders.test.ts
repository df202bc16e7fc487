// Orders from a dashboard that watches from elsewhere: its home has the cluster's key, and no node runs there.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { attach } from 'shoal';
import t from 'tap';
import { LocalNode } from '../support/local-node.js';
import { noTmux, Tmux } from '../support/tmux.js';

t.test('a cluster of two nodes, watched from elsewhere', { skip: noTmux }, async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'shoal-orders-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }));
  await using anna = await LocalNode.start(path.join(root, 'anna'), ['--name', 'anna']);
  await using ben = await LocalNode.start(path.join(root, 'ben'), ['--name', 'ben'], anna);
  await using cluster = await attach({ home: anna.home });
  const address = anna.addresses[0] ?? '';
  const elsewhere = path.join(root, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o700 });

  await t.test('without the key nobody is met, and it says why', async () => {
    const words = ['top', '--node', address, '--home', path.join(root, 'stranger')];
    await using stranger = await Tmux.shoal(words, { columns: 250, rows: 30 });
    await stranger.shows(/the connection is lost .*it has another cluster key/);
    await stranger.after(['q'], /ended with 0/);
  });

  copyFileSync(path.join(anna.home, 'cluster.key'), path.join(elsewhere, 'cluster.key'));
  await using terminal = await Tmux.shoal(['top', '--node', address, '--home', elsewhere], { columns: 120, rows: 40 });
  const order = async (line: string, wanted: RegExp) => {
    await terminal.press(':');
    await terminal.type(line);
    return terminal.after(['Enter'], wanted);
  };

  await t.test('it is attached, and sees both', async () => {
    await terminal.shows((screen) => /attached/.test(screen) && /● anna/.test(screen) && /● ben/.test(screen));
  });

  await t.test('a model is loaded for the cluster, and answers', async (t) => {
    await order('load shoal-tiny-chat', /the cluster keeps shoal-tiny-chat loaded from now on/);
    await terminal.after(['5'], /loaded, kept/);
    await terminal.after(['4'], /Chat with shoal-tiny-chat/);
    await terminal.after(['Enter'], /Esc end typing/);
    await terminal.type('What is 12 plus 30?');
    await terminal.after(['Enter'], /12 \+ 30 = 42\./);
    await terminal.after(['Escape'], /Enter type/);
    t.equal((await cluster.instances()).filter(({ state }) => state === 'ready').length, 1);
  });

  await t.test('a node is drained once that is confirmed', async (t) => {
    await order('drain ben', /Drain ben\?.*\(y\/n\)/);
    t.notOk((await cluster.state()).nodes.some(({ draining }) => draining));
    await terminal.after(['y'], /ben is drained/);
    await terminal.after(['1'], /\[draining\]|\[cordoned\]/);
    await order('uncordon ben', /ben takes shares again/);
    t.notOk((await cluster.state()).nodes.some(({ cordoned }) => cordoned));
  });

  await t.test('links are measured anew', async () => {
    await order('profile', /measured \d+ links between \d nodes anew/);
  });

  await t.test('the model is unloaded, and stays so', async (t) => {
    await order('unload shoal-tiny-chat', /Unload shoal-tiny-chat\?.*\(y\/n\)/);
    await terminal.after(['y'], /shoal-tiny-chat is unloaded/);
    const state = await cluster.state();
    t.same(state.wishes, []);
    await terminal.after(['4'], /no model answers|no model is loaded/);
  });

  await t.test('a node leaves when it is told to', async (t) => {
    const ended = new Promise((resolve) => ben.process.once('exit', resolve));
    await order('leave ben', /Have ben leave the cluster\?.*\(y\/n\)/);
    await terminal.after(['y'], /ben leaves/);
    await ended;
    await terminal.after(['6'], /ben left/);
    t.notOk((await cluster.nodes()).some(({ nodeName, state }) => nodeName === 'ben' && state === 'connected'));
  });

  await t.test('leaving the dashboard leaves everything else as it is', async (t) => {
    await terminal.after(['q'], /ended with 0/);
    t.match(await cluster.nodes(), [{ nodeName: 'anna', state: 'self' }]);
  });
});
