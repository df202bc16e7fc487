// Schemas and calls with OpenAI's own client. Run by clients.test.ts, under a Node that the client takes.
import t from 'tap';
import { apiNode, modelName, question } from '../../support/api-cluster.js';
import { importClient } from '../../support/clients.js';
import { weatherParameters as parameters, toolModel, writeToolModel } from '../../support/tool-model.js';

t.test('OpenAI’s client', async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const { OpenAI, BadRequestError } = await importClient('openai');
  const client = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'any', maxRetries: 0 });

  const schema = { type: 'object', properties: { sum: { type: 'integer', maximum: 99 } }, required: ['sum'] };
  const format = (more: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'sum', ...more } },
  });
  const strict = { schema: { ...schema, additionalProperties: false }, strict: true };
  const answered = await client.chat.completions.create({ model: modelName, messages: question, ...format(strict) });
  t.ok(Number.isInteger(JSON.parse(answered.choices[0].message.content).sum));
  const any = { response_format: { type: 'json_object' }, max_tokens: 60, temperature: 1.2, seed: 4 };
  const object = (await client.chat.completions.create({ model: modelName, messages: question, ...any })).choices[0];
  if (object.finish_reason === 'stop') t.equal(typeof JSON.parse(object.message.content), 'object');
  else t.equal(object.finish_reason, 'length', 'a cut one says so');
  const refused = await client.chat.completions
    .create({ model: modelName, messages: question, ...format({ schema: { type: 'thing' } }) })
    .catch((thrown: unknown) => thrown);
  t.ok(refused instanceof BadRequestError);

  const model = toolModel;
  const tools = [
    { type: 'function', function: { name: 'weather', description: 'Says it.', parameters } },
    { type: 'function', function: { name: 'now' } },
  ];
  const named = { tools, tool_choice: { type: 'function', function: { name: 'weather' } } };
  const called = (await client.chat.completions.create({ model, messages: question, ...named })).choices[0];
  t.equal(called.finish_reason, 'tool_calls');
  t.equal(called.message.content, null);
  const [call] = called.message.tool_calls;
  t.match(call, { type: 'function', function: { name: 'weather' } });
  const given = JSON.parse(call.function.arguments);
  t.ok(['Oslo', 'Rome'].includes(given.city) && given.days >= 1 && given.days <= 3, call.function.arguments);

  const messages = [...question, called.message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }];
  const after = await client.chat.completions.create({ model, messages, tools, max_tokens: 8 });
  t.match(after.choices[0].finish_reason, /stop|length/, 'the way back');

  const parts: { name?: string; arguments?: string }[] = [];
  let reason: unknown;
  for await (const chunk of await client.chat.completions.create({
    model,
    messages: question,
    ...named,
    stream: true,
  })) {
    const [choice] = chunk.choices;
    for (const part of choice?.delta.tool_calls ?? []) parts.push(part.function);
    reason = choice?.finish_reason ?? reason;
  }
  t.equal(reason, 'tool_calls');
  t.equal(parts[0]?.name, 'weather');
  t.ok(parts.length > 2, 'in parts');
  t.same(JSON.parse(parts.map((part) => part.arguments).join('')), given);
});
