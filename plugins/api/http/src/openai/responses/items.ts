/** Items of a conversation, as this interface writes them, become the turns that a model's template knows. */
import { randomUUID } from 'node:crypto';
import type { ChatMessage, ToolCall } from '@shoal/core';
import { FieldError } from '../../problems.js';
import type { InputItem } from './schema.js';

export const itemId = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '')}`;

/** An item with its id, as it is kept. */
export type KeptItem = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

const roles = new Set(['user', 'assistant', 'system', 'developer']);
const prefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
};

/** The input as items that have ids. `find` gives an item that an earlier response had. Throws FieldError. */
export function keptItems(
  input: string | readonly InputItem[] | null | undefined,
  find: (id: string) => KeptItem | undefined,
): KeptItem[] {
  if (input == null) return [];
  if (typeof input === 'string') {
    if (input === '') return [];
    const content = [{ type: 'input_text', text: input }];
    return [{ id: itemId('msg'), type: 'message', role: 'user', status: 'completed', content }];
  }
  return input.map((item, index) => {
    const path = `input[${index}]`;
    const type = item.type ?? (item.role == null ? undefined : 'message');
    if (type === undefined) throw new FieldError(`${path}.type`, `Missing required parameter: '${path}.type'.`);
    if (type === 'item_reference') {
      const found = find(item.id ?? '');
      if (found) return found;
      throw new FieldError(`${path}.id`, `Item with id '${item.id ?? ''}' not found.`, { status: 404 });
    }
    const prefix = prefixes[type];
    if (prefix === undefined) {
      const known = [...Object.keys(prefixes), 'item_reference'].join(', ');
      const message = `Invalid value: '${type}'. Items of this type are not supported here; there are: ${known}.`;
      throw new FieldError(`${path}.type`, message);
    }
    check(item, type, path);
    return { ...item, id: item.id ?? itemId(prefix), type };
  });
}

/** Throws FieldError for what is missing, before anything is kept of it. */
function check(item: InputItem, type: string, path: string): void {
  const need = (...names: (keyof InputItem)[]) => {
    for (const name of names) {
      if (item[name] == null) {
        throw new FieldError(`${path}.${name}`, `Missing required parameter: '${path}.${name}'.`);
      }
    }
  };
  switch (type) {
    case 'message':
      need('role', 'content');
      if (!roles.has(item.role ?? '')) {
        const message = `Invalid value: '${item.role ?? ''}'. Supported values are: ${[...roles].join(', ')}.`;
        throw new FieldError(`${path}.role`, message);
      }
      return;
    case 'function_call':
      need('call_id', 'name', 'arguments');
      return;
    case 'function_call_output':
      need('call_id', 'output');
  }
}

type Draft = { -readonly [Field in keyof ChatMessage]: ChatMessage[Field] } & { toolCalls?: ToolCall[] };

/** Throws FieldError for content that is no text. */
export function messagesOf(items: readonly KeptItem[], instructions: string | null | undefined): ChatMessage[] {
  const turns = new Turns();
  if (instructions) turns.say('system', instructions);
  for (const [index, kept] of items.entries()) turns.add(kept as InputItem, `input[${index}]`);
  return turns.messages;
}

class Turns {
  readonly messages: Draft[] = [];
  /** Names by call: templates ask for them with a result, which does not have it. */
  private readonly names = new Map<string, string>();

  add(item: InputItem, path: string): void {
    const { type, role } = item;
    const callId = item.call_id ?? '';
    const name = item.name ?? '';
    switch (type) {
      case 'reasoning':
        this.think(reasoningOf(item));
        return;
      case 'function_call':
        this.names.set(callId, name);
        this.call({ id: callId, name, arguments: item.arguments ?? '' });
        return;
      case 'function_call_output': {
        const called = this.names.get(callId);
        const content = textOf(item.output, `${path}.output`);
        this.messages.push({
          role: 'tool',
          content,
          toolCallId: callId,
          ...(called === undefined ? {} : { name: called }),
        });
        return;
      }
      default:
        // The newer name of the same role, which most templates do not know.
        this.say(role === 'developer' ? 'system' : (role ?? 'user'), textOf(item.content, `${path}.content`));
    }
  }

  say(role: string, content: string): void {
    const last = this.messages.at(-1);
    // Most templates take one system message, at the beginning.
    if (role === 'system' && last?.role === 'system') {
      last.content = `${last.content}\n\n${content}`;
      return;
    }
    // A thought, and what was said after it, are one turn.
    if (role === 'assistant' && last?.role === 'assistant' && last.content === '' && !last.toolCalls) {
      last.content = content;
      return;
    }
    this.messages.push({ role, content });
  }

  private think(reasoning: string): void {
    if (reasoning === '') return;
    const last = this.messages.at(-1);
    if (last?.role === 'assistant' && last.content === '' && !last.toolCalls) {
      last.reasoning = [last.reasoning ?? '', reasoning].filter((one) => one !== '').join('\n');
    } else this.messages.push({ role: 'assistant', content: '', reasoning });
  }

  private call(call: ToolCall): void {
    const last = this.messages.at(-1);
    if (last?.role === 'assistant') last.toolCalls = [...(last.toolCalls ?? []), call];
    else this.messages.push({ role: 'assistant', content: '', toolCalls: [call] });
  }
}

/** The thought itself where it is there, else what was said about it. */
function reasoningOf({ content, summary }: InputItem): string {
  const parts = Array.isArray(content) && content.length > 0 ? content : (summary ?? []);
  return parts.map((part) => part.text ?? '').join('\n');
}

function textOf(content: InputItem['content'], path: string): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part, index) => {
      const text = part.type === 'refusal' ? part.refusal : part.text;
      if (['input_text', 'output_text', 'text', 'refusal'].includes(part.type) && text !== undefined) return text;
      const message = `Invalid content part: '${part.type}' is not supported; the models of this cluster read text.`;
      throw new FieldError(`${path}[${index}]`, message);
    })
    .join('');
}
