/** The text side of one choice: tokens become text, and stop texts end it. */
import { StopText } from '../model/stop-text.js';
import type { EngineEvent, TokenLogProbabilities } from '../spec/engine.js';
import type { TextSide } from './text-side.js';
import type { FinishedChoice, GeneratedToken, TokenProbability } from './worker-protocol.js';

type TokenEvent = Extract<EngineEvent, { kind: 'token' }>;
type FinishedEvent = Extract<EngineEvent, { kind: 'request-finished' }>;

export class Answer {
  private readonly detokenizer;
  private readonly stopText: StopText;
  private lastToken: number | undefined;
  private generatedTokens = 0;
  private stop: string | undefined;

  constructor(
    private readonly textSide: TextSide,
    private readonly endTokens: ReadonlySet<number>,
    stopTexts: readonly string[],
  ) {
    this.detokenizer = textSide.stream();
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
    return { choice, index, token, text, ...explained };
  }

  finished(event: FinishedEvent): FinishedChoice {
    const { kind: _kind, requestId: _requestId, ...finished } = event;
    const { generatedTokens } = this;
    if (this.stop !== undefined)
      return { ...finished, generatedTokens, reason: 'stop', stoppedBy: this.stop, text: '' };
    const { text, stop } = this.stopText.push(this.detokenizer?.flush() ?? '');
    if (stop !== undefined) return { ...finished, reason: 'stop', stoppedBy: stop, text };
    const stoppedBy = finished.reason === 'stop' ? this.lastToken : undefined;
    return { ...finished, ...(stoppedBy === undefined ? {} : { stoppedBy }), text: text + this.stopText.flush() };
  }

  private explain(token: number, { logProbability, alternatives }: TokenLogProbabilities) {
    const named = (one: Omit<TokenProbability, 'text'>) => ({ ...one, text: this.textSide.textOf(one.token) });
    return { logProbability, text: this.textSide.textOf(token), alternatives: alternatives.map(named) };
  }
}
