// Two nodes on hosts of their own answer together; a pulled cable ends the request by name, and the rest lives on.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach, type ShoalError } from 'shoal';
import t from 'tap';
import { HostNode, shoal } from './support/command.js';
import { shippedPlugins, withTlsAlone, writePlugins } from './support/host-plugins.js';
import { NamespaceHosts } from './support/namespaces.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

const reason = NamespaceHosts.unavailableReason();

t.test('nodes on hosts of their own', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-hosts-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const homes = ['first', 'second'].map((name) => join(root, name)) as [string, string];
  for (const home of homes) mkdirSync(home, { mode: 0o700 });
  const manifest = join(root, 'plugins.json');
  writePlugins(manifest, withTlsAlone(shippedPlugins()));
  await using network = NamespaceHosts.create(3);
  const [firstHost, secondHost, strangerHost] = network.hosts;
  if (!firstHost || !secondHost || !strangerHost) throw new Error('three hosts were asked for');
  await using first = await HostNode.start(firstHost, homes[0], ['--name', 'first', '--plugins', manifest]);
  copyFileSync(join(homes[0], 'cluster.key'), join(homes[1], 'cluster.key'));
  await using _second = await HostNode.start(secondHost, homes[1], [
    '--name',
    'second',
    '--peer',
    first.address,
    '--plugins',
    manifest,
  ]);
  await using cluster = await attach({ home: homes[0] });

  await t.test('find each other', async (t) => {
    const deadline = Date.now() + 60_000;
    let names: string[] = [];
    while (names.length < 2 && Date.now() < deadline) {
      names = (await cluster.nodes()).flatMap(({ nodeName, state }) =>
        state === 'self' || state === 'connected' ? nodeName : [],
      );
      names.sort();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    t.same(names, ['first', 'second']);
  });

  for (const plan of ['pp=2', 'tp=2']) {
    await t.test(`answer together with ${plan}`, async (t) => {
      await using model = await cluster.load('shoal-tiny-chat', { plan });
      t.equal((await model.chat(question).result).text, answer);
    });
  }

  await t.test('the command attaches to the running node', async (t) => {
    const { code, output, errors } = await shoal([
      ...['run', 'shoal-tiny-chat', question[0].content, '--json', '--plan', 'pp=2', '--home', homes[0]],
    ]);
    t.equal(code, 0, `${errors}${output}`);
    const result = JSON.parse(output) as { text: string; plan: { stages: { members: { nodeName: string }[] }[] } };
    t.equal(result.text, answer);
    const names = result.plan.stages.flatMap(({ members }) => members.map(({ nodeName }) => nodeName));
    t.same(names.sort(), ['first', 'second']);
  });

  await t.test('a stranger is refused with a reason', async (t) => {
    const home = join(root, 'stranger');
    mkdirSync(home);
    await using stranger = await HostNode.start(strangerHost, home, ['--name', 'stranger', '--peer', first.address]);
    await using seen = await attach({ home });
    const deadline = Date.now() + 60_000;
    let refused: unknown;
    while (refused === undefined && Date.now() < deadline) {
      refused = (await seen.nodes()).find(({ state }) => state === 'refused');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    t.match(refused, { code: 'NODE_NOT_A_MEMBER' });
    t.notOk((await cluster.nodes()).some(({ nodeId }) => nodeId === stranger.started.nodeId));
  });

  await t.test('a pulled cable ends the request by name', async (t) => {
    const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
    // Requests follow one another, so that the cable goes while tokens travel: one answer is too short to be sure.
    let failure: ShoalError | undefined;
    const pull = setTimeout(() => secondHost.unplug(), 300);
    const started = performance.now();
    while (failure === undefined && performance.now() - started < 60_000) {
      const generation = model.chat(question, { maximumTokens: 400, ignoreEndOfText: true });
      await generation.result.catch((error: ShoalError) => {
        failure = error;
      });
    }
    clearTimeout(pull);
    t.comment(`the last request ended ${Math.round(performance.now() - started - 300)} ms after the cable was pulled`);
    t.ok(failure, 'the stream ends with an error');
    t.match(failure?.message, /second/, 'that names the lost node');
    await using alone = await cluster.load('shoal-tiny-chat');
    t.equal((await alone.chat(question).result).text, answer, 'what is left serves the next request');
    secondHost.plug();
  });
});
