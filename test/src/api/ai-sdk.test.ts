// The provider of the Vercel AI SDK, part by part; clients.test.ts calls it as the SDK's users do.
import { type LanguageModelStreamPart, type PromptMessage } from 'shoal';
import { languageModel } from 'shoal/internal/language-model/language-model.js';
import t from 'tap';

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
