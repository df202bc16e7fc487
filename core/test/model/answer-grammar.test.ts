// What an answer may be, as grammars. The texts that they take and refuse are tried by crates/grammar, with the same file:
// test/fixtures/answer-grammars.json. SHOAL_UPDATE_FIXTURES=1 writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answerFormatOf } from '@shoal/core/internal/model/answer/answer-format.js';
import { type AnswerWishes, answerConstraint } from '@shoal/core/internal/model/answer/answer-grammar.js';
import { harmonyMarkers } from '@shoal/core/internal/model/answer/harmony.js';
import t from 'tap';

const file = join(fileURLToPath(new URL('.', import.meta.url)), '../../../../test/fixtures/answer-grammars.json');

/** Ids from 257 on; the 256 before are bytes, and 256 ends an answer. */
const specialTokens = [
  ...['<tool_call>', '</tool_call>', '<think>', '</think>', '[TOOL_CALLS]', '[ARGS]', '[CALL_ID]', '<|python_tag|>'],
  ...harmonyMarkers,
];
const firstSpecial = 257;

const place = {
  type: 'object',
  properties: { city: { enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 1, maximum: 3 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const tools = [{ name: 'weather', parameters: place }, { name: 'now' }];
const weather = '{"city": "Oslo", "days": 2}';
const paris = '{"city": "Paris", "days": 2}';
const sum = {
  type: 'object',
  properties: { sum: { type: 'integer' } },
  required: ['sum'],
  additionalProperties: false,
};
const requested = { kind: 'json-schema', specification: JSON.stringify(sum) };
const odd = [{ name: 'odd', parameters: { type: 'object', properties: { a: { not: { type: 'string' } } } } }];
const options = {
  type: 'object',
  properties: {
    place: { type: 'string', maxLength: 3 },
    'in words': { type: 'boolean' },
    exact: { type: 'boolean' },
    unit: { enum: ['C', 'F', null] },
    hours: { type: ['array', 'null'], items: { type: 'integer' }, maxItems: 2 },
  },
  required: ['exact'],
};

const pattern = { type: 'string', pattern: '^[a-z]-\\d{2}/(x|yy)$' };
const anyText = { anyOf: [{ type: 'string' }, { type: 'null' }] };

const templates = {
  tagged: '{% if tools %}<tool_call>{% endif %}',
  thinking: '{% if tools %}<tool_call>{% endif %}<think></think>',
  xml: '{% if tools %}<tool_call>\n<function=name>\n<parameter=name>{% endif %}',
  json: '{% if tools %}ipython {"name": 1, "parameters": {}}{% endif %}',
  pythonic: '{% if tools %}[func_name1(params_name1=params_value1)]{% endif %}',
  mistral: '{% if tools %}{% endif %}[TOOL_CALLS]',
  named: '{% if tools %}{% endif %}[TOOL_CALLS][ARGS]',
  harmony: '<|start|>{{ tools }}<|channel|>',
};

interface Case extends Partial<Omit<AnswerWishes, 'format'>> {
  readonly name: string;
  readonly template: keyof typeof templates;
  /** Markers that are only text in this tokenizer. */
  readonly spelled?: readonly string[];
  readonly accepts?: readonly string[];
  readonly rejects?: readonly string[];
  /** Whether the grammar itself is refused. */
  readonly isRefused?: boolean;
}

const call = (input: string, name = 'weather') =>
  `<tool_call>\n{"name": "${name}", "arguments": ${input}}\n</tool_call>`;
const bare = (input: string, name = 'weather') => `{"name": "${name}", "parameters": ${input}}`;
const taggedTexts = {
  accepts: [
    '',
    'It is <fine>.\n',
    call(weather),
    `Let me look.\n${call(weather)}\n${call('{}', 'now')}\nDone.`,
    call(weather).replaceAll('\n', ''),
  ],
  rejects: [call(paris), call('{}', 'never'), `Let me ${call('[]')}`, '<tool_call>', call(weather).slice(0, -20)],
};
/** Arguments between tags, one after another. */
const xml = (name: string, written: Readonly<Record<string, string>> = {}) => {
  const parameters = Object.entries(written).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=${name}>\n${parameters.join('')}</function>\n</tool_call>`;
};
const xmlWeather = xml('weather', { city: 'Oslo', days: '2' });
const xmlWrong = [
  xml('weather', { city: 'Paris', days: '2' }),
  xml('weather', { city: 'Oslo' }),
  xml('weather', { city: 'Oslo', days: '4' }),
  xml('never'),
  xmlWeather.slice(0, -20),
];
const python = {
  accepts: ['[weather(city="Oslo", days=3)]', '[now(), weather(city="Rome", days=1)]', '[now(a=[1, {"b": true}])]'],
  rejects: ['[weather(city="Paris", days=1)]', '[weather(days=1)]', '[weather(city="Oslo", days=4)]', '[weather('],
};
const channel = (name: string, text: string) => `<|channel|>${name}<|message|>${text}`;
const thought = `${channel('analysis', 'Hm.')}<|end|><|start|>assistant`;
const harmonyCalls = [
  `${thought}<|channel|>commentary to=functions.weather <|constrain|>json<|message|>${weather}`,
  `${thought}${channel('commentary', 'Let me see.')}<|end|><|start|>assistant<|channel|>commentary to=functions.now<|message|>{}`,
  ` to=functions.weather<|channel|>commentary json<|message|>${weather}`,
];
const harmonyWrong = [
  `<|channel|>commentary to=functions.weather <|constrain|>json<|message|>${paris}`,
  `<|channel|>commentary to=functions.never<|message|>{}`,
  `${channel('analysis', 'Hm.')}<|end|>`,
];

const cases: readonly Case[] = [
  { name: 'tagged, if it likes', template: 'tagged', tools, ...taggedTexts },
  { name: 'tagged, in letters', template: 'tagged', tools, spelled: ['<tool_call>', '</tool_call>'], ...taggedTexts },
  {
    name: 'tagged, wanted',
    template: 'tagged',
    tools,
    toolChoice: 'required',
    accepts: [call(weather), `${call('{}', 'now')}\n${call(weather)}`],
    rejects: ['', 'It is fine.', ...taggedTexts.rejects],
  },
  {
    name: 'one function, wanted',
    template: 'tagged',
    tools,
    toolChoice: { name: 'now' },
    accepts: [call('{"a": [1, "b"]}', 'now')],
    rejects: [call(weather), `${call('{}', 'now')}\n${call('{}', 'now')}`],
  },
  {
    name: 'thoughts before calls',
    template: 'thinking',
    tools,
    accepts: [...taggedTexts.accepts, `<think>\nSay it.</think>\n\nYes. ${call(weather)}`],
    rejects: [...taggedTexts.rejects, `<think>\nHm</think>${call(paris)}`],
  },
  {
    name: 'thoughts in letters before calls',
    template: 'thinking',
    tools,
    spelled: ['<think>', '</think>', '<tool_call>', '</tool_call>'],
    accepts: [...taggedTexts.accepts, `<think>\nShould I <tool_call> it?</think>\n\nYes. ${call(weather)}`],
    rejects: [...taggedTexts.rejects, `<think>\nHm</think>${call(paris)}`],
  },
  {
    name: 'a thought that has begun, before calls that are wanted',
    template: 'thinking',
    tools,
    toolChoice: 'required',
    thought: 'open',
    accepts: [`Hm.</think>\n\n${call(weather)}`],
    rejects: [call(weather), 'Hm.</think>No.', `Hm.</think>${call(paris)}`],
  },
  {
    name: 'a thought that has begun, before a schema',
    template: 'thinking',
    requested,
    thought: 'open',
    accepts: ['{"sum"?</think>\n\n{"sum": 3}', '</think>{"sum": -1}'],
    rejects: ['{"sum": 3}', 'Hm.</think>', 'Hm.</think>Three', 'Hm.</think>{"sum": "3"}'],
  },
  {
    name: 'a schema, with a thought or without',
    template: 'thinking',
    requested,
    accepts: ['{"sum": 3}', '<think>\nHm.\n</think>\n\n{"sum": 3}'],
    rejects: ['Hm.', '<think>Hm.</think>', '<think>{"sum": 3}', '<think>a</think>{"sum": true}'],
  },
  {
    name: 'an expression behind a thought',
    template: 'thinking',
    requested: { kind: 'regex', specification: '(yes|no)/?' },
    thought: 'open',
    accepts: ['Hm.</think>yes', 'Hm.</think>\nno/'],
    rejects: ['Hm.</think>maybe'],
  },
  {
    name: 'a schema or calls',
    template: 'tagged',
    tools,
    requested,
    accepts: ['{"sum": 3}', call(weather)],
    rejects: ['It is fine.', call(paris), '{"sum": 3.5}'],
  },
  {
    name: 'what cannot be kept is passed over where the model decides',
    template: 'tagged',
    tools: odd,
    accepts: [call('{"a": "text", "b": 1}', 'odd')],
    rejects: [call('[]', 'odd')],
  },
  {
    name: 'and refused where a call is wanted',
    template: 'tagged',
    tools: odd,
    toolChoice: 'required',
    isRefused: true,
  },
  {
    name: 'one call, if it likes',
    template: 'tagged',
    tools,
    areSeveral: false,
    accepts: ['It is fine.', call(weather), `Let me look.\n${call('{}', 'now')}`],
    rejects: [call(paris), `${call(weather)}\n${call('{}', 'now')}`, `${call(weather)} Done.`],
  },
  {
    name: 'one call, wanted',
    template: 'named',
    tools,
    toolChoice: 'required',
    areSeveral: false,
    accepts: [`[TOOL_CALLS]weather[ARGS]${weather}`],
    rejects: [`[TOOL_CALLS]weather[ARGS]${weather}[TOOL_CALLS]now[ARGS]{}`],
  },
  {
    name: 'xml, if it likes',
    template: 'xml',
    tools,
    accepts: ['', 'It is <fine>.\n', `Let me look.\n${xmlWeather}\n${xml('now', { a: 'b "c"\nd' })}`, xml('now')],
    rejects: [...xmlWrong, '<tool_call>', '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'],
  },
  {
    name: 'xml, wanted',
    template: 'xml',
    tools,
    toolChoice: 'required',
    accepts: [xmlWeather, `${xml('now')}\n${xmlWeather}`],
    rejects: ['', 'It is fine.', ...xmlWrong],
  },
  {
    name: 'xml, one call',
    template: 'xml',
    tools,
    areSeveral: false,
    spelled: ['<tool_call>', '</tool_call>'],
    accepts: ['It is <fine>.', `Let me look.\n${xmlWeather}`],
    rejects: [...xmlWrong, `${xmlWeather}\n${xml('now')}`],
  },
  {
    name: 'xml, with arguments of all sorts',
    template: 'xml',
    tools: [{ name: 'report', parameters: { ...options, properties: { ...options.properties, code: pattern } } }],
    toolChoice: 'required',
    accepts: [
      xml('report', { exact: 'true' }),
      xml('report', { place: 'a"\n', 'in words': 'false', exact: 'false', unit: 'C', hours: '[1, 2]', code: 'a-12/x' }),
      xml('report', { place: '', exact: 'true', unit: 'null', hours: 'null' }),
    ],
    rejects: [
      xml('report'),
      xml('report', { place: 'long', exact: 'true' }),
      xml('report', { unit: 'C', exact: 'true' }),
      xml('report', { exact: 'True' }),
      xml('report', { exact: 'true', hours: '[1, 2, 3]' }),
      xml('report', { exact: 'true', more: '1' }),
      xml('report', { exact: 'true', code: 'a-12' }),
    ],
  },
  {
    name: 'xml, with text of any kind',
    template: 'xml',
    tools: [
      { name: 'write', parameters: { type: 'object', properties: { text: anyText }, required: ['text', 'more'] } },
    ],
    toolChoice: 'required',
    accepts: [
      xml('write', { text: 'def f(x):\n\treturn "<b>"\n', more: '' }),
      xml('write', { text: 'null', more: '{"a": 1}' }),
    ],
    rejects: [
      xml('write', { text: 'a' }),
      xml('write', { more: 'a' }),
      xml('write', { text: 'a</parameter>', more: 'b' }),
    ],
  },
  {
    name: 'json, if it likes',
    template: 'json',
    tools,
    accepts: [
      'It is fine.',
      '{"a": 1}',
      '{"name": "Bob"}',
      '{"name": "weathering", "parameters": 1}',
      bare(weather),
      `\n\n${bare(weather)}`,
      `<|python_tag|>${bare(weather)}; ${bare('{}', 'now')}`,
      `{"type": "function", "name": "now", "parameters": {}}`,
    ],
    rejects: [bare(paris), `${bare(weather)} is it`, '{"name": "weather"}', `<|python_tag|>It`],
  },
  {
    name: 'json, wanted',
    template: 'json',
    tools,
    toolChoice: 'required',
    accepts: [bare(weather), bare('{}', 'now')],
    rejects: ['It is fine.', bare(paris), '{"a": 1}'],
  },
  {
    name: 'mistral, if it likes',
    template: 'mistral',
    tools,
    accepts: [
      'It is fine.',
      `So: [TOOL_CALLS] [{"name": "weather", "arguments": ${weather}}, {"name": "now", "arguments": {}}]`,
    ],
    rejects: [`[TOOL_CALLS] [{"name": "weather", "arguments": ${paris}}]`, '[TOOL_CALLS]', '[TOOL_CALLS] []'],
  },
  {
    name: 'mistral, wanted',
    template: 'mistral',
    tools,
    toolChoice: 'required',
    accepts: [`[TOOL_CALLS][{"name": "weather", "arguments": ${weather}}]`],
    rejects: ['It is fine.', `[TOOL_CALLS][{"name": "weather", "arguments": ${paris}}]`],
  },
  {
    name: 'mistral with names, if it likes',
    template: 'named',
    tools,
    accepts: ['It is fine.', `So: [TOOL_CALLS]weather[ARGS]${weather}[TOOL_CALLS]now[CALL_ID]abcdefgh1[ARGS]{}`],
    rejects: [`[TOOL_CALLS]weather[ARGS]${paris}`, '[TOOL_CALLS]never[ARGS]{}', '[TOOL_CALLS]now'],
  },
  {
    name: 'mistral with names, wanted',
    template: 'named',
    tools,
    toolChoice: { name: 'weather' },
    accepts: [`[TOOL_CALLS]weather[ARGS]${weather}`],
    rejects: ['It is fine.', '[TOOL_CALLS]now[ARGS]{}'],
  },
  {
    name: 'pythonic, if it likes',
    template: 'pythonic',
    tools,
    accepts: [...python.accepts, '\n[now()]', 'It is fine.', '[1, 2] are two.', '[weathering(a)]'],
    rejects: [...python.rejects, '[weather(city="Oslo", days=3)] is it'],
  },
  {
    name: 'pythonic, wanted',
    template: 'pythonic',
    tools,
    toolChoice: 'required',
    accepts: python.accepts,
    rejects: [...python.rejects, 'It is fine.', '[1, 2]'],
  },
  {
    name: 'pythonic, with arguments of all sorts',
    template: 'pythonic',
    tools: [{ name: 'report', parameters: options }],
    toolChoice: 'required',
    accepts: [
      '[report(exact=True)]',
      '[report(place="a\\"b", exact=False, unit="C", hours=[1, 2])]',
      '[report(exact=True, unit=None)]',
      '[report(exact=False, hours=None)]',
    ],
    rejects: [
      '[report()]',
      '[report(place="long", exact=True)]',
      '[report(unit="C", exact=True)]',
      '[report(exact=true)]',
      '[report(exact=True, hours=[1, 2, 3])]',
      '[report(exact=True, more=1)]',
    ],
  },
  {
    name: 'harmony, if it likes',
    template: 'harmony',
    tools,
    accepts: [...harmonyCalls, `${thought}${channel('final', 'It is fine.')}`, channel('final', '')],
    rejects: [...harmonyWrong, 'It is fine.'],
  },
  {
    name: 'harmony, wanted',
    template: 'harmony',
    tools,
    toolChoice: 'required',
    accepts: harmonyCalls,
    rejects: [...harmonyWrong, channel('final', 'It is fine.')],
  },
  {
    name: 'harmony, with a schema',
    template: 'harmony',
    requested,
    accepts: [`${thought}${channel('final', '{"sum": 3}')}`, '<|channel|>final <|constrain|>json<|message|>{"sum": 3}'],
    rejects: [channel('final', 'Three'), '{"sum": 3}', channel('analysis', '{"sum": 3}')],
  },
];

const constraintOf = ({
  template,
  spelled = [],
  ...wishes
}: Partial<AnswerWishes> & Pick<Case, 'template' | 'spelled'>) =>
  answerConstraint({
    format: answerFormatOf(templates[template]),
    tools: [],
    toolChoice: 'auto',
    areSeveral: true,
    thought: 'none',
    requested: undefined,
    hasOwnEnd: false,
    tokenOf: (text) => {
      const index = spelled.includes(text) ? -1 : specialTokens.indexOf(text);
      return index < 0 ? undefined : firstSpecial + index;
    },
    ...wishes,
  });

t.test('the grammars are those that crates/grammar tries', async (t) => {
  const made = cases.map(({ name, accepts = [], rejects = [], isRefused = false, ...wishes }) => {
    const constraint = constraintOf(wishes);
    return { name, ...constraint, spelled: wishes.spelled ?? [], accepts, rejects, isRefused };
  });
  const document = { specialTokens, cases: made };
  if (process.env.SHOAL_UPDATE_FIXTURES === '1') writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`);
  t.same(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(document)));
  for (const { name, kind } of made) t.equal(kind, 'composed', name);
});

