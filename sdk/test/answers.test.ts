import { attach, createCluster } from 'shoal';
import t from 'tap';
import { answer, endlessAnswer, endlessContext, question, startLocalNodes } from './support/local.js';

t.test('two processes answer together', async (t) => {
  await using cluster = await startLocalNodes(2);
  const progress: number[] = [];
  const model = await cluster.load('shoal-tiny-chat', {
    plan: 'pp=2',
    ...endlessContext,
    onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
  });
  const nodeIds = model.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId));
  t.equal(new Set(nodeIds).size, 2, 'each stage is on a node of its own');
  t.equal(progress.at(-1), 1, 'loading reports its end');

  await t.test('token by token, with usage and timings', async (t) => {
    const generation = model.chat(question, { seed: 7 });
    const parts: string[] = [];
    for await (const { text } of generation) parts.push(text);
    const result = await generation.result;
    t.equal(parts.join(''), answer);
    t.equal(result.text, answer);
    t.equal(result.finishReason, 'stop');
    t.equal(result.usage.generatedTokens, result.tokens.length);
    t.equal(result.usage.promptTokens, result.promptTokens.length);
    t.ok(parts.length >= result.tokens.length - 1);
    t.ok(result.timings.timeToFirstTokenMilliseconds > 0);
    t.ok((result.timings.tokensPerSecond ?? 0) > 0);
    t.equal(result.seed, 7);
    t.same(result.sampling, { temperature: 0 }, 'the model recommends nothing');
  });

  await t.test('the tokens of a prompt give the same answer as its text', async (t) => {
    const chatted = await model.chat(question).result;
    const repeated = await model.generate(chatted.promptTokens).result;
    t.same(repeated.tokens, chatted.tokens);
  });

  await t.test('several at once', async (t) => {
    const results = await Promise.all([0, 1, 2].map(() => model.chat(question).result));
    t.same(
      results.map(({ text }) => text),
      [answer, answer, answer],
    );
  });

  await t.test('a stop string ends the text before it', async (t) => {
    const { text, finishReason } = await model.chat(question, { stop: ['= 42'] }).result;
    t.equal(text, '12 + 30 ');
    t.equal(finishReason, 'stop');
  });

  await t.test('the limit of tokens ends it too', async (t) => {
    const { usage, finishReason } = await model.chat(question, { maximumTokens: 3 }).result;
    t.equal(usage.generatedTokens, 3);
    t.equal(finishReason, 'length');
  });

  await t.test('an abort signal ends a generation, and the next one runs', async (t) => {
    const controller = new AbortController();
    const generation = model.chat(question, { ...endlessAnswer, signal: controller.signal });
    let count = 0;
    await t.rejects(
      async () => {
        for await (const _part of generation) {
          count += 1;
          if (count === 3) controller.abort();
        }
      },
      { code: 'ABORTED' },
    );
    await t.rejects(generation.result, { code: 'ABORTED' });
    t.equal((await model.chat(question).result).text, answer);
  });

  await t.test('leaving the loop cancels', async (t) => {
    const generation = model.chat(question, endlessAnswer);
    for await (const _part of generation) break;
    await t.rejects(generation.result, { code: 'ABORTED' });
    t.equal((await model.chat(question).result).text, answer);
  });

  await t.test('wrong requests are refused by name', async (t) => {
    await t.rejects(model.chat([]).result, { code: 'REQUEST_INVALID', message: /messages/ });
    await t.rejects(model.chat(question, { maximumTokens: 0 }).result, { code: 'REQUEST_INVALID', message: /maximum/ });
    await t.rejects(model.chat(question, { temperature: -1 }).result, { code: 'REQUEST_INVALID', message: /temper/ });
    await t.rejects(model.generate('one two three '.repeat(3000)).result, {
      code: 'REQUEST_TOO_LONG',
      message: /context/,
    });
  });

  await t.test('what is unloaded is gone everywhere', async (t) => {
    const unloaded = new Promise((resolve) => cluster.on('instance-unloaded', resolve));
    await model.unload();
    await unloaded;
    await t.rejects(model.chat(question).result, { code: 'INSTANCE_NOT_FOUND' });
    t.same(await cluster.instances(), []);
  });

  await t.test('a program attaches to a running node and asks through it', async (t) => {
    const second = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
    // The node of the second stage is not the head: requests pass through it.
    const nodeId = second.plan.stages[1]?.members[0]?.nodeId;
    const node = cluster.processes.find((one) => one.nodeId === nodeId);
    await using attached = await attach({ home: node?.home });
    t.equal(attached.nodeId, nodeId);
    t.equal((await attached.nodes()).filter(({ state }) => state === 'connected').length, 2);
    const model = await attached.model(second.instance);
    t.equal((await model.chat(question).result).text, answer);
    const events: string[] = [];
    attached.on('*', ({ kind }) => events.push(kind));
    const third = await attached.load('shoal-tiny-chat');
    t.equal((await third.chat(question).result).text, answer);
    await third.unload();
    t.ok(events.includes('instance-loaded'));
    const { text, outcome, program } = await attached.explain('shoal-tiny-chat', { plan: 'tp=2' });
    t.ok('plan' in outcome);
    t.match(text, /node-1/);
    t.match(program(), /layers/);
  });
});

t.test('two clusters in one process know nothing of each other', async (t) => {
  const homes = t.testdir({ one: {}, two: {} });
  const [one, two] = await Promise.all(['one', 'two'].map((name) => createCluster({ home: `${homes}/${name}`, name })));
  if (!one || !two) return;
  t.not(one.nodeId, two.nodeId);
  const [first, second] = await Promise.all([one.load('shoal-tiny-chat'), two.load('shoal-tiny-chat')]);
  t.equal((await first.chat(question).result).text, answer);
  await one.close();
  await t.rejects(one.nodes(), { code: 'CLUSTER_CLOSED' });
  t.equal((await second.chat(question).result).text, answer, 'the second goes on without the first');
  t.same(
    (await two.nodes()).map(({ state }) => state),
    ['self'],
  );
  await two.close();
});

t.test('errors of loading say what is wrong', async (t) => {
  const homes = t.testdir({ alone: {}, empty: {} });
  await using cluster = await createCluster({ home: `${homes}/alone`, name: 'alone' });
  await t.rejects(cluster.load('no-such-model'), { code: 'MODEL_NOT_FOUND', message: /no-such-model/ });
  await t.rejects(cluster.load('shoal-tiny-chat', { plan: 'pp=9' }), { code: 'PLAN_SHAPE_IMPOSSIBLE' });
  await t.rejects(cluster.load('shoal-tiny-chat', { plan: 'nonsense' }), { code: 'ARGUMENT_INVALID' });
  await t.rejects(attach({ home: `${homes}/empty` }), { code: 'NODE_NOT_RUNNING' });
});
