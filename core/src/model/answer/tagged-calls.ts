/** Calls between tags, as of Hermes and Qwen: `<tool_call>{"name": …, "arguments": …}</tool_call>`. */
import { JsonCall } from './json-call.js';
import { type AnswerParser, type AnswerPieces, PieceCollector, possibleMarker } from './parts.js';

const open = '<tool_call>';
const close = '</tool_call>';

export class TaggedCalls implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private pending = '';
  private call: JsonCall | undefined;
  private number: number | undefined;
  private isInTag = false;

  push(text: string): AnswerPieces {
    this.pending += text;
    while (this.advance()) {
      // Until nothing more is certain.
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    // A model that is cut off, or forgets its closing tag.
    if (this.isInTag) this.abandon();
    this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private advance(): boolean {
    if (!this.isInTag) {
      const at = this.pending.indexOf(open);
      const certain = at >= 0 ? at : this.pending.length - possibleMarker(this.pending, [open]);
      this.pieces.say(this.pending.slice(0, certain));
      this.pending = this.pending.slice(certain);
      if (at < 0) return false;
      this.pending = this.pending.slice(open.length);
      this.isInTag = true;
      this.call = new JsonCall();
      return true;
    }
    const { call } = this;
    if (call?.state === 'open') return this.readCall(call);
    const rest = this.pending.trimStart();
    if (rest.startsWith(close)) {
      this.leave(this.pending.length - rest.length + close.length);
      return true;
    }
    if (close.startsWith(rest)) return false;
    // A model that forgot to close its tag.
    this.leave(0);
    return true;
  }

  private readCall(call: JsonCall): boolean {
    if (this.pending === '') return false;
    let index = 0;
    while (index < this.pending.length && call.state === 'open') {
      call.push(this.pending[index] as string);
      index += 1;
      if (call.isCall && call.name !== undefined) {
        this.number ??= this.pieces.call(call.name);
        this.pieces.arguments(this.number, call.takeArguments());
      }
    }
    this.pending = this.pending.slice(index);
    if (call.state === 'broken' || (call.state === 'complete' && !call.isCall)) {
      this.abandon();
    }
    return true;
  }

  /** What was taken for a call is text, unless a part of it has been passed on as a call. */
  private abandon(): void {
    if (this.number === undefined) this.pieces.say(`${open}${this.call?.raw ?? ''}`);
    this.leave(0);
  }

  private leave(behind: number): void {
    this.pending = this.pending.slice(behind);
    this.isInTag = false;
    this.call = undefined;
    this.number = undefined;
  }
}