t.test('where nothing is asked of an answer, nothing binds it', async (t) => {
  t.equal(constraintOf({ template: 'thinking' }), undefined);
  t.equal(constraintOf({ template: 'harmony' }), undefined);
  t.equal(constraintOf({ template: 'tagged', tools, hasOwnEnd: true }), undefined, 'a grammar would not know the end');
  t.equal(constraintOf({ template: 'tagged', requested }), requested, 'a model without thoughts');
  t.equal(constraintOf({ template: 'thinking', requested, thought: 'closed' }), requested, 'none to come');
  const own = { kind: 'allowed-tokens', specification: '[1]' };
  t.equal(constraintOf({ template: 'thinking', tools, requested: own }), own);
  const spelled = [...harmonyMarkers];
  t.equal(constraintOf({ template: 'harmony', tools, spelled }), undefined, 'a tokenizer without its tokens');
  const format = answerFormatOf('{{ tools }} <tool_call><function=');
  t.equal(constraintOf({ template: 'tagged', format, tools }), undefined, 'calls in a way that is not known');
});

t.test('calls that cannot be had are refused with the reason', async (t) => {
  const refused = (wishes: Parameters<typeof constraintOf>[0], reason: RegExp) =>
    t.throws(() => constraintOf({ toolChoice: 'required', ...wishes }), { code: 'REQUEST_INVALID', message: reason });
  const dashed = [{ name: 'a-b' }];
  refused({ template: 'pythonic', tools: dashed }, /writes calls in Python/);
  refused({ template: 'pythonic', tools: [{ name: 'a', parameters: { required: ['b c'] } }] }, /in Python/);
  refused({ template: 'pythonic', tools: [{ name: 'a', parameters: { allOf: [] } }] }, /in Python/);
  const texts = (schema: object) => [{ name: 'a', parameters: { type: 'object', properties: { b: schema } } }];
  refused({ template: 'xml', tools: texts({ type: 'string', format: 'date' }) }, /between tags/);
  refused({ template: 'xml', tools: texts({ type: 'string', pattern: '(?=a)b' }) }, /between tags/);
  refused({ template: 'xml', tools: texts({ type: 'string', pattern: 'a|b$' }) }, /between tags/);
  refused({ template: 'xml', tools: [{ name: 'a', parameters: { required: ['<b>'] } }] }, /between tags/);
  refused({ template: 'xml', tools: [{ name: 'a', parameters: { allOf: [] } }] }, /between tags/);
  refused({ template: 'harmony', tools, spelled: [...harmonyMarkers] }, /tokens of its format/);
  refused({ template: 'tagged', format: answerFormatOf('{{ tools }}'), tools }, /does not show/);
  t.equal(constraintOf({ template: 'pythonic', tools: dashed }), undefined, 'where the model decides, it is free');
});
