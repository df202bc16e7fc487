// Answers that fit a schema whatever the model would like to say, and calls that are made by force.
import { Ajv } from 'ajv';
import t from 'tap';
import { apiNode, modelName, question } from '../support/api-cluster.js';

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
