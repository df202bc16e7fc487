import { join } from 'node:path';
import { ChatTemplate } from '@shoal/core';
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
