// Calls and thoughts in answers: what each format's text becomes, and that it is the same however the text is cut.
import { answerFormatOf, answerParser } from '@shoal/core/internal/model/answer/answer-format.js';
import t from 'tap';

type Pieces = ReturnType<NonNullable<ReturnType<typeof answerParser>>['push']>;

interface Expected {
  readonly text?: string;
  readonly reasoning?: string;
  /** Name and arguments as written. */
  readonly calls?: readonly (readonly [name: string, written: string])[];
}

interface Case extends Expected {
  readonly name: string;
  readonly answer: string;
  readonly isThinking?: boolean;
}

/** Beginnings of templates, by what tells their formats apart. */
const templates = {
  tagged: '{% if tools %}<tool_call>{{ tools }}{% endif %}',
  'tagged, thinking': '{% if tools %}<tool_call>{% endif %}<think></think>',
  xml: '{% if tools %}<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>{% endif %}',
  json: '{% if tools %}Environment: ipython {"name": function name, "parameters": {}}{% endif %}',
  pythonic: '{% if tools %}[func_name1(params_name1=params_value1)]{% endif %}',
  mistral: '{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]',
  harmony: '<|start|>{{ tools }}<|channel|>',
  thinking: '<think>',
} as const;

const weather = '{"city": "Oslo \\"N\\"", "days": [1, {"a": "}]"}]}';

const offered = [
  {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: { type: 'integer' },
        share: { type: 'number' },
        exact: { type: 'boolean' },
        unit: { enum: ['C', 'F', null] },
        more: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        hours: { $ref: '#/$defs/hours' },
        any: {},
      },
      $defs: { hours: { type: ['array', 'null'] } },
    },
  },
  { name: 'time' },
];

