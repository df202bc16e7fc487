/**
 * Messages of gpt-oss: `<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…`. A call is a
 * message to a function: `<|channel|>commentary to=functions.name <|constrain|>json<|message|>{…}<|call|>`.
 */
import { type AnswerParser, type AnswerPieces, PieceCollector, possibleMarker } from './parts.js';

export const harmonyMarkers = [
  '<|start|>',
  '<|channel|>',
  '<|message|>',
  '<|constrain|>',
  '<|end|>',
  '<|call|>',
  '<|return|>',
] as const;

const messageMarker = '<|message|>';
const endMarkers = ['<|end|>', '<|call|>', '<|return|>', '<|start|>'];

type Channel = { readonly kind: 'text' } | { readonly kind: 'reasoning' } | { readonly kind: 'call'; number: number };

export class Harmony implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private pending = '';
  /** Undefined within a header. */
  private channel: Channel | undefined;
  private isFirst = true;

  push(text: string): AnswerPieces {
    this.pending += text;
    while (this.pending !== '' && this.advance()) {
      // Until nothing more is certain.
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    if (this.channel) this.add(this.channel, this.pending);
    else if (this.isFirst && !this.pending.startsWith('<')) this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private advance(): boolean {
    if (this.channel === undefined) {
      // An answer without headers: it was cut off, or the prompt had them.
      if (this.isFirst && !mayBeHeader(this.pending)) {
        this.isFirst = false;
        this.channel = { kind: 'text' };
        return true;
      }
      const at = this.pending.indexOf(messageMarker);
      if (at < 0) return false;
      this.channel = this.channelOf(this.pending.slice(0, at));
      this.pending = this.pending.slice(at + messageMarker.length);
      this.isFirst = false;
      return true;
    }
    const ends = endMarkers.map((marker) => this.pending.indexOf(marker)).filter((at) => at >= 0);
    const at = ends.length === 0 ? undefined : Math.min(...ends);
    const certain = at ?? this.pending.length - possibleMarker(this.pending, endMarkers);
    this.add(this.channel, this.pending.slice(0, certain));
    this.pending = this.pending.slice(certain);
    if (at === undefined) return false;
    this.channel = undefined;
    this.pending = this.pending.replace(/^<\|(?:end|call|return)\|>/, '');
    return true;
  }

  private channelOf(header: string): Channel {
    const recipient = /to=functions\.([\w.-]+)/.exec(header)?.[1];
    if (recipient !== undefined) return { kind: 'call', number: this.pieces.call(recipient) };
    return /<\|channel\|>\s*analysis/.test(header) ? { kind: 'reasoning' } : { kind: 'text' };
  }

  private add(channel: Channel, text: string): void {
    if (channel.kind === 'call') this.pieces.arguments(channel.number, text);
    else if (channel.kind === 'reasoning') this.pieces.think(text);
    else this.pieces.say(text);
  }
}

/** The prompt has begun the message: what follows may be whom it is to. */
function mayBeHeader(text: string): boolean {
  const begun = text.trimStart();
  return begun === '' || begun.startsWith('<') || begun.startsWith('to=') || 'to='.startsWith(begun);
}
