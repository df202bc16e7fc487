/**
 * The text side of a model: tokenizer.json, tokenizer_config.json with its chat template, and a text to encode. A broken
 * file has its code; what loads must encode, decode and render, or say why not.
 */
import { ChatTemplate } from '@shoal/core/internal/model/chat-template.js';
import { TextTokenizer } from '@shoal/core/internal/model/tokenizer.js';
import { answers, answersLater, Folder, parts } from './support.js';

const folder = new Folder('model-text');

export async function fuzz(data: Buffer): Promise<void> {
  const [definition, configuration, rest] = parts(data, 3) as [Buffer, Buffer, Buffer];
  folder.put('tokenizer.json', definition);
  folder.put('tokenizer_config.json', configuration);
  const text = rest.toString('utf8');
  const tokenizer = await answersLater(['MODEL_TOKENIZER_INVALID', 'MODEL_CONFIG_INVALID'], () =>
    TextTokenizer.load(folder.path),
  );
  if (tokenizer) {
    const ids = answers(['ARGUMENT_INVALID', 'MODEL_TOKENIZER_INVALID'], () => tokenizer.encode(text));
    if (ids) answers(['MODEL_TOKENIZER_INVALID'], () => tokenizer.decode(ids));
  }
  const template = await answersLater(['MODEL_TEMPLATE_INVALID', 'MODEL_TOKENIZER_INVALID'], () =>
    ChatTemplate.load(folder.path, tokenizer?.specialTokens ?? {}),
  );
  if (template) answers(['MODEL_TEMPLATE_INVALID'], () => template.render([{ role: 'user', content: text }]));
}
