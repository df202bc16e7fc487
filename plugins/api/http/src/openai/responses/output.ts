/** The items of an answer as they come, and the events by which a reader of the stream hears of them. */
import type { ToolCallPart } from '@shoal/core';
import type { AnswerEvent } from '../../requests.js';
import { chatLogProbability } from '../log-probabilities.js';
import { itemId, type KeptItem } from './items.js';

/** An event without the number that it gets when it is sent. */
export type Told = Readonly<Record<string, unknown>> & { readonly type: string };

type Status = 'in_progress' | 'completed' | 'incomplete';

interface TextPart {
  type: 'output_text';
  text: string;
  annotations: never[];
  logprobs: object[];
}

interface ReasoningPart {
  type: 'reasoning_text';
  text: string;
}

type Item =
  | { id: string; type: 'message'; role: 'assistant'; status: Status; content: TextPart[] }
  | { id: string; type: 'reasoning'; status: Status; summary: never[]; content: ReasoningPart[] }
  | { id: string; type: 'function_call'; status: Status; call_id: string; name: string; arguments: string };

export class OutputItems {
  readonly items: Item[] = [];
  private isOpen = false;
  /** Number of the call that the last item is. */
  private call: number | undefined;
  private hasSaid = false;
  /** Of tokens whose text is not certain yet. */
  private readonly explained: object[] = [];

  constructor(private readonly isSingleCall: boolean) {}

  /** Copies: what is kept does not change any more. */
  json(): KeptItem[] {
    return structuredClone(this.items) as unknown as KeptItem[];
  }

  add(event: AnswerEvent): Told[] {
    const told: Told[] = [];
    if (event.reasoning !== undefined) told.push(...this.think(event.reasoning));
    if (event.kind === 'token' && event.logProbabilities && event.reasoning === undefined && !event.toolCalls) {
      this.explained.push(chatLogProbability(event.logProbabilities));
    }
    if (event.text !== '') told.push(...this.say(event.text, this.explained.splice(0)));
    for (const part of event.toolCalls ?? []) {
      if (!this.isSingleCall || part.index === 0) told.push(...this.addCall(part));
    }
    return told;
  }

  /** `isCut`: the last item is not complete. */
  end(isCut: boolean): Told[] {
    // An answer that ends at once is an empty one.
    const told = this.hasSaid || isCut ? [] : this.openMessage();
    return [...told, ...this.close(isCut)];
  }

  private say(text: string, logprobs: object[]): Told[] {
    const told = this.isOpen && this.items.at(-1)?.type === 'message' ? [] : this.openMessage();
    const item = this.items.at(-1);
    const part = item?.type === 'message' ? item.content[0] : undefined;
    if (!item || !part) return told;
    part.text += text;
    part.logprobs.push(...logprobs);
    return [...told, { type: 'response.output_text.delta', ...this.place(), content_index: 0, delta: text, logprobs }];
  }

  private openMessage(): Told[] {
    this.hasSaid = true;
    const told = this.close(false);
    const item: Item = { id: itemId('msg'), type: 'message', role: 'assistant', status: 'in_progress', content: [] };
    told.push(this.begin(item));
    const part: TextPart = { type: 'output_text', text: '', annotations: [], logprobs: [] };
    item.content.push(part);
    return [...told, { type: 'response.content_part.added', ...this.place(), content_index: 0, part: { ...part } }];
  }

  private think(text: string): Told[] {
    const told: Told[] = [];
    if (!this.isOpen || this.items.at(-1)?.type !== 'reasoning') {
      told.push(...this.close(false));
      const item: Item = { id: itemId('rs'), type: 'reasoning', status: 'in_progress', summary: [], content: [] };
      told.push(this.begin(item));
      const part: ReasoningPart = { type: 'reasoning_text', text: '' };
      item.content.push(part);
      told.push({ type: 'response.content_part.added', ...this.place(), content_index: 0, part: { ...part } });
    }
    const item = this.items.at(-1);
    if (item?.type === 'reasoning' && item.content[0]) item.content[0].text += text;
    return [...told, { type: 'response.reasoning_text.delta', ...this.place(), content_index: 0, delta: text }];
  }

  private addCall({ index, id = '', name, arguments: text }: ToolCallPart): Told[] {
    const told: Told[] = [];
    if (name !== undefined) {
      this.hasSaid = true;
      told.push(...this.close(false));
      const status = 'in_progress';
      told.push(this.begin({ id: itemId('fc'), type: 'function_call', status, call_id: id, name, arguments: '' }));
      this.call = index;
    }
    const item = this.items.at(-1);
    if (this.call !== index || item?.type !== 'function_call' || text === '') return told;
    item.arguments += text;
    return [...told, { type: 'response.function_call_arguments.delta', ...this.place(), delta: text }];
  }

  private begin(item: Item): Told {
    this.items.push(item);
    this.isOpen = true;
    const { length } = this.items;
    return { type: 'response.output_item.added', output_index: length - 1, item: structuredClone(item) };
  }

  private place() {
    return { item_id: this.items.at(-1)?.id, output_index: this.items.length - 1 };
  }

  private close(isCut: boolean): Told[] {
    const item = this.items.at(-1);
    if (!this.isOpen || !item) return [];
    this.isOpen = false;
    this.call = undefined;
    item.status = isCut ? 'incomplete' : 'completed';
    const { output_index } = this.place();
    const ended = { type: 'response.output_item.done', output_index, item: structuredClone(item) };
    return [...this.closeContent(item), ended];
  }

  private closeContent(item: Item): Told[] {
    if (item.type === 'function_call') {
      const { name, arguments: text } = item;
      return [{ type: 'response.function_call_arguments.done', ...this.place(), name, arguments: text }];
    }
    const [part] = item.content;
    if (!part) return [];
    const at = { ...this.place(), content_index: 0 };
    const { text } = part;
    const done =
      part.type === 'output_text'
        ? { type: 'response.output_text.done', ...at, text, logprobs: part.logprobs }
        : { type: 'response.reasoning_text.done', ...at, text };
    return [done, { type: 'response.content_part.done', ...at, part: structuredClone(part) }];
  }
}
