/** What an answer's text is made of. */

/** A piece of a call: the first one of a call has its name, the pieces of its arguments in a row are JSON text. */
export interface ToolCallPiece {
  /** Number of the call in the answer, from 0. */
  readonly index: number;
  readonly name?: string;
  readonly arguments: string;
}

export interface AnswerPieces {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCallPiece[];
}

/**
 * Cuts an answer into what is said, what is thought and what is called, as its text comes. How the text is cut into pieces
 * makes no difference to what all pieces are together. What is no call after all is text.
 */
export interface AnswerParser {
  push(text: string): AnswerPieces;
  /** The rest, when nothing follows. */
  flush(): AnswerPieces;
}

/** Gathers pieces. */
export class PieceCollector {
  private text = '';
  private reasoning = '';
  private toolCalls: ToolCallPiece[] = [];
  private calls = 0;
  /** White space that is only text when text follows. */
  private held = '';
  private isBehindCall = false;

  /** How many calls have begun. */
  get callCount(): number {
    return this.calls;
  }

  say(said: string): void {
    // Behind a call white space means nothing.
    const text = this.isBehindCall ? said.trimStart() : said;
    if (text === '') return;
    this.isBehindCall = false;
    const kept = text.trimEnd();
    if (kept !== '') {
      this.text += this.held + kept;
      this.held = '';
    }
    this.held += text.slice(kept.length);
  }

  think(text: string): void {
    this.reasoning += text;
  }

  /** Begins a call; returns its number. */
  call(name: string): number {
    this.held = '';
    this.isBehindCall = true;
    this.toolCalls.push({ index: this.calls, name, arguments: '' });
    this.calls += 1;
    return this.calls - 1;
  }

  arguments(index: number, text: string): void {
    if (text === '') return;
    const last = this.toolCalls.at(-1);
    if (last?.index === index) {
      this.toolCalls[this.toolCalls.length - 1] = { ...last, arguments: last.arguments + text };
    } else this.toolCalls.push({ index, arguments: text });
  }

  /** What has come since the last time. */
  take(isEnd = false): AnswerPieces {
    if (isEnd && this.calls === 0) this.text += this.held;
    if (isEnd) this.held = '';
    const { text, reasoning, toolCalls } = this;
    this.text = '';
    this.reasoning = '';
    this.toolCalls = [];
    return { text, reasoning, toolCalls };
  }
}

/** How many characters at the end of a text might be the beginning of a marker. */
export function possibleMarker(text: string, markers: readonly string[]): number {
  let longest = 0;
  for (const marker of markers) {
    for (let length = Math.min(marker.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(marker.slice(0, length))) longest = length;
    }
  }
  return longest;
}
