// The Vercel AI SDK with models of a cluster, as its users call it. Run by clients.test.ts, under a Node that it takes.
import t from 'tap';
import { answer, apiNode, modelName, question } from '../../support/api-cluster.js';
import { importClient } from '../../support/clients.js';
import { toolModel, writeToolModel } from '../../support/tool-model.js';

t.test('generateText, streamText and aborts', async (t) => {
  const ai = await importClient('ai');
  const node = await apiNode({}, { apis: false });
  t.teardown(() => node.close());
  const loaded = await node.cluster.load(modelName);
  const model = node.cluster.languageModel(modelName);
  const prompt = question[0]?.content;

  const { text, usage, finishReason, warnings } = await ai.generateText({ model, prompt, seed: 1 });
  t.equal(text, answer);
  t.match(usage, { inputTokens: 14, outputTokens: 12, totalTokens: 26 });
  t.equal(finishReason, 'stop');
  t.same(warnings, []);

  const short = await ai.generateText({ model, prompt, maxOutputTokens: 3, temperature: 0 });
  t.equal(short.finishReason, 'length');
  t.equal(short.text, '12 +');
  const stopped = await ai.generateText({ model, messages: question, stopSequences: ['= 42'] });
  t.equal(stopped.text, '12 + 30 ');
  const own = await ai.generateText({ model, prompt, providerOptions: { shoal: { stop: [' 30'] } } });
  t.equal(own.text, '12 +', 'options of ours');

  const stream = ai.streamText({ model, prompt });
  const parts: string[] = [];
  for await (const part of stream.textStream) parts.push(part);
  t.equal(parts.join(''), answer);
  t.ok(parts.length > 5, 'token by token');
  t.match(await stream.usage, { outputTokens: 12 });

  const controller = new AbortController();
  const long = { shoal: { ignoreEndOfText: true } };
  const aborted = ai.generateText({
    model,
    prompt,
    providerOptions: long,
    abortSignal: controller.signal,
    maxRetries: 0,
  });
  setTimeout(() => controller.abort(), 30);
  await t.rejects(aborted, { name: 'AbortError' });
  const left = new AbortController();
  const leaving = ai.streamText({ model, prompt, providerOptions: long, abortSignal: left.signal });
  for await (const part of leaving.fullStream) if (part.type === 'text-delta') left.abort();
  t.ok(left.signal.aborted, 'a stream that is aborted ends');
  t.equal((await loaded.chat(question).result).text, answer);

  const unknown = ai.generateText({ model: node.cluster.languageModel('none'), prompt, maxRetries: 0 });
  await t.rejects(unknown, { code: 'INSTANCE_NOT_FOUND' });
  const tools = { add: ai.tool({ inputSchema: ai.jsonSchema({ type: 'object' }) }) };
  await t.rejects(ai.generateText({ model, prompt, tools, maxRetries: 0 }), { code: 'REQUEST_INVALID' });
});

t.test('generateObject and tools of the AI SDK', async (t) => {
  const ai = await importClient('ai');
  const node = await apiNode({}, { apis: false });
  t.teardown(() => node.close());
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const model = node.cluster.languageModel(toolModel);
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

t.test('the same over HTTP, by the provider for OpenAI’s interface', async (t) => {
  const ai = await importClient('ai');
  const { createOpenAICompatible } = await importClient('@ai-sdk/openai-compatible');
  const node = await apiNode();
  t.teardown(() => node.close());
  await node.cluster.load(modelName);
  await node.cluster.load(writeToolModel(t.testdir({})), { contextLength: 512 });
  const baseURL = `${node.url}/v1`;
  const shoal = createOpenAICompatible({ name: 'shoal', baseURL, includeUsage: true, supportsStructuredOutputs: true });
  const prompt = question[0]?.content;

  const stream = ai.streamText({ model: shoal(modelName), prompt });
  let text = '';
  for await (const part of stream.textStream) text += part;
  t.equal(text, answer);
  t.match(await stream.usage, { inputTokens: 14, outputTokens: 12 });

  const sum = { type: 'integer', minimum: 0, maximum: 99 };
  const schema = ai.jsonSchema({ type: 'object', properties: { sum }, required: ['sum'], additionalProperties: false });
  const { output } = await ai.generateText({ model: shoal(modelName), prompt, output: ai.Output.object({ schema }) });
  t.ok(Number.isInteger(output.sum), JSON.stringify(output));

  const tools = { add: ai.tool({ inputSchema: schema, execute: ({ sum }: { sum: number }) => sum + 1 }) };
  const toolChoice = { type: 'tool', toolName: 'add' };
  const called = await ai.generateText({ model: shoal(toolModel), prompt, tools, toolChoice });
  t.equal(called.finishReason, 'tool-calls');
  t.equal(called.toolResults[0].output, called.toolCalls[0].input.sum + 1, 'the tool ran with the arguments');

  const unknown = ai.generateText({ model: shoal('none'), prompt, maxRetries: 0 });
  await t.rejects(unknown, { statusCode: 404, message: /none/ });
});
