// Anthropic's and Ollama's own clients against the shipped model.
import t from 'tap';
import { answer, apiNode, modelName, question, until } from '../support/api-cluster.js';
import { importClient, missingClient, thrownBy } from '../support/clients.js';
import { toolModel, writeToolModel } from '../support/tool-model.js';

const inputSchema = {
  type: 'object',
  properties: { city: { enum: ['Oslo', 'Rome'] } },
  required: ['city'],
  additionalProperties: false,
};

/** What cannot end before it is left. */
const endless = { type: 'object', properties: { text: { type: 'string', minLength: 2000 } }, required: ['text'] };

t.test('@anthropic-ai/sdk', { skip: missingClient('@anthropic-ai/sdk') }, async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const anthropic = await importClient('@anthropic-ai/sdk');
  const client = new anthropic.Anthropic({ baseURL: node.url, apiKey: 'any', maxRetries: 0 });
  const request = { model: modelName, max_tokens: 64, messages: question };

  const message = await client.messages.create(request);
  t.match(message, {
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: answer }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 14, output_tokens: 12 },
  });
  t.match(await client.messages.create({ ...request, max_tokens: 3 }), { stop_reason: 'max_tokens' });
  t.match(await client.messages.create({ ...request, stop_sequences: ['= 42'] }), {
    content: [{ text: '12 + 30 ' }],
    stop_reason: 'stop_sequence',
    stop_sequence: '= 42',
  });

  const texts: string[] = [];
  const stream = client.messages.stream(request).on('text', (text: string) => texts.push(text));
  const final = await stream.finalMessage();
  t.equal(texts.join(''), answer);
  t.match(final, { content: [{ text: answer }], stop_reason: 'end_turn', usage: { output_tokens: 12 } });

  const system = [{ type: 'text', text: 'Be brief.' }];
  const { input_tokens: count } = await client.messages.countTokens({ model: modelName, system, messages: question });
  t.ok(count > 14, `${count} tokens with a system message`);
  t.match(await client.models.list(), { data: [{ type: 'model', id: modelName }, { id: toolModel }] });

  const tools = [{ name: 'weather', description: 'Says it.', input_schema: inputSchema }, { name: 'now' }];
  const forced = { ...request, model: toolModel, tools, tool_choice: { type: 'tool', name: 'weather' } };
  const called = await client.messages.create(forced);
  t.equal(called.stop_reason, 'tool_use');
  const use = called.content.at(-1);
  t.match(use, { type: 'tool_use', name: 'weather', input: { city: /^(Oslo|Rome)$/ } });
  const streamed = await client.messages.stream(forced).finalMessage();
  t.same(streamed.content.at(-1).input, use.input);
  const result = { type: 'tool_result', tool_use_id: use.id, content: [{ type: 'text', text: 'sunny' }] };
  const back = [...question, { role: 'assistant', content: called.content }, { role: 'user', content: [result] }];
  t.match(await client.messages.create({ ...forced, messages: back, tool_choice: { type: 'auto' }, max_tokens: 4 }), {
    stop_reason: /end_turn|max_tokens/,
  });

  t.ok((await thrownBy(client.messages.create({ ...request, model: 'none' }))) instanceof anthropic.NotFoundError);
  const wrong = await thrownBy(client.messages.create({ ...request, temperature: 9 }));
  t.ok(wrong instanceof anthropic.BadRequestError);
  t.match(wrong, { error: { error: { type: 'invalid_request_error', message: /temperature/ } }, requestID: /^req_/ });
  const image = [{ role: 'user', content: [{ type: 'image', source: {} }] }];
  t.match(await thrownBy(client.messages.create({ ...request, messages: image })), {
    status: 400,
    message: /read text/,
  });

  // A stream that is left when all of it has arrived never ends for this client under every Node.
  const output_config = { format: { type: 'json_schema', schema: endless } };
  const leaving = client.messages.stream({ ...request, max_tokens: 400, output_config });
  leaving.on('text', () => leaving.abort());
  t.ok((await thrownBy(leaving.finalMessage())) instanceof anthropic.APIUserAbortError);
  await until(async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
});