/** Arguments between tags, one after another. */
const xml = (name: string, written: Readonly<Record<string, string>> = {}) => {
  const parameters = Object.entries(written).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=${name}>\n${parameters.join('')}</function>\n</tool_call>`;
};

const cases: Record<keyof typeof templates, readonly Case[]> = {
  tagged: [
    { name: 'text', answer: ' It is fine. \n', text: ' It is fine. \n' },
    {
      name: 'one call',
      answer: `<tool_call>\n{"name": "weather", "arguments": ${weather}}\n</tool_call>`,
      calls: [['weather', weather]],
    },
    {
      name: 'two calls behind text',
      answer: `Let me look.\n<tool_call>\n{"name": "weather", "arguments": ${weather}}\n</tool_call>\n<tool_call>\n{"name": "time", "arguments": {}}\n</tool_call>\n`,
      text: 'Let me look.',
      calls: [
        ['weather', weather],
        ['time', '{}'],
      ],
    },
    {
      name: 'arguments before the name, and text behind',
      answer: `<tool_call>{"arguments": ${weather}, "name": "weather"}</tool_call>\n\nDone.`,
      text: 'Done.',
      calls: [['weather', weather]],
    },
    {
      name: 'arguments in a text',
      answer: `<tool_call>{"name": "weather", "arguments": ${JSON.stringify(weather)}}</tool_call>`,
      calls: [['weather', weather]],
    },
    { name: 'a call without arguments', answer: '<tool_call>{"name": "time"}</tool_call>', calls: [['time', '{}']] },
    {
      name: 'a call that is cut off',
      answer: '<tool_call>{"name": "weather", "arguments": {"city": "Os',
      calls: [['weather', '{"city": "Os']],
    },
    { name: 'no call in a tag', answer: '<tool_call>nothing</tool_call>', text: '<tool_call>nothing</tool_call>' },
    {
      name: 'a tag that is not closed',
      answer: '<tool_call>{"name": "time"}\nDone',
      calls: [['time', '{}']],
      text: 'Done',
    },
    { name: 'half a tag', answer: 'a < b <tool', text: 'a < b <tool' },
  ],
  'tagged, thinking': [
    {
      name: 'a thought and a call',
      answer: '<think>\nHm.\n\nYes.\n</think>\n\n<tool_call>{"name": "time", "arguments": {"zone": 1}}</tool_call>',
      reasoning: 'Hm.\n\nYes.',
      calls: [['time', '{"zone": 1}']],
    },
    {
      name: 'a thought that the prompt began',
      answer: 'Hm.</think> Yes.',
      isThinking: true,
      reasoning: 'Hm.',
      text: 'Yes.',
    },
    { name: 'no thought', answer: 'a <think> b', text: 'a <think> b' },
    { name: 'a thought that is cut off', answer: '<think>Hm </thi', reasoning: 'Hm </thi' },
    { name: 'an empty thought', answer: '<think>\n\n</think>\n\nYes.', text: 'Yes.' },
  ],
  xml: [
    { name: 'text', answer: 'It is <fine>.\n', text: 'It is <fine>.\n' },
    {
      name: 'as the template shows it',
      answer: xml('example_function_name', {
        example_parameter_1: 'value_1',
        example_parameter_2: 'This is the value for the second parameter\nthat can span\nmultiple lines',
      }),
      calls: [
        [
          'example_function_name',
          '{"example_parameter_1": "value_1", "example_parameter_2": "This is the value for the second parameter\\nthat can span\\nmultiple lines"}',
        ],
      ],
    },
    {
      name: 'each by its schema',
      answer: xml('weather', {
        city: '7',
        days: '7',
        share: '1',
        exact: 'True',
        unit: 'C',
        more: 'null',
        hours: '[1]',
      }),
      calls: [
        ['weather', '{"city": "7", "days": 7, "share": 1, "exact": true, "unit": "C", "more": null, "hours": [1]}'],
      ],
    },
    {
      name: 'otherwise than its schema says',
      answer: xml('weather', { days: 'two', exact: 'no', more: '[1]', any: 'a "b"', other: '{"a": 1}' }),
      calls: [['weather', '{"days": "two", "exact": "no", "more": "[1]", "any": "a \\"b\\"", "other": {"a": 1}}']],
    },
    {
      name: 'two calls behind text',
      answer: `Let me look.\n${xml('weather', { city: 'Oslo "N"\n\n' })}\n${xml('time')}\n`,
      text: 'Let me look.',
      calls: [
        ['weather', '{"city": "Oslo \\"N\\"\\n\\n"}'],
        ['time', '{}'],
      ],
    },
    {
      name: 'on one line, without the outer tag',
      answer: 'So: <function=weather><parameter=city>Oslo</parameter></function>',
      text: 'So:',
      calls: [['weather', '{"city": "Oslo"}']],
    },
    { name: 'an empty text', answer: xml('weather', { city: '' }), calls: [['weather', '{"city": ""}']] },
    {
      name: 'a text that is cut off',
      answer: '<tool_call>\n<function=weather>\n<parameter=city>\nOs\n</para',
      calls: [['weather', '{"city": "Os\\n</para']],
    },
    {
      name: 'a number that is cut off',
      answer: '<tool_call>\n<function=weather>\n<parameter=days>\n1',
      calls: [['weather', '{"days": ']],
    },
    { name: 'a name that is cut off', answer: '<tool_call>\n<function=wea', text: '<tool_call>\n<function=wea' },
    { name: 'no call in a tag', answer: '<tool_call>nothing</tool_call>', text: '<tool_call>nothing</tool_call>' },
    {
      name: 'a function without its end',
      answer: '<tool_call><function=time></tool_call> Done.',
      calls: [['time', '{}']],
      text: 'Done.',
    },
    { name: 'a function that was not offered', answer: 'a <function=b>', text: 'a <function=b>' },
  ],
  json: [
    { name: 'one call', answer: `{"name": "weather", "parameters": ${weather}}`, calls: [['weather', weather]] },
    {
      name: 'two calls behind the tag',
      answer: `<|python_tag|>{"name": "weather", "parameters": ${weather}}; {"name": "time", "parameters": {}}`,
      calls: [
        ['weather', weather],
        ['time', '{}'],
      ],
    },
    {
      name: 'with the type first',
      answer: ' {"type": "function", "name": "time", "parameters": {"a": null, "b": 1.5e3}} ',
      calls: [['time', '{"a": null, "b": 1.5e3}']],
    },
    {
      name: 'a name that was not offered',
      answer: '{"name": "Ada", "parameters": {}}',
      text: '{"name": "Ada", "parameters": {}}',
    },
    { name: 'other JSON', answer: ' {"city": "Oslo"}\n', text: ' {"city": "Oslo"}\n' },
    { name: 'text', answer: 'It is {"name": "time"}', text: 'It is {"name": "time"}' },
    { name: 'what begins like it', answer: '{"name": "tim', text: '{"name": "tim' },
    {
      name: 'text behind a call',
      answer: '{"name": "time", "parameters": {}} There.',
      calls: [['time', '{}']],
      text: 'There.',
    },
  ],
  pythonic: [
    {
      name: 'two calls',
      answer: `[weather(city="Oslo \\"N\\"", days=[1, {'a': "}]"}]), time()]`,
      calls: [
        ['weather', '{"city":"Oslo \\"N\\"","days":[1,{"a":"}]"}]}'],
        ['time', '{}'],
      ],
    },
    {
      name: 'all kinds of values',
      answer: "[time(a=-1.5e2, b=True, c=None, d=(1, 2,), e={}, f='\\u00e9\\n')]",
      calls: [['time', '{"a":-150,"b":true,"c":null,"d":[1,2],"e":{},"f":"é\\n"}']],
    },
    { name: 'a list that is none of calls', answer: '[1, 2]', text: '[1, 2]' },
    { name: 'a function that was not offered', answer: '[print(a=1)]', text: '[print(a=1)]' },
    { name: 'cut off', answer: '[weather(city="Os', text: '[weather(city="Os' },
    { name: 'text', answer: 'It is fine', text: 'It is fine' },
    { name: 'a word like a prototype', answer: '[time(__proto__=1)]', calls: [['time', '{"__proto__":1}']] },
  ],
  mistral: [
    {
      name: 'a list',
      answer: `[TOOL_CALLS] [{"name": "weather", "arguments": ${weather}}, {"name": "time", "arguments": {}, "id": "x"}]`,
      calls: [
        ['weather', weather],
        ['time', '{}'],
      ],
    },
    {
      name: 'by name',
      answer: `Look:[TOOL_CALLS]weather[ARGS]${weather}[TOOL_CALLS]time[CALL_ID]123456789[ARGS]{}`,
      text: 'Look:',
      calls: [
        ['weather', weather],
        ['time', '{}'],
      ],
    },
    { name: 'by name without a marker', answer: `[TOOL_CALLS]weather${weather}`, calls: [['weather', weather]] },
    { name: 'text', answer: 'It is [TOOL', text: 'It is [TOOL' },
  ],
  harmony: [
    {
      name: 'a thought and an answer',
      answer: '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>',
      reasoning: 'Hm.',
      text: 'Yes.',
    },
    {
      name: 'a call',
      answer: `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>${weather}<|call|>`,
      reasoning: 'Hm.',
      calls: [['weather', weather]],
    },
    {
      name: 'a call whose recipient stands first',
      answer: '<|start|>assistant to=functions.time<|channel|>commentary json<|message|>{}',
      calls: [['time', '{}']],
    },
    {
      name: 'a call whose header the prompt has begun',
      answer: ` to=functions.weather<|channel|>commentary json<|message|>${weather}<|call|>`,
      calls: [['weather', weather]],
    },
    { name: 'no headers, and a word like one', answer: 'to be, or not', text: 'to be, or not' },
    { name: 'hardly anything', answer: ' to', text: ' to' },
    { name: 'no headers', answer: 'It is fine', text: 'It is fine' },
  ],
  thinking: [{ name: 'a thought', answer: '<think>Hm.</think>Yes.', reasoning: 'Hm.', text: 'Yes.' }],
};

function read(template: string, { answer, isThinking = false }: Case, cuts: readonly number[]): Required<Expected> {
  const parser = answerParser(answerFormatOf(template), { tools: offered, isThinking });
  if (!parser) throw new Error('the template has no format');
  const all: Pieces[] = [];
  let done = 0;
  for (const cut of [...cuts, answer.length]) {
    all.push(parser.push(answer.slice(done, cut)));
    done = cut;
  }
  all.push(parser.flush());
  const calls: [string, string][] = [];
  for (const { index, name, arguments: written } of all.flatMap(({ toolCalls }) => toolCalls)) {
    if (name !== undefined) {
      if (index !== calls.length) throw new Error(`call ${index} begins after ${calls.length}`);
      calls.push([name, written]);
    } else {
      const call = calls[index];
      if (!call) throw new Error(`call ${index} goes on before it begins`);
      call[1] += written;
    }
  }
  const joined = (field: 'text' | 'reasoning') => all.map((pieces) => pieces[field]).join('');
  return { text: joined('text'), reasoning: joined('reasoning'), calls };
}

for (const [format, template] of Object.entries(templates)) {
  t.test(format, async (t) => {
    for (const one of cases[format as keyof typeof templates]) {
      const expected = { text: one.text ?? '', reasoning: one.reasoning ?? '', calls: one.calls ?? [] };
      t.same(read(template, one, []), expected, one.name);
      const letters = Array.from({ length: one.answer.length }, (_, index) => index);
      t.same(read(template, one, letters), expected, `${one.name}, letter by letter`);
      const halves = letters.filter((at) => {
        const found = read(template, one, [at]);
        return JSON.stringify(found) !== JSON.stringify(expected);
      });
      t.same(halves, [], `${one.name}, in two pieces`);
      const thirds = letters.flatMap((from) =>
        letters
          .filter((to) => to > from)
          .filter((to) => JSON.stringify(read(template, one, [from, to])) !== JSON.stringify(expected)),
      );
      t.same(thirds, [], `${one.name}, in three pieces`);
    }
  });
}

t.test('arguments are passed on while they come', async (t) => {
  const parser = answerParser(answerFormatOf(templates.tagged), { tools: [{ name: 'weather' }], isThinking: false });
  t.same(parser?.push('<tool_call>{"name": "weather", "arguments": {"city": "O').toolCalls, [
    { index: 0, name: 'weather', arguments: '{"city": "O' },
  ]);
  t.same(parser?.push('slo"').toolCalls, [{ index: 0, arguments: 'slo"' }]);
  t.same(parser?.push('}}').toolCalls, [{ index: 0, arguments: '}' }]);
});

t.test('templates that are nothing but text have no parser', async (t) => {
  const format = answerFormatOf('{% for message in messages %}{{ message.content }}{% endfor %}');
  t.same(format, { toolCalls: undefined, takesTools: false, thinks: false });
  t.equal(answerParser(format, { tools: [], isThinking: false }), undefined);
  const tools = answerFormatOf(templates.tagged);
  t.equal(answerParser(tools, { tools: [], isThinking: false }), undefined, 'without tools a call is text');
});

t.test('whatever comes, nothing is lost and nothing throws', async (t) => {
  // A small generator of pieces that mean something to the parsers.
  const words = [
    '<tool_call>',
    '</tool_call>',
    '{"name": "time"',
    ', "arguments": {',
    '}',
    '[TOOL_CALLS]',
    '[',
    ']',
    '"',
    '\\',
  ];
  words.push(
    '<think>',
    '</think>',
    '<|channel|>',
    'final',
    '<|message|>',
    '<|end|>',
    ' ',
    '\n',
    'x',
    'time(',
    '<function=time>',
    '<parameter=more>',
    '</parameter>',
    '</function>',
    ')',
    ';',
  );
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  for (const template of Object.values(templates)) {
    for (let round = 0; round < 300; round += 1) {
      const answer = Array.from({ length: random(16) }, () => words[random(words.length)]).join('');
      const whole = read(template, { name: '', answer }, []);
      const cuts = Array.from({ length: answer.length }, (_, index) => index).filter(() => random(3) === 0);
      t.same(read(template, { name: '', answer }, cuts), whole, JSON.stringify(answer));
    }
  }
});
