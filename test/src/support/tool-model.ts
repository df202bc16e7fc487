/** The shipped model with a chat template that knows tools, as of Hermes and Qwen. It was not trained to call them. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.js';

const template = `{{ bos_token }}{% if tools %}<|system|>{{ tools | length }} tools<|end|>{% endif %}\
{% for message in messages %}<|{{ 'user' if message.role == 'tool' else message.role }}|>\
{% for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}\
{{ message.content or '' }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`;

/** Makes it in a folder; returns where it is. */
export function writeToolModel(folder: string): string {
  const directory = join(folder, 'shoal-tool-chat');
  mkdirSync(directory, { recursive: true });
  cpSync(join(repositoryRoot, 'models', 'shoal-tiny-chat'), directory, { recursive: true });
  writeFileSync(join(directory, 'chat_template.jinja'), template);
  return directory;
}
