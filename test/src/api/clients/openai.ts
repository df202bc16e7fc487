// OpenAI's own client against the shipped model. Run by clients.test.ts, under a Node that the client takes.
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../../support/api-cluster.js';
import { importClient, thrownBy } from '../../support/clients.js';

t.test('openai of npm', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  const openai = await importClient('openai');
  const client = new openai.OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'any', maxRetries: 0 });
  const model = modelName;

  await t.test('chat', async (t) => {
    const completion = await client.chat.completions.create({ model, messages: question });
    t.match(completion, {
      object: 'chat.completion',
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }],
    });
    const { prompt_tokens: prompt, completion_tokens: generated, total_tokens: total } = completion.usage;
    t.equal(total, prompt + generated);
    t.equal(generated, 12);
  });

  await t.test('chat, streamed with usage', async (t) => {
    const options = { stream: true, stream_options: { include_usage: true }, n: 2 };
    const texts = ['', ''];
    const ends: unknown[] = [];
    let usage: unknown;
    for await (const chunk of await client.chat.completions.create({ model, messages: question, ...options })) {
      for (const { index, delta, finish_reason: reason } of chunk.choices) {
        texts[index] += delta.content ?? '';
        if (reason) ends.push(reason);
      }
      usage = chunk.usage ?? usage;
    }
    t.same(texts, [answer, answer]);
    t.same(ends, ['stop', 'stop']);
    t.match(usage, { completion_tokens: 24, prompt_tokens: 14 });
  });

  await t.test('ends and sampling', async (t) => {
    const chat = async (options: object) =>
      (await client.chat.completions.create({ model, messages: question, ...options })).choices[0];
    t.match(await chat({ max_completion_tokens: 3 }), { finish_reason: 'length', message: { content: '12 +' } });
    t.match(await chat({ stop: ['= 42'] }), { finish_reason: 'stop', message: { content: '12 + 30 ' } });
    const drawn = { temperature: 1.9, seed: 5, max_tokens: 12 };
    const first = await chat(drawn);
    t.equal((await chat(drawn)).message.content, first.message.content, 'the same seed');
    const [token] = (await loaded.chat(question).result).tokens;
    const banned = await chat({ logit_bias: { [String(token)]: -100 } });
    t.notMatch(banned.message.content, /^1/);
    const { logprobs } = await chat({ logprobs: true, top_logprobs: 2 });
    t.equal(
      logprobs.content
        .map((one: { token: string }) => one.token)
        .join('')
        .replace(/<\|end\|>$/, ''),
      answer,
    );
    t.ok(logprobs.content.every((one: { top_logprobs: unknown[] }) => one.top_logprobs.length === 2));
    t.same(logprobs.content[0].bytes, [49]);
  });

  await t.test('plain completions', async (t) => {
    const completion = await client.completions.create({ model, prompt: ['The capital', 'What'], max_tokens: 4, n: 2 });
    t.same(
      completion.choices.map(({ index }: { index: number }) => index),
      [0, 1, 2, 3],
    );
    t.equal(completion.choices[0].text, completion.choices[1].text, 'greedy');
    const { text, logprobs } = (
      await client.completions.create({ model, prompt: 'The capital', max_tokens: 4, logprobs: 1, echo: false })
    ).choices[0];
    t.equal(logprobs.tokens.join(''), text);
    t.same(logprobs.text_offset.slice(0, 2), [0, logprobs.tokens[0].length]);
    let streamed = '';
    for await (const chunk of await client.completions.create({
      model,
      prompt: 'The capital',
      max_tokens: 4,
      stream: true,
    }))
      streamed += chunk.choices[0]?.text ?? '';
    t.equal(streamed, text);
    const echoed = await client.completions.create({ model, prompt: 'The capital', max_tokens: 4, echo: true });
    t.equal(echoed.choices[0].text, `The capital${text}`);
  });

  await t.test('the list of models', async (t) => {
    const models = [];
    for await (const one of client.models.list()) models.push(one);
    t.match(models, [{ id: model, object: 'model', max_model_len: 512 }]);
    t.match(await client.models.retrieve(model), { id: model });
    t.ok((await thrownBy(client.models.retrieve('owner/none'))) instanceof openai.NotFoundError);
  });

  await t.test('errors are of the client’s own classes', async (t) => {
    const chat = (options: object) => client.chat.completions.create({ model, messages: question, ...options });
    const refused = async (options: object, kind: unknown, expected: object) => {
      const error = await thrownBy(chat(options));
      t.ok(error instanceof (kind as new () => Error), JSON.stringify(options).slice(0, 80));
      t.match(error, expected, JSON.stringify(options).slice(0, 80));
    };
    await refused({ model: 'gpt-none' }, openai.NotFoundError, {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    await refused({ messages: [] }, openai.BadRequestError, { param: 'messages' });
    await refused({ invented: 1 }, openai.BadRequestError, { param: 'invented', message: /Unrecognized request argu/ });
    await refused({ temperature: 3 }, openai.BadRequestError, { param: 'temperature' });
    await refused({ top_logprobs: 3 }, openai.BadRequestError, { param: 'top_logprobs' });
    await refused({ seed: -1 }, openai.BadRequestError, { param: 'seed' });
    await refused({ functions: [{}] }, openai.BadRequestError, { param: 'functions' });
    const tools = [{ type: 'function', function: { name: 'add' } }];
    await refused({ tools }, openai.BadRequestError, { param: 'tools', message: /no place for them/ });
    await refused({ tools, stream: true }, openai.BadRequestError, { param: 'tools' });
    const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }];
    await refused({ messages: image }, openai.BadRequestError, { param: 'messages.0.content.0' });
    const long = [{ role: 'user', content: 'many words '.repeat(600) }];
    await refused({ messages: long, stream: true }, openai.BadRequestError, { code: 'context_length_exceeded' });
  });

  await t.test('what has no effect is said', async (t) => {
    const { response } = await client.chat.completions
      .create({ model, messages: question, store: true, metadata: { a: 'b' } })
      .withResponse();
    t.equal(response.headers.get('x-shoal-warning'), "'metadata' has no effect here; 'store' has no effect here");
    t.match(response.headers.get('x-request-id'), /^req_/);
  });

  await t.test('who goes away frees the slot', async (t) => {
    const options = { messages: question, ignore_eos: true, max_tokens: 480, stream: true };
    const stream = await client.chat.completions.create({ model, ...options });
    let chunks = 0;
    for await (const _chunk of stream) {
      chunks += 1;
      if (chunks === 4) break;
    }
    t.equal(chunks, 4);
    await until(async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
    const controller = new AbortController();
    const whole = client.chat.completions.create({ model, ...options, stream: false }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    t.ok((await thrownBy(whole)) instanceof openai.APIUserAbortError);
    await until(async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
    t.equal((await client.chat.completions.create({ model, messages: question })).choices[0].message.content, answer);
  });
});

t.test('keys, limits and nodes without a share', async (t) => {
  const openai = await importClient('openai');
  const clusterKey = 'ab'.repeat(32);
  const holder = await apiNode({ keys: ['a-good-key'], maximumRequests: 1 }, { clusterKey });
  t.teardown(() => holder.close());
  const asking = await apiNode({}, { clusterKey, devices: false, peers: holder.cluster.addresses });
  t.teardown(() => asking.close());
  // Room for an answer that goes on for longer than the next request takes, on the busiest machine.
  await holder.cluster.load(modelName, { contextLength: 8192 });
  const clientOf = (url: string, apiKey: string) => new openai.OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  const request = { model: modelName, messages: question };

  const elsewhere = await clientOf(asking.url, 'any').chat.completions.create(request);
  t.equal(elsewhere.choices[0].message.content, answer, 'a node without a share passes the request on');

  t.ok(
    (await thrownBy(clientOf(holder.url, 'a-bad-key').chat.completions.create(request))) instanceof
      openai.AuthenticationError,
  );
  for (const key of ['a-good-key', clusterKey]) {
    const good = await clientOf(holder.url, key).chat.completions.create(request);
    t.equal(good.choices[0].message.content, answer);
  }
  t.equal((await fetch(`${holder.url}/healthz`)).status, 200);
  t.equal((await fetch(`${holder.url}/metrics`)).status, 401);

  const client = clientOf(holder.url, 'a-good-key');
  const running = await client.chat.completions.create({
    ...request,
    stream: true,
    ignore_eos: true,
    max_tokens: 8000,
  });
  t.ok((await thrownBy(client.chat.completions.create(request))) instanceof openai.RateLimitError);
  running.controller.abort();
});
