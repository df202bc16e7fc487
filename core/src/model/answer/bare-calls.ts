/**
 * Calls without tags, as of Llama 3: the answer is `{"name": …, "parameters": {…}}`, several with `;` between them,
 * perhaps behind `<|python_tag|>`. Only names of the tools that were offered make a call of it: a model may also be asked
 * to say JSON.
 */
import { JsonCall } from './json-call.js';
import { type AnswerParser, type AnswerPieces, PieceCollector } from './parts.js';

export const pythonTag = '<|python_tag|>';

export class BareCalls implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private state: 'start' | 'call' | 'between' | 'text' = 'start';
  private pending = '';
  /** What was passed over since it is white space or a sign between calls; text if no call follows. */
  private skipped = '';
  private call = new JsonCall();
  private number: number | undefined;

  constructor(private readonly names: ReadonlySet<string>) {}

  push(text: string): AnswerPieces {
    this.pending += text;
    while (this.pending !== '' && this.advance()) {
      // Until nothing more is certain.
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    if (this.state === 'call' && this.number === undefined) this.giveUp();
    this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private advance(): boolean {
    switch (this.state) {
      case 'start':
        return this.start();
      case 'call':
        return this.read();
      case 'between':
        return this.between();
      case 'text':
        this.pieces.say(this.pending);
        this.pending = '';
        return false;
    }
  }

  private start(): boolean {
    const rest = this.pending.trimStart();
    this.skipped += this.pending.slice(0, this.pending.length - rest.length);
    this.pending = rest;
    if (rest === '' || (rest.length < pythonTag.length && pythonTag.startsWith(rest))) return false;
    if (rest.startsWith(pythonTag)) {
      // The marker itself is never text.
      this.pending = rest.slice(pythonTag.length);
      return true;
    }
    if (rest.startsWith('{')) this.begin();
    else this.giveUp();
    return true;
  }

  private read(): boolean {
    const { call } = this;
    let index = 0;
    while (index < this.pending.length && call.state === 'open') {
      call.push(this.pending[index] as string);
      index += 1;
      if (!call.isCall || call.name === undefined || !this.names.has(call.name)) continue;
      this.number ??= this.pieces.call(call.name);
      this.pieces.arguments(this.number, call.takeArguments());
    }
    this.pending = this.pending.slice(index);
    if (call.state === 'open') return false;
    if (this.number === undefined) {
      this.giveUp();
      return true;
    }
    this.state = call.state === 'complete' ? 'between' : 'text';
    this.call = new JsonCall();
    return true;
  }

  private between(): boolean {
    const rest = this.pending.replace(/^[\s;,]+/, '');
    this.skipped += this.pending.slice(0, this.pending.length - rest.length);
    this.pending = rest;
    if (rest === '' || (rest.length < pythonTag.length && pythonTag.startsWith(rest))) return false;
    if (rest.startsWith(pythonTag)) this.pending = rest.slice(pythonTag.length);
    else if (rest.startsWith('{')) this.begin();
    else this.giveUp();
    return true;
  }

  private begin(): void {
    this.call = new JsonCall();
    this.number = undefined;
    this.state = 'call';
  }

  private giveUp(): void {
    this.pieces.say(this.skipped + this.call.raw);
    this.call = new JsonCall();
    this.skipped = '';
    this.state = 'text';
  }
}
