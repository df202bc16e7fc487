// From the tokens of an answer to text, thoughts and calls: what the parser needs to see of special tokens, and no more.
import { Answer } from '@shoal/core/internal/worker/answer.js';
import { TextSide } from '@shoal/core/internal/worker/text-side.js';
import t from 'tap';
import { byteLevelTokenizer, writeModel } from '../model/tokenizers.js';

const tools = [{ name: 'weather', parameters: { type: 'object' } }];
const messages = [{ role: 'user', content: 'How is it?' }];

/** The byte-level tokenizer, with a marker of calls that is a special token, as Mistral's is. */
function markedTokenizer(): object {
  const plain = byteLevelTokenizer() as { added_tokens: { id: number; content: string }[] };
  const added = plain.added_tokens.map((token) => (token.id === 302 ? { ...token, content: '[TOOL_CALLS]' } : token));
  return { ...plain, added_tokens: added };
}

async function readAnswer(side: TextSide, input: Parameters<TextSide['prompt']>[0], tokens: readonly number[]) {
  const { reading } = await side.prompt(input);
  const answer = new Answer(side, new Set([301]), [], reading);
  const parts = tokens.map((token, index) => answer.token({ kind: 'token', requestId: 1, choice: 0, token, index }));
  const numbers = { promptTokens: 1, generatedTokens: tokens.length, prefillMicroseconds: 1, decodeMicroseconds: 1 };
  const end = answer.finished({ kind: 'request-finished', requestId: 1, choice: 0, reason: 'stop', ...numbers });
  const all = [...parts, end];
  return {
    text: all.map((part) => part?.text ?? '').join(''),
    reasoning: all.map((part) => part?.reasoning ?? '').join(''),
    calls: all.flatMap((part) => part?.toolCalls ?? []),
  };
}

t.test('a marker that is a special token makes a call, and other special tokens stay unseen', async (t) => {
  const template = '{% if tools %}[TOOL_CALLS]{{ tools | tojson }}{% endif %}{{ messages[0].content }}';
  const model = { 'tokenizer.json': markedTokenizer(), 'chat_template.jinja': template };
  const side = await TextSide.load({ directory: writeModel(t.testdir({}), model) });
  t.teardown(() => side.close());
  const bytes = (text: string) => [...Buffer.from(text)];
  const tokens = [...bytes('Yes.'), 302, ...bytes('[{"name": "weather", "arguments": {"city": "Ås"}}]'), 300, 301];
  const { text, calls } = await readAnswer(side, { kind: 'messages', messages, tools }, tokens);
  t.equal(text, 'Yes.');
  const [first] = calls;
  t.match(first?.id, /^[A-Za-z0-9]{9}$/);
  t.equal(first?.name, 'weather');
  t.equal(calls.map((part) => part.arguments).join(''), '{"city": "Ås"}');
  const asked = await readAnswer(side, { kind: 'messages', messages }, tokens);
  t.same(asked, { text: 'Yes.[{"name": "weather", "arguments": {"city": "Ås"}}]', reasoning: '', calls: [] });
});

t.test('a thought that the prompt begins', async (t) => {
  const template = '{{ messages[0].content }}{% if enable_thinking %}<think>\n{% endif %}';
  const model = { 'tokenizer.json': byteLevelTokenizer(), 'chat_template.jinja': template };
  const side = await TextSide.load({ directory: writeModel(t.testdir({}), model) });
  t.teardown(() => side.close());
  const tokens = [...Buffer.from('Hm.\n</think>\n\nFine.')];
  const thinking = { kind: 'messages' as const, messages, templateVariables: { enable_thinking: true } };
  t.same(await readAnswer(side, thinking, tokens), { text: 'Fine.', reasoning: 'Hm.', calls: [] });
  const not = await readAnswer(side, { kind: 'messages', messages }, [...Buffer.from('Fine. ')]);
  t.same(not, { text: 'Fine. ', reasoning: '', calls: [] });
});

t.test('tools are refused where the template has no place for them', async (t) => {
  const model = { 'tokenizer.json': byteLevelTokenizer(), 'chat_template.jinja': '{{ messages[0].content }}' };
  const side = await TextSide.load({ directory: writeModel(t.testdir({}), model) });
  t.teardown(() => side.close());
  await t.rejects(side.prompt({ kind: 'messages', messages, tools }), {
    code: 'REQUEST_INVALID',
    message: /no place for them/,
  });
});
