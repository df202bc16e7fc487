// Calls and thoughts of every format by a model that would rather say something else: what is called fits its schema,
// whether the request wants a call or the model begins one, and what is said fits the request's schema behind a thought.
import { Ajv } from 'ajv';
import t from 'tap';
import { apiNode, question } from '../support/api-cluster.js';
import { type AnswerStyle, writeStyledModel } from '../support/tool-model.js';

const parameters = {
  type: 'object',
  properties: {
    city: { enum: ['Oslo', 'Rome'] },
    days: { type: 'integer', minimum: 1, maximum: 3 },
    exact: { type: 'boolean' },
    note: { type: 'string', maxLength: 6 },
  },
  required: ['city', 'days'],
  additionalProperties: false,
};
const ajv = new Ajv({ strict: false });
const fits = ajv.compile(parameters);
const tools = [{ name: 'weather', parameters }, { name: 'now' }];
const sum = { type: 'object', properties: { sum: { enum: [41, 42] } }, required: ['sum'], additionalProperties: false };
const constraint = { kind: 'json-schema', specification: JSON.stringify(sum) };

/** Each with the token by which a call begins, where it has one: that can be made to come. */
const styles: readonly (readonly [AnswerStyle, string?])[] = [
  ['tagged', '<tool_call>'],
  ['xml', '<tool_call>'],
  ['json'],
  ['pythonic'],
  ['mistral', '[TOOL_CALLS]'],
  ['named', '[TOOL_CALLS]'],
  ['harmony'],
];
const seeds = [1, 2];

t.test('calls and thoughts of every format', async (t) => {
  const node = await apiNode({}, { apis: false });
  t.teardown(() => node.close());
  const folder = t.testdir({});
  const load = async (style: AnswerStyle, options = {}) => {
    const { directory, tokens } = writeStyledModel(folder, style, options);
    const model = await node.cluster.load(directory, { contextLength: 512 });
    t.teardown(() => model.unload());
    return { model, token: (text: string) => tokens.get(text) ?? -1 };
  };
  const checkCalls = (calls: readonly { readonly name: string; readonly arguments: string }[], what: string) => {
    for (const { name, arguments: written } of calls) {
      const value: unknown = JSON.parse(written);
      if (name === 'weather') t.ok(fits(value), `${what}: ${written}`);
      else t.equal(typeof value, 'object', `${what}: ${name} ${written}`);
    }
  };

  for (const [style, beginning] of styles) {
    await t.test(style, async (t) => {
      const { model, token } = await load(style);
      for (const seed of seeds) {
        const sampling = { temperature: 1.2, seed, maximumTokens: 400 };
        const options = { tools, toolChoice: { name: 'weather' }, ...sampling };
        const { toolCalls = [], text, finishReason } = await model.chat(question, options).result;
        // Before the call, this format may think and speak, for as long as it likes.
        if (style === 'harmony' && finishReason === 'length') continue;
        t.equal(finishReason, 'stop');
        t.equal(toolCalls.length, 1, `${style}: ${text}`);
        t.match(toolCalls, [{ name: 'weather' }]);
        checkCalls(toolCalls, style);
      }
      if (beginning === undefined) return;
      const none = await model.chat(question, { tools, maximumTokens: 60 }).result;
      t.same(none.toolCalls ?? [], [], 'it may just answer');
      t.match(none.text, /12 \+ 30/);
      // The token comes wherever it may: many calls, but for who wants one.
      const logitBias = { [token(beginning)]: 100 };
      for (const seed of seeds) {
        const options = { tools, logitBias, temperature: 1.2, seed, maximumTokens: 400, parallelToolCalls: false };
        const { toolCalls = [], finishReason } = await model.chat(question, options).result;
        t.equal(toolCalls.length, 1, 'one call and no more');
        if (finishReason === 'stop') checkCalls(toolCalls, style);
      }
      for (const seed of seeds) {
        const options = { tools, logitBias, temperature: 1.2, seed, maximumTokens: 120 };
        const { toolCalls = [], finishReason } = await model.chat(question, options).result;
        t.ok(toolCalls.length > 0, 'it calls when it begins to');
        // The last of many may be cut.
        checkCalls(finishReason === 'length' ? toolCalls.slice(0, -1) : toolCalls, style);
      }
    });
  }

  await t.test('a schema behind a thought', async (t) => {
    for (const opensThought of [true, false]) {
      const { model, token } = await load('thinking', { opensThought });
      const end = token('</think>');
      // It would think for ever: its thought is ended for it.
      const thinking = { ...(opensThought ? {} : { [token('<think>')]: 60 }), [end]: 8 };
      for (const seed of seeds) {
        const options = { constraint, logitBias: thinking, temperature: 1, seed, maximumTokens: 300 };
        const { text, reasoning, finishReason } = await model.chat(question, options).result;
        if (finishReason === 'length') t.equal(text, '', 'cut in its thought');
        else t.ok([41, 42].includes((JSON.parse(text) as { sum: number }).sum), text);
        if (finishReason === 'length') t.ok(reasoning);
      }
      const free = { constraint, logitBias: { [end]: -100 }, maximumTokens: 40 };
      if (opensThought) {
        const endless = await model.chat(question, free).result;
        t.match(endless, { text: '', finishReason: 'length' });
        t.ok(endless.reasoning, 'it thinks');
      }
    }
  });
});
