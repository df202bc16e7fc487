import { join } from 'node:path';
import { ChatTemplate, type RenderOptions } from '@shoal/core';
import t from 'tap';
import { writeModel } from './tokenizers.js';

const conversation = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'What is 1 + 1?' },
];

/** In the manner of most models: markers around each turn, the assistant's begun at the end. */
const template =
  "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";
const rendered = '<s><|system|>Be brief.<|user|>What is 1 + 1?<|assistant|>';

t.test('a template is found wherever models keep it', async (t) => {
  const folder = t.testdir({});
  const cases: Record<string, Record<string, object | string>> = {
    text: { 'tokenizer_config.json': { chat_template: template } },
    list: {
      'tokenizer_config.json': {
        chat_template: [
          { name: 'tool_use', template: 'wrong' },
          { name: 'default', template },
        ],
      },
    },
    file: { 'chat_template.jinja': template, 'tokenizer_config.json': { chat_template: 'wrong' } },
  };
  for (const [name, files] of Object.entries(cases)) {
    const loaded = await ChatTemplate.load(writeModel(join(folder, name), files), { bos_token: '<s>' });
    t.equal(loaded?.render(conversation), rendered, name);
  }
  t.equal(await ChatTemplate.load(writeModel(join(folder, 'none'), {}), {}), undefined);
});

t.test("the assistant's turn is begun only when asked", async (t) => {
  const folder = writeModel(t.testdir({}), { 'chat_template.jinja': template });
  const loaded = await ChatTemplate.load(folder, { bos_token: '<s>' });
  t.equal(loaded?.render(conversation, { addGenerationPrompt: false }), rendered.replace('<|assistant|>', ''));
});

t.test('a template that fails is a coded error with its own words', async (t) => {
  const folder = t.testdir({});
  const broken = writeModel(join(folder, 'broken'), { 'chat_template.jinja': '{% for x in %}' });
  await t.rejects(ChatTemplate.load(broken, {}), { code: 'MODEL_TEMPLATE_INVALID', message: /cannot be parsed/ });
  const strict = writeModel(join(folder, 'strict'), {
    'chat_template.jinja':
      "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turns') }}{% endif %}",
  });
  const loaded = await ChatTemplate.load(strict, {});
  t.throws(() => loaded?.render(conversation), { code: 'MODEL_TEMPLATE_INVALID', message: /no system turns/ });
});

