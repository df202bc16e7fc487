// The Vercel AI SDK with models of a cluster, as its users call it.
import { type LanguageModelStreamPart, type PromptMessage } from 'shoal';
import { languageModel } from 'shoal/internal/language-model/language-model.js';
import t from 'tap';
import { answer, apiNode, modelName, question } from '../support/api-cluster.js';
import { importClient, missingClient } from '../support/clients.js';

t.test('generateText, streamText and aborts', { skip: missingClient('ai') }, async (t) => {
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

t.test('calls, thoughts and the way of a conversation', async (t) => {
  // A loaded model that says what is given: the parts come as the worker makes them.
  let asked: unknown[] = [];
  const parts = [
    { text: '', choice: 0, reasoning: 'Hm' },
    { text: 'Let me ', choice: 0 },
    { text: 'look.', choice: 0, toolCalls: [{ index: 0, id: 'a', name: 'add', arguments: '' }] },
    { text: '', choice: 0, toolCalls: [{ index: 0, arguments: '{"x":' }] },
    {
      text: '',
      choice: 0,
      toolCalls: [
        { index: 0, arguments: '1}' },
        { index: 1, id: 'b', name: 'now', arguments: '{}' },
      ],
    },
  ];
  const calls = [
    { id: 'a', name: 'add', arguments: '{"x":1}' },
    { id: 'b', name: 'now', arguments: '{}' },
  ];
  const result = {
    text: 'Let me look.',
    reasoning: 'Hm',
    toolCalls: calls,
    finishReason: 'stop',
    usage: { promptTokens: 3, generatedTokens: 5 },
  };
  const said = { result: Promise.resolve(result), cancel: () => {}, [Symbol.asyncIterator]: () => parts.values() };
  const chat = (...call: unknown[]) => {
    asked = call;
    return said;
  };
  const model = languageModel('said', async () => ({ chat }) as never);

  const prompt: PromptMessage[] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'Add.' }] },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'Hm' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'add', input: { x: 1 } },
      ],
    },
    {
      role: 'tool',
      content: [{ type: 'tool-result', toolCallId: 'a', toolName: 'add', output: { type: 'json', value: [2] } }],
    },
  ];
  const tools = [{ type: 'function' as const, name: 'add', inputSchema: { type: 'object' } }];
  const whole = await model.doGenerate({
    prompt,
    tools,
    toolChoice: { type: 'tool', toolName: 'add' },
    reasoning: 'low',
  });
  t.same(asked, [
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Add.' },
      {
        role: 'assistant',
        content: '',
        reasoning: 'Hm',
        toolCalls: [{ id: 'a', name: 'add', arguments: '{"x":1}' }],
      },
      { role: 'tool', content: '[2]', toolCallId: 'a', name: 'add' },
    ],
    {
      tools: [{ name: 'add', parameters: { type: 'object' } }],
      toolChoice: { name: 'add' },
      templateVariables: { enable_thinking: true, reasoning_effort: 'low' },
    },
  ]);
  t.match(whole, {
    content: [
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'Let me look.' },
      { type: 'tool-call', toolCallId: 'a', toolName: 'add', input: '{"x":1}' },
      { type: 'tool-call', toolCallId: 'b', toolName: 'now', input: '{}' },
    ],
    finishReason: { unified: 'tool-calls', raw: 'stop' },
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 5 } },
  });

  const { stream } = await model.doStream({ prompt });
  const streamed: LanguageModelStreamPart[] = [];
  for await (const part of stream) streamed.push(part);
  t.match(streamed, [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', modelId: 'said' },
    { type: 'reasoning-start', id: '0' },
    { type: 'reasoning-delta', id: '0', delta: 'Hm' },
    { type: 'reasoning-end', id: '0' },
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: 'Let me ' },
    { type: 'text-delta', id: '1', delta: 'look.' },
    { type: 'text-end', id: '1' },
    { type: 'tool-input-start', id: 'a', toolName: 'add' },
    { type: 'tool-input-delta', id: 'a', delta: '{"x":' },
    { type: 'tool-input-delta', id: 'a', delta: '1}' },
    { type: 'tool-input-end', id: 'a' },
    { type: 'tool-call', toolCallId: 'a', toolName: 'add', input: '{"x":1}' },
    { type: 'tool-input-start', id: 'b', toolName: 'now' },
    { type: 'tool-input-delta', id: 'b', delta: '{}' },
    { type: 'tool-input-end', id: 'b' },
    { type: 'tool-call', toolCallId: 'b', toolName: 'now', input: '{}' },
    { type: 'finish', finishReason: { unified: 'tool-calls' } },
  ]);

  const odd = await model.doGenerate({
    prompt: [{ role: 'assistant', content: [{ type: 'file' }] }],
    tools: [{ type: 'provider', id: 'x.search', name: 'search' }],
  });
  t.same(
    odd.warnings.map(({ feature }) => feature),
    ['provider-defined tool search', 'prompt part file'],
  );
  const image = model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'file' }] }] });
  await t.rejects(image, { code: 'REQUEST_INVALID', message: /part of type file/ });
});
