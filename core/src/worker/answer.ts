/** The text side of one choice: tokens become text, and stop texts end it. */
import { randomInt } from 'node:crypto';
import type { AnswerParser, AnswerPieces } from '../model/answer/parts.js';
import { StopText } from '../model/stop-text.js';
import type { EngineEvent, TokenLogProbabilities } from '../spec/engine.js';
import type { AnswerReading, TextSide } from './text-side.js';
import type { AnswerExtras, FinishedChoice, GeneratedToken, TokenProbability } from './worker-protocol.js';

type TokenEvent = Extract<EngineEvent, { kind: 'token' }>;
type FinishedEvent = Extract<EngineEvent, { kind: 'request-finished' }>;

export class Answer {
  private readonly detokenizer;
  private readonly stopText: StopText;
  private readonly parser: AnswerParser | undefined;
  private lastToken: number | undefined;
  private generatedTokens = 0;
  private stop: string | undefined;

  constructor(
    private readonly textSide: TextSide,
    private readonly endTokens: ReadonlySet<number>,
    stopTexts: readonly string[],
    reading: AnswerReading,
  ) {
    this.detokenizer = textSide.stream(reading.shownTokens);
    this.parser = reading.parser();
    this.stopText = new StopText(stopTexts);
  }

  /** Whether a stop text has ended it: the engine may not know yet. */
  get isStopped(): boolean {
    return this.stop !== undefined;
  }

  /** Undefined for what comes after the end. */
  token({ choice, index, token, logProbabilities }: TokenEvent): GeneratedToken | undefined {
    if (this.isStopped) return undefined;
    this.lastToken = token;
    this.generatedTokens += 1;
    // An end token says that the text has ended; it is not part of it.
    const added = this.endTokens.has(token) ? '' : (this.detokenizer?.push(token) ?? '');
    const { text, stop } = this.stopText.push(added);
    this.stop = stop;
    const explained = logProbabilities && { logProbabilities: this.explain(token, logProbabilities) };
    return { choice, index, token, ...this.parsed(text), ...explained };
  }

  finished(event: FinishedEvent): FinishedChoice {
    const { kind: _kind, requestId: _requestId, ...finished } = event;
    const { generatedTokens } = this;
    if (this.stop !== undefined) {
      return { ...finished, generatedTokens, reason: 'stop', stoppedBy: this.stop, ...this.parsed('', true) };
    }
    const { text, stop } = this.stopText.push(this.detokenizer?.flush() ?? '');
    if (stop !== undefined) return { ...finished, reason: 'stop', stoppedBy: stop, ...this.parsed(text, true) };
    const stoppedBy = finished.reason === 'stop' ? this.lastToken : undefined;
    const rest = this.parsed(text + this.stopText.flush(), true);
    return { ...finished, ...(stoppedBy === undefined ? {} : { stoppedBy }), ...rest };
  }

  /** What is said, thought and called in a piece of the answer. */
  private parsed(text: string, isEnd = false): { text: string } & AnswerExtras {
    const { parser } = this;
    if (!parser) return { text };
    const pieces = [parser.push(text), ...(isEnd ? [parser.flush()] : [])];
    const joined = (field: 'text' | 'reasoning') => pieces.map((one) => one[field]).join('');
    const reasoning = joined('reasoning');
    const toolCalls = pieces.flatMap((one) => one.toolCalls).map(withId);
    return {
      text: joined('text'),
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    };
  }

  private explain(token: number, { logProbability, alternatives }: TokenLogProbabilities) {
    const named = (one: Omit<TokenProbability, 'text'>) => ({ ...one, text: this.textSide.textOf(one.token) });
    return { logProbability, text: this.textSide.textOf(token), alternatives: alternatives.map(named) };
  }
}

const idAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Nine letters and digits: the only ids that the templates of all families take. */
function withId(piece: AnswerPieces['toolCalls'][number]) {
  if (piece.name === undefined) return piece;
  const id = Array.from({ length: 9 }, () => idAlphabet[randomInt(idAlphabet.length)]).join('');
  return { ...piece, id };
}
