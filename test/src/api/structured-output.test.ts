// Answers that fit a schema whatever the model would like to say, and calls that are made by force.
import { Ajv } from 'ajv';
import t from 'tap';
import { apiNode, modelName, question } from '../support/api-cluster.js';
import { importClient, missingClient } from '../support/clients.js';
import { writeToolModel } from '../support/tool-model.js';

/** A small generator: each number gives another schema, the same in every run. */
function randomSchemas(seed: number) {
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % limit;
  };
  const words = ['a', 'name', 'city', 'Größe', 'is ready', '"quoted"', 'x_1'];
  const make = (depth: number): Record<string, unknown> => {
    switch (below(depth > 0 ? 9 : 6)) {
      case 0:
        return { type: 'string', maxLength: 1 + below(8) };
      case 1:
        return { type: 'integer', minimum: below(5), maximum: 5 + below(100) };
      case 2:
        return { type: 'boolean' };
      case 3:
        return { enum: [words[below(words.length)], below(10), null] };
      case 4:
        return { const: words[below(words.length)] };
      case 5:
        return { type: 'string', pattern: ['^[a-c]{2,4}$', '^\\d{3}$', '^(yes|no)$'][below(3)] };
      case 6:
        return { type: 'array', items: make(depth - 1), minItems: below(2), maxItems: 1 + below(3) };
      case 7:
        return { anyOf: [make(depth - 1), { type: 'null' }] };
      default: {
        const names = words.filter(() => below(2) === 0);
        const properties = Object.fromEntries(names.map((name) => [name, make(depth - 1)]));
        const required = names.filter(() => below(2) === 0);
        return { type: 'object', properties, required, additionalProperties: false };
      }
    }
  };
  return () => ({ type: 'object', properties: { value: make(2) }, required: ['value'], additionalProperties: false });
}

const schemaCount = Number(process.env.SHOAL_SCHEMAS ?? 40);
/** Other schemas for each number, so that many can be tried in several runs. */
const schemaSeed = Number(process.env.SHOAL_SCHEMA_SEED ?? 11);

t.test('answers fit random schemas, or say that they were cut', async (t) => {
  const node = await apiNode({}, { apis: false });
  t.teardown(() => node.close());
  const model = await node.cluster.load(modelName);
  const ajv = new Ajv({ strict: false });
  const next = randomSchemas(schemaSeed);
  let ended = 0;
  const ask = async (number: number) => {
    const schema = next();
    const constraint = { kind: 'json-schema', specification: JSON.stringify(schema) };
    const options = { constraint, temperature: 1, seed: number, maximumTokens: 200 };
    const { text, finishReason } = await model.chat([{ role: 'user', content: `Say ${number}.` }], options).result;
    if (finishReason !== 'stop') return;
    ended += 1;
    const validate = ajv.compile(schema);
    if (!validate(JSON.parse(text))) t.fail(`${JSON.stringify(schema)} got ${text}`);
  };
  for (let number = 0; number < schemaCount; number += 4) {
    await Promise.all([0, 1, 2, 3].map((more) => ask(number + more)));
  }
  t.ok(ended > schemaCount / 2, `${ended} of ${schemaCount} ended by themselves`);

  const matching = { constraint: { kind: 'regex', specification: '(red|green|blue)!' } };
  t.match((await model.chat(question, matching).result).text, /^(red|green|blue)!$/);
  const grammar = { constraint: { kind: 'lark', specification: 'start: "<" /[a-z]{3}/ ">"' } };
  t.match((await model.generate('What', grammar).result).text, /^<[a-z]{3}>$/);
  const wrong = { constraint: { kind: 'json-schema', specification: '{"type": "thing"}' } };
  await t.rejects(model.chat(question, wrong).result, { code: 'REQUEST_INVALID', message: /json-schema.*thing/s });
});

t.test('the model over two members keeps to the same schema', async (t) => {
  const clusterKey = 'cd'.repeat(32);
  const first = await apiNode({}, { apis: false, clusterKey });
  t.teardown(() => first.close());
  const second = await apiNode({}, { apis: false, clusterKey, peers: first.cluster.addresses });
  t.teardown(() => second.close());
  const model = await second.cluster.load(modelName, { plan: 'tp=2' });
  const schema = { type: 'array', items: { enum: ['one', 'two'] }, minItems: 2, maxItems: 2 };
  const constraint = { kind: 'json-schema', specification: JSON.stringify(schema) };
  const { text } = await model.chat(question, { constraint, temperature: 1, seed: 3 }).result;
  t.match(text, /^\[\s*"(one|two)",\s*"(one|two)"\s*\]\s*$/);
});

t.test('OpenAI’s client', { skip: missingClient('openai') }, async (t) => {
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

  const model = 'shoal-tool-chat';
  const parameters = {
    type: 'object',
    properties: { city: { enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 1, maximum: 3 } },
    required: ['city', 'days'],
    additionalProperties: false,
  };
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

t.test('generateObject and tools of the AI SDK', { skip: missingClient('ai') }, async (t) => {
  const ai = await importClient('ai');
  const node = await apiNode({}, { apis: false });
  t.teardown(() => node.close());
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const model = node.cluster.languageModel('shoal-tool-chat');
  const schema = ai.jsonSchema({
    type: 'object',
    properties: { sum: { type: 'integer', minimum: 0, maximum: 99 } },
    required: ['sum'],
    additionalProperties: false,
  });
  const { object } = await ai.generateObject({ model, schema, prompt: 'What is 12 plus 30?' });
  t.ok(Number.isInteger(object.sum));

  const asked: unknown[] = [];
  const add = ai.tool({
    inputSchema: ai.jsonSchema({
      type: 'object',
      properties: { a: { type: 'integer', maximum: 99 } },
      required: ['a'],
      additionalProperties: false,
    }),
    execute: (input: unknown) => {
      asked.push(input);
      return { sum: 42 };
    },
  });
  const result = await ai.generateText({
    model,
    prompt: 'Add.',
    tools: { add },
    toolChoice: { type: 'tool', toolName: 'add' },
  });
  t.equal(result.finishReason, 'tool-calls');
  t.match(result.toolCalls, [{ toolName: 'add' }]);
  t.equal(asked.length, 1, 'the tool ran with the arguments');
  t.match(result.toolResults, [{ output: { sum: 42 } }]);
});