t.test('ollama', { skip: missingClient('ollama') }, async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const { Ollama } = await importClient('ollama');
  const client = new Ollama({ host: node.url });
  const request = { model: modelName, messages: question };

  t.match(await client.chat({ ...request, model: `${modelName}:latest` }), {
    model: `${modelName}:latest`,
    message: { role: 'assistant', content: answer },
    done: true,
    done_reason: 'stop',
    prompt_eval_count: 14,
    eval_count: 12,
  });
  let text = '';
  let last: { done?: boolean; eval_count?: number } = {};
  for await (const part of await client.chat({ ...request, stream: true })) {
    text += part.message.content;
    last = part;
  }
  t.equal(text, answer);
  t.match(last, { done: true, eval_count: 12 });
  const short = await client.chat({ ...request, options: { num_predict: 3, num_ctx: 128 } });
  t.match(short, { message: { content: '12 +' }, done_reason: 'length' });

  t.match(await client.generate({ model: modelName, prompt: question[0]?.content }), { response: answer, done: true });
  const raw = await client.generate({
    model: modelName,
    prompt: 'The capital',
    raw: true,
    options: { num_predict: 4 },
  });
  t.match(raw, { prompt_eval_count: /^[1-4]$/, done_reason: 'length' });
  const format = { type: 'object', properties: { sum: { type: 'integer' } }, required: ['sum'] };
  const bounded = { ...format, additionalProperties: false };
  const fitting = await client.chat({ ...request, format: bounded });
  if (fitting.done_reason === 'stop') t.ok(Number.isInteger(JSON.parse(fitting.message.content).sum));

  t.match(await client.list(), { models: [{ name: modelName }, { name: toolModel }] });
  const { models: listed } = await client.list();
  t.match(listed[0], { details: { family: 'llama', parameter_size: '3.2M', quantization_level: 'BF16' } });
  const { models: running } = await client.ps();
  t.match(running, [{ name: modelName, context_length: 512, size_vram: 0 }, {}]);
  const members = (await node.cluster.instances()).find(({ instance }) => instance === loaded.instance)?.plan.stages[0]
    ?.members;
  t.equal(running[0].size, (members?.[0]?.weightBytes ?? 0) + (members?.[0]?.stateBytes ?? 0), 'what it takes');
  t.same((await client.show({ model: modelName })).capabilities, ['completion']);
  t.match(await client.show({ model: toolModel }), {
    capabilities: ['completion', 'tools'],
    model_info: { 'general.architecture': 'llama', 'llama.context_length': 512, 'llama.block_count': 6 },
  });
  t.match(await client.version(), { version: /^\d+\.\d+\.\d+$/ });
  t.match(await client.chat({ model: modelName, messages: [] }), { done_reason: 'load' });
  const unload = { method: 'POST', body: JSON.stringify({ model: modelName, keep_alive: 0 }) };
  const kept = await fetch(`${node.url}/api/generate`, { ...unload, headers: { 'content-type': 'application/json' } });
  t.match(kept.headers.get('x-shoal-warning'), /keep_alive/, 'it stays, which is said');

  const called = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'now', arguments: { a: 1 } } }] };
  const messages = [...question, called, { role: 'tool', content: 'noon', tool_name: 'now' }];
  const tools = [{ type: 'function', function: { name: 'now', description: '', parameters: inputSchema } }];
  t.match(await client.chat({ model: toolModel, messages, tools, options: { num_predict: 4 } }), { done: true });

  t.match(await thrownBy(client.chat({ ...request, model: 'none' })), { status_code: 404, error: /not loaded/ });
  t.match(await thrownBy(client.chat({ ...request, format: 'xml' })), { status_code: 400, error: /xml/ });

  const long = { ...request, stream: true, format: endless, options: { num_predict: 480 } };
  const leaving = await client.chat(long);
  const left = (async () => {
    for await (const _part of leaving) leaving.abort();
  })();
  t.match(await thrownBy(left), { name: 'AbortError' });
  await until(async () => (await loaded.statistics())[0]?.statistics.residentSlots === 0, 'a free slot');
});