t.test('templates that take too much are refused', async (t) => {
  const folder = t.testdir({});
  const loop = (count: number, body: string) => `{% for a in range(${count}) %}${body}{% endfor %}`;
  const cases: Record<string, readonly [string, RegExp]> = {
    loops: [loop(100_000, loop(100_000, 'x')), /more than \d+ steps/],
    'an absurd range': ['{{ range(1000000000)|length }}', /range of 1000000000/],
    'a range without end': ['{{ range(0, 10, 0)|length }}', /range of Infinity/],
    'a text that doubles': [
      `{% set n = namespace(s='ab') %}${loop(60, '{% set n.s = n.s + n.s %}')}`,
      /makes a text of \d+ characters/,
    ],
    'a list that doubles': [
      `{% set n = namespace(s=[1, 2]) %}${loop(60, '{% set n.s = n.s + n.s %}')}`,
      /makes a list of \d+ values/,
    ],
    indentation: ["{{ 'a'|indent(2000000000) }}", /Invalid string length/],
    nesting: [`{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, /cannot be parsed/],
    'a large file': [' '.repeat(1024 * 1024 + 1), /the limit is/],
  };
  for (const [name, [source, message]] of Object.entries(cases)) {
    const model = writeModel(join(folder, name), { 'chat_template.jinja': source });
    const rendered = ChatTemplate.load(model, {}).then((loaded) => loaded?.render(conversation));
    await t.rejects(rendered, { code: 'MODEL_TEMPLATE_INVALID', message }, name);
  }
});

t.test('long conversations are far from the limits', async (t) => {
  const source =
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('order') }}{% endif %}" +
    "{{ '<|' ~ m.role ~ '|>' ~ (m.content | trim) }}{% if messages[loop.index0 - 1].role == 'x' %}x{% endif %}{% endfor %}";
  const loaded = await ChatTemplate.load(writeModel(t.testdir({}), { 'chat_template.jinja': source }), {});
  const long = Array.from({ length: 2000 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: 'word '.repeat(200),
  }));
  t.equal(loaded?.render(long).length, 2000 * 999 + 1000 * ('<|user|>'.length + '<|assistant|>'.length));
});

t.test('templates get what transformers gives them', async (t) => {
  const folder = t.testdir({});
  const render = async (source: string, options: RenderOptions = {}) => {
    const model = writeModel(join(folder, String(count++)), { 'chat_template.jinja': source });
    return (await ChatTemplate.load(model, { eos_token: '</s>' }))?.render(conversation, options);
  };
  let count = 0;
  const now = () => new Date(2026, 6, 5, 9, 8, 7);
  t.equal(
    await render("{{ strftime_now('%d %b %Y, %A %-d %B %y %H:%M:%S %I %p %%') }}", { now }),
    '05 Jul 2026, Sunday 5 July 26 09:08:07 09 AM %',
  );
  t.equal(await render('{{ tools is none }} {{ documents is none }} {{ date_string is defined }}'), 'true true false');
  t.equal(await render('{{ tools | length }} {{ tools[0].function.name }}', { tools: [{ name: 'add' }] }), '1 add');
  t.equal(await render('{{ date_string }}{{ eos_token }}', { variables: { date_string: 'today' } }), 'today</s>');
  t.equal(
    await render('{% for m in messages if loop is defined or true %}\n{{ m.role }}\n{% endfor %}'),
    'system\nuser\n',
  );
  const config = {
    chat_template: [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'with {{ tools[0].function.name }}' },
    ],
  };
  const named = await ChatTemplate.load(writeModel(join(folder, 'named'), { 'tokenizer_config.json': config }), {});
  t.equal(named?.render(conversation), 'plain');
  t.equal(named?.render(conversation, { tools: [{ name: 'add' }] }), 'with add');
});

t.test('calls, their answers and thoughts reach the template as it wants them', async (t) => {
  const folder = t.testdir({});
  const turns = [
    { role: 'user', content: 'Add.' },
    {
      role: 'assistant',
      content: '',
      reasoning: 'Hm.',
      toolCalls: [{ id: 'abc123def', name: 'add', arguments: '{"a": 1.5, "b": "ü"}' }],
    },
    { role: 'tool', content: '3', toolCallId: 'abc123def', name: 'add' },
  ];
  const render = async (name: string, source: string) => {
    const model = writeModel(join(folder, name), { 'chat_template.jinja': source });
    return (await ChatTemplate.load(model, {}))?.render(turns);
  };
  const calls = (expression: string) =>
    '{% for m in messages %}{% if m.tool_calls %}{% for c in m.tool_calls %}' +
    `{{ c.id }} {{ c.function.name }} ${expression}{% endfor %} {{ m.reasoning_content }} {{ m.content is none }}` +
    '{% elif m.role == "tool" %} {{ m.tool_call_id }} {{ m.name }} {{ m.content }}{% endif %}{% endfor %}';
  const rest = ' Hm. true abc123def add 3';
  t.equal(
    await render('object', calls('{{ c.function.arguments | tojson }}')),
    `abc123def add {"a": 1.5, "b": "ü"}${rest}`,
    'a template that writes an object',
  );
  t.equal(
    await render('text', calls("{{ 'x' + c.function.arguments }}")),
    `abc123def add x{"a": 1.5, "b": "ü"}${rest}`,
    'a template that joins texts, as of DeepSeek',
  );
});
