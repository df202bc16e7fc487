/** The shipped model with chat templates that know tools. It was not trained to call them, but its tokens can. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.js';

const turns = `{{ bos_token }}{% if tools %}<|system|>{{ tools | length }} tools<|end|>{% endif %}\
{% for message in messages %}<|{{ 'user' if message.role == 'tool' else message.role }}|>\
{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}\
{{ message.content or '' }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>`;
const template = `${turns}{% endif %}`;

export const toolModel = 'shoal-tool-chat';

/** What a tool that is offered to it takes. */
export const weatherParameters = {
  type: 'object',
  properties: { city: { enum: ['Oslo', 'Rome'] }, days: { type: 'integer', minimum: 1, maximum: 3 } },
  required: ['city', 'days'],
  additionalProperties: false,
};

/** As of Hermes and Qwen. Makes it in a folder; returns where it is. */
export function writeToolModel(folder: string): string {
  return writeModel(folder, toolModel, template);
}

/** What a template of each format has that tells it from others. */
const signs = {
  tagged: '<tool_call>',
  thinking: '<tool_call><think></think>',
  xml: '<tool_call><function=a><parameter=b>',
  json: 'ipython "parameters"',
  pythonic: '[func_name1(params_name1=params_value1)]',
  mistral: '[TOOL_CALLS]',
  named: '[TOOL_CALLS][ARGS]',
  harmony: '<|channel|>',
} as const;

export type AnswerStyle = keyof typeof signs;

/** Special tokens of all formats, in the place of the vocabulary's last. */
const markers = [
  ...['<tool_call>', '</tool_call>', '<think>', '</think>', '[TOOL_CALLS]', '[ARGS]'],
  ...['<|start|>', '<|channel|>', '<|message|>', '<|constrain|>'],
];

/** A model that writes calls and thoughts in a format, with that format's tokens. `opensThought`: its prompt begins one. */
export function writeStyledModel(folder: string, style: AnswerStyle, { opensThought = false } = {}) {
  const name = `shoal-${style}${opensThought ? '-open' : ''}`;
  const own = `{# ${signs[style]} #}${turns.replaceAll('<tool_call>', '').replaceAll('</tool_call>', '')}`;
  const directory = writeModel(folder, name, `${own}${opensThought ? '<think>' : ''}{% endif %}`);
  const file = join(directory, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(file, 'utf8')) as {
    model: { vocab: Record<string, number>; merges: unknown[] };
    added_tokens: object[];
  };
  const { model } = tokenizer;
  const last = Object.entries(model.vocab).sort(([, left], [, right]) => right - left);
  const tokens = new Map<string, number>();
  for (const [index, content] of markers.entries()) {
    const [replaced = '', id = 0] = last[index] ?? [];
    delete model.vocab[replaced];
    model.vocab[content] = id;
    tokens.set(content, id);
    tokenizer.added_tokens.push({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    });
  }
  // The last merges made the tokens that are gone.
  model.merges.length -= markers.length;
  tokenizer.added_tokens.sort((left, right) => (left as { id: number }).id - (right as { id: number }).id);
  writeFileSync(file, JSON.stringify(tokenizer));
  return { directory, name, tokens };
}

function writeModel(folder: string, name: string, chatTemplate: string): string {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  cpSync(join(repositoryRoot, 'models', 'shoal-tiny-chat'), directory, { recursive: true });
  writeFileSync(join(directory, 'chat_template.jinja'), chatTemplate);
  return directory;
}
