/** Thoughts at the beginning of an answer, between tags: `<think>…</think>`. What follows another parser reads. */
import { type AnswerParser, type AnswerPieces, possibleMarker } from './parts.js';

export const thinkOpen = '<think>';
export const thinkClose = '</think>';

export class Reasoning implements AnswerParser {
  private state: 'start' | 'thinking' | 'said';
  private pending = '';
  /** White space at the end of a thought, which is none when the thought ends. */
  private held = '';
  private isAtStart = true;

  /** `isOpen`: the prompt has opened the tag already. */
  constructor(
    private readonly rest: AnswerParser,
    isOpen: boolean,
  ) {
    this.state = isOpen ? 'thinking' : 'start';
  }

  push(text: string): AnswerPieces {
    if (this.state === 'said') return this.rest.push(this.behindThought(text));
    this.pending += text;
    if (this.state === 'start' && !this.start()) return nothing;
    if (this.state !== 'thinking') return this.say();
    const at = this.pending.indexOf(thinkClose);
    const certain = at >= 0 ? at : this.pending.length - possibleMarker(this.pending, [thinkClose]);
    const reasoning = this.thought(this.pending.slice(0, certain));
    this.pending = this.pending.slice(certain);
    if (at < 0) return { ...nothing, reasoning };
    this.pending = this.pending.slice(thinkClose.length);
    this.state = 'said';
    this.isAtStart = true;
    return { ...this.say(), reasoning };
  }

  flush(): AnswerPieces {
    if (this.state === 'thinking') {
      const reasoning = this.thought(this.pending);
      this.pending = '';
      return { ...this.rest.flush(), reasoning };
    }
    this.state = 'said';
    const said = this.say();
    const last = this.rest.flush();
    return { ...last, text: said.text + last.text, toolCalls: [...said.toolCalls, ...last.toolCalls] };
  }

  /** False when it is not known yet whether the answer begins with a thought. */
  private start(): boolean {
    const text = this.pending.trimStart();
    if (text === '' || (text.length < thinkOpen.length && thinkOpen.startsWith(text))) return false;
    if (text.startsWith(thinkOpen)) {
      this.pending = text.slice(thinkOpen.length);
      this.state = 'thinking';
    } else {
      this.state = 'said';
      this.isAtStart = false;
    }
    return true;
  }

  private say(): AnswerPieces {
    const text = this.behindThought(this.pending);
    this.pending = '';
    return this.rest.push(text);
  }

  /** The empty lines between thought and answer are neither's. */
  private behindThought(text: string): string {
    if (!this.isAtStart || this.state !== 'said') return text;
    const trimmed = text.trimStart();
    if (trimmed !== '') this.isAtStart = false;
    return trimmed;
  }

  private thought(text: string): string {
    const begun = this.isAtStart ? text.trimStart() : text;
    if (begun === '') return '';
    this.isAtStart = false;
    const kept = begun.trimEnd();
    if (kept === '') {
      this.held += begun;
      return '';
    }
    const thought = this.held + kept;
    this.held = begun.slice(kept.length);
    return thought;
  }
}

const nothing: AnswerPieces = { text: '', reasoning: '', toolCalls: [] };
