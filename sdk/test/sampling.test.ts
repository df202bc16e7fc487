import t from 'tap';
import { answer, endlessAnswer, endlessContext, question, startLocalNodes } from './support/local.js';

/** Two members that each hold a half of the vocabulary: the sampler sees only candidates of the other half. */
t.test('sampling over a split vocabulary', async (t) => {
  await using cluster = await startLocalNodes(2);
  const model = await cluster.load('shoal-tiny-chat', {
    plan: 'tp=2',
    slotCount: 2,
    queueCapacity: 3,
    ...endlessContext,
  });
  const whole = await cluster.load('shoal-tiny-chat', { plan: 'pp=1' });

  await t.test('log-probabilities are those of the whole model', async (t) => {
    const options = { logProbabilities: 3, temperature: 0.5, topK: 1 };
    const parts: number[] = [];
    const generation = model.chat(question, options);
    for await (const { logProbability } of generation) if (logProbability) parts.push(logProbability.token);
    const result = await generation.result;
    t.equal(result.text, answer);
    t.same(parts, result.tokens);
    const [explained, expected] = [result, await whole.chat(question, options).result].map(
      ({ logProbabilities }) => logProbabilities ?? [],
    );
    t.equal(explained?.length, result.tokens.length);
    for (const [index, one] of (explained ?? []).entries()) {
      const other = expected?.[index];
      t.equal(one.token, result.tokens[index]);
      t.equal(one.alternatives.length, 3);
      const [likeliest, second] = one.alternatives;
      t.equal(likeliest?.token, one.token, 'the greedy token is the likeliest');
      t.equal(likeliest?.logProbability, one.logProbability);
      t.ok((second?.logProbability ?? 0) <= one.logProbability && one.logProbability <= 0);
      t.ok(Math.abs(one.logProbability - (other?.logProbability ?? 1)) < 1e-3);
    }
    t.equal(
      explained
        ?.slice(0, -1)
        .map(({ text }) => text)
        .join(''),
      answer,
      'tokens have their texts',
    );
    t.equal((await model.chat(question).result).logProbabilities, undefined);
  });

  await t.test('a bias bans a token or forces it', async (t) => {
    const plain = await model.chat(question).result;
    const first = plain.tokens[0] as number;
    const banned = await model.chat(question, { logitBias: { [first]: -100 }, maximumTokens: 5 }).result;
    t.notOk(banned.tokens.includes(first));
    const forced = await model.chat(question, { logitBias: { [first]: 100 }, maximumTokens: 5 }).result;
    t.same(forced.tokens, Array(5).fill(first));
    t.same(
      (await whole.chat(question, { logitBias: { [first]: -100 }, maximumTokens: 5 }).result).tokens,
      banned.tokens,
    );
  });

  await t.test('only allowed tokens come', async (t) => {
    const allowedTokens = (await model.chat(question).result).tokens.slice(0, 3);
    for (const options of [{}, { temperature: 2, seed: 1 }, { temperature: 2, topK: 2, seed: 1 }]) {
      const { tokens } = await model.chat(question, { ...options, allowedTokens, maximumTokens: 12 }).result;
      t.equal(tokens.length, 12);
      t.ok(tokens.every((token) => allowedTokens.includes(token)));
    }
    const wrong = { kind: 'no-such-kind', specification: '' };
    await t.rejects(model.chat(question, { constraint: wrong }).result, {
      code: 'REQUEST_INVALID',
      message: /allowed-tokens/,
    });
    await t.rejects(model.chat(question, { allowedTokens: [] }).result, { code: 'REQUEST_INVALID', message: /empty/ });
  });

  await t.test('penalties make an answer repeat itself less', async (t) => {
    const repeats = (tokens: readonly number[]) => tokens.length - new Set(tokens).size;
    const length = { maximumTokens: 30, ignoreEndOfText: true };
    const plain = await model.chat(question, length).result;
    // The model is sure of itself: presence alone does not change its mind.
    for (const penalty of [{ presencePenalty: 2, frequencyPenalty: 2 }, { repetitionPenalty: 5 }]) {
      const options = { ...penalty, ...length };
      const { tokens } = await model.chat(question, options).result;
      t.ok(repeats(tokens) < repeats(plain.tokens), `${JSON.stringify(penalty)}: ${repeats(tokens)} repeats`);
      t.same((await whole.chat(question, options).result).tokens, tokens, 'as the whole model');
    }
  });

  await t.test('several answers come from one prompt', async (t) => {
    const options = { choices: 3, temperature: 4, seed: 5, maximumTokens: 12 };
    const generation = model.chat(question, options);
    const texts = ['', '', ''];
    for await (const { text, choice } of generation) texts[choice] += text;
    const result = await generation.result;
    t.same(
      result.choices.map(({ text }) => text),
      texts,
    );
    t.equal(result.text, texts[0]);
    t.equal(new Set(texts).size, 3, `they differ: ${texts.join(' | ')}`);
    t.equal(
      result.usage.generatedTokens,
      result.choices.reduce((sum, { tokens }) => sum + tokens.length, 0),
    );
    const again = await model.chat(question, options).result;
    t.same(again.choices, result.choices);
    const alone = await model.chat(question, { ...options, choices: 1 }).result;
    t.equal(alone.text, result.text, 'the first of them is the answer that a single one would be');
  });

  await t.test('stop strings and tokens end one answer and not the others', async (t) => {
    const plain = await model.chat(question).result;
    t.equal(typeof plain.stoppedBy, 'number');
    t.equal(plain.stoppedBy, plain.tokens.at(-1));
    const stopped = await model.chat(question, { stop: ['never', '0 = 4'] }).result;
    t.match(stopped, { text: '12 + 3', finishReason: 'stop', stoppedBy: '0 = 4' });
    t.equal(stopped.usage.generatedTokens, stopped.tokens.length);
    t.ok(stopped.tokens.length < plain.tokens.length);
    const stopToken = plain.tokens[4] as number;
    const byToken = await model.chat(question, { stopTokens: [stopToken] }).result;
    t.equal(byToken.stoppedBy, stopToken);
    t.equal(byToken.tokens.at(-1), stopToken);
    t.ok(answer.startsWith(byToken.text));
    // Sampled answers that meet the string at different places, or never.
    const several = await model.chat(question, { choices: 4, temperature: 1, seed: 2, stop: ['3'] }).result;
    for (const { text, stoppedBy, finishReason } of several.choices) {
      t.notMatch(text, /3/);
      if (stoppedBy === '3') t.equal(finishReason, 'stop');
    }
  });

  await t.test('a full queue refuses with its numbers, and a request can limit its wait', async (t) => {
    const busy = [1, 2].map(() => model.chat(question, endlessAnswer));
    const begun = busy.map((generation) => generation[Symbol.asyncIterator]());
    await Promise.all(begun.map((iterator) => iterator.next()));
    await t.rejects(model.chat(question, { queueTimeoutMilliseconds: 1 }).result, {
      code: 'REQUEST_QUEUE_TIMEOUT',
      message: /2 slots/,
    });
    const waiting = [1, 2, 3].map(() => model.chat(question, { maximumTokens: 1 }));
    await t.rejects(model.chat(question, { maximumTokens: 1, choices: 4 }).result, {
      code: 'REQUEST_QUEUE_FULL',
      message: /2 of 2 slots are in use/,
    });
    await t.rejects(model.chat(question, { choices: 6 }).result, { code: 'REQUEST_INVALID', message: /choices/ });
    for (const generation of busy) generation.cancel();
    const answers = await Promise.all(waiting.map(({ result }) => result));
    t.ok(answers.every(({ tokens }) => tokens.length === 1));
    await Promise.allSettled(busy.map(({ result }) => result));
  });

  await t.test('what is out of range is refused by name', async (t) => {
    const wrong = [
      [{ presencePenalty: 3 }, /presencePenalty/],
      [{ repetitionPenalty: -1 }, /repetitionPenalty/],
      [{ logitBias: { 7: 1000 } }, /logitBias of token 7/],
      [{ logitBias: { 99999: 1 } }, /token 99999/],
      [{ logProbabilities: 50 }, /logProbabilities/],
      [{ choices: 0 }, /choices/],
      [{ stop: [''] }, /stop/],
    ] as const;
    for (const [options, message] of wrong) {
      await t.rejects(model.chat(question, options).result, { code: 'REQUEST_INVALID', message });
    }
    t.equal((await model.chat(question).result).text, answer, 'and the model goes on');
  });
});
