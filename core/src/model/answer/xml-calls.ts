/**
 * Calls as of Qwen3-Coder and later Qwen models: `<tool_call><function=name>`, then each argument as it is between
 * `<parameter=name>` and `</parameter>`. Only a tool's schema tells whether `7` is a number or a text. Arguments are passed
 * on as JSON text: texts while they come, what else there is when it is complete.
 */
import type { ToolDefinition } from '../chat-message.js';
import { argumentsByName, kindOf, kindsOf, type Schema, type ValueKind } from './argument-schemas.js';
import { type AnswerParser, type AnswerPieces, PieceCollector, possibleMarker } from './parts.js';

export const callOpen = '<tool_call>';
export const callClose = '</tool_call>';
export const functionOpen = '<function=';
export const functionClose = '</function>';
export const parameterOpen = '<parameter=';
export const parameterClose = '</parameter>';

/** Longer than any name; a tag that is not closed by then is none. */
const maximumName = 256;

type Kinds = ReadonlySet<ValueKind> | undefined;

export class XmlCalls implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private state: 'text' | 'tag' | 'function' | 'parameter' | 'behind' = 'text';
  private pending = '';
  /** What has been taken for the beginning of a call, to be said if it is none. */
  private taken = '';
  private tool: ToolDefinition | undefined;
  private number = 0;
  private argumentCount = 0;
  private kinds: Kinds;
  /** Whether the line break behind the parameter's tag is passed. */
  private isBegun = false;

  /** Some models leave out the outer tag: the inner one is one with the name of a tool that was offered. */
  private readonly markers: readonly string[];

  constructor(private readonly tools: readonly ToolDefinition[]) {
    this.markers = [callOpen, ...tools.map(({ name }) => `${functionOpen}${name}>`)];
  }

  push(text: string): AnswerPieces {
    this.pending += text;
    while (this.advance()) {
      // Until nothing more is certain.
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    if (this.state === 'tag') this.giveUp();
    // A value that is cut off stays open: the JSON shows it.
    if (this.state === 'parameter') this.passText(this.pending.replace(/\n$/, ''));
    else if (this.state === 'text') this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private advance(): boolean {
    switch (this.state) {
      case 'text':
        return this.say();
      case 'tag':
        return this.begin();
      case 'function':
        return this.within();
      case 'parameter':
        return this.read();
      case 'behind':
        return this.behind();
    }
  }

  private say(): boolean {
    const { markers } = this;
    const found = markers.map((marker) => this.pending.indexOf(marker)).filter((at) => at >= 0);
    const at = found.length === 0 ? -1 : Math.min(...found);
    const certain = at >= 0 ? at : this.pending.length - possibleMarker(this.pending, markers);
    this.pieces.say(this.pending.slice(0, certain));
    this.pending = this.pending.slice(certain);
    if (at < 0) return false;
    this.take(this.pending.startsWith(callOpen) ? callOpen.length : 0);
    this.state = 'tag';
    return true;
  }

  private begin(): boolean {
    this.take(this.pending.length - this.pending.trimStart().length);
    const tag = tagAt(this.pending, functionOpen);
    if (tag === 'more') return false;
    if (tag === undefined) {
      this.giveUp();
      return true;
    }
    const { name } = tag;
    this.pending = this.pending.slice(functionOpen.length + name.length + 1);
    this.taken = '';
    this.tool = this.tools.find((one) => one.name === name);
    this.number = this.pieces.call(name);
    this.argumentCount = 0;
    this.pieces.arguments(this.number, '{');
    this.state = 'function';
    return true;
  }

  private within(): boolean {
    this.pending = this.pending.trimStart();
    const tag = tagAt(this.pending, parameterOpen);
    if (tag === 'more' || (functionClose.startsWith(this.pending) && this.pending !== functionClose)) return false;
    if (tag === undefined) {
      // A model that forgot to close its tag has ended the call as well.
      this.pieces.arguments(this.number, '}');
      if (this.pending.startsWith(functionClose)) this.pending = this.pending.slice(functionClose.length);
      this.state = 'behind';
      return true;
    }
    const { name } = tag;
    this.pending = this.pending.slice(parameterOpen.length + name.length + 1);
    this.kinds = this.kindsOf(name);
    this.pieces.arguments(this.number, `${this.argumentCount > 0 ? ', ' : ''}${JSON.stringify(name)}: `);
    if (this.isText) this.pieces.arguments(this.number, '"');
    this.argumentCount += 1;
    this.isBegun = false;
    this.state = 'parameter';
    return true;
  }

  private kindsOf(name: string): Kinds {
    const root: Schema = this.tool?.parameters ?? {};
    const schema = argumentsByName(root).properties.find(([property]) => property === name)?.[1];
    return schema && kindsOf(schema, root);
  }

  /** Whether a value can be nothing but text, so that it need not be complete to be known. */
  private get isText(): boolean {
    return this.kinds?.size === 1 && this.kinds.has('string');
  }

  private read(): boolean {
    if (!this.isBegun) {
      if (this.pending === '') return false;
      if (this.pending.startsWith('\n')) this.pending = this.pending.slice(1);
      this.isBegun = true;
    }
    const at = this.pending.indexOf(parameterClose);
    if (at >= 0) {
      const value = this.pending.slice(0, at).replace(/\n$/, '');
      if (this.isText) this.passText(value);
      this.pieces.arguments(this.number, this.isText ? '"' : jsonOf(value, this.kinds));
      this.pending = this.pending.slice(at + parameterClose.length);
      this.state = 'function';
      return true;
    }
    if (!this.isText) return false;
    const certain = this.pending.length - possibleMarker(this.pending, [`\n${parameterClose}`, parameterClose]);
    this.passText(this.pending.slice(0, certain));
    this.pending = this.pending.slice(certain);
    return false;
  }

  private passText(text: string): void {
    if (this.isText) this.pieces.arguments(this.number, JSON.stringify(text).slice(1, -1));
  }

  private behind(): boolean {
    const rest = this.pending.trimStart();
    if (rest.startsWith(callClose)) this.pending = rest.slice(callClose.length);
    else if (callClose.startsWith(rest)) return false;
    this.state = 'text';
    return true;
  }

  private take(length: number): void {
    this.taken += this.pending.slice(0, length);
    this.pending = this.pending.slice(length);
  }

  private giveUp(): void {
    this.pieces.say(this.taken);
    this.taken = '';
    this.state = 'text';
  }
}

/** The name in a tag at the beginning; `more`: it may become one. */
function tagAt(text: string, open: string): { readonly name: string } | 'more' | undefined {
  if (open.startsWith(text)) return 'more';
  if (!text.startsWith(open)) return undefined;
  const end = text.indexOf('>');
  if (end < 0) return text.length > open.length + maximumName || text.includes('\n') ? undefined : 'more';
  const name = text.slice(open.length, end);
  return name === '' || name.includes('\n') ? undefined : { name };
}

/** As Python says them. */
const pythonWords = new Map([
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
]);

/** JSON of a value that was written without quotes: text where it is nothing else that it may be. */
function jsonOf(text: string, kinds: Kinds): string {
  const written = text.trim();
  const json = pythonWords.get(written) ?? written;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return JSON.stringify(text);
  }
  const kind = kindOf(value);
  const isFitting = !kinds || kinds.has(kind) || (kind === 'integer' && kinds.has('number'));
  // What may not be text is passed on as it is: the caller sees what is wrong with it.
  return isFitting || !kinds.has('string') ? json : JSON.stringify(text);
}
