/**
 * Watches one peer. A node whose process died is noticed by its connection closing; this is for the rest. Pulses show
 * within little more than a second that nothing reaches it any more, and that a blocked event loop is no loss; control
 * pings say whether it answers, and are all there is where no pulse gets through.
 */
import { ShoalError } from '../spec/errors.js';
import { judge, livenessTimes, type Verdict } from './liveness-rules.js';
import type { PulseView } from './pulse/pulses.js';
import type { RpcConnection } from './rpc.js';

const tickMilliseconds = 1000;
/** A timer that is so late shows that this process did not run. */
const ownStallMilliseconds = 150;
/** What comes so soon after a question may have lain in this machine's buffers. */
const buffersEmptyAfterMilliseconds = 20;

export interface LivenessOptions {
  readonly connection: () => RpcConnection | undefined;
  readonly pulse: () => PulseView;
  /** The peer is lost: everything it is connected by is to be cut. */
  readonly cut: (error: ShoalError) => void;
}

interface Question {
  askedAt: number;
  answered: boolean;
}

export class Liveness {
  private ticking: NodeJS.Timeout | undefined;
  private deciding: NodeJS.Timeout | undefined;
  private lastAnswer = 0;
  private lastTick = 0;
  private lastPing = 0;
  private pinging = false;
  private question: Question | undefined;
  private running = false;

  constructor(private readonly options: LivenessOptions) {}

  /** Whether the peer is connected but has been silent for longer than a healthy one would be. */
  get stalled(): boolean {
    return this.running && this.verdict().state === 'stalled';
  }

  start(): void {
    const now = performance.now();
    this.running = true;
    this.lastAnswer = now;
    this.lastPing = now;
    // All peers at the same moments: an idle node then wakes once a second for them, not once for each.
    const untilNext = tickMilliseconds - (now % tickMilliseconds);
    this.lastTick = now + untilNext - tickMilliseconds;
    this.ticking = setTimeout(() => {
      this.ticking = setInterval(() => this.tick(), tickMilliseconds);
      this.ticking.unref();
      this.tick();
    }, untilNext);
    this.ticking.unref();
  }

  stop(): void {
    this.running = false;
    clearInterval(this.ticking);
    clearTimeout(this.deciding);
  }

  /** The pulses say something new. */
  pulseChanged(): void {
    if (!this.running) return;
    const { state } = this.options.pulse();
    if (state === 'heard' || state === 'unproven') this.question = undefined;
    else if (state === 'suspected' || state === 'silent') {
      this.question ??= this.ask();
      this.decideIn(this.remainingOf(this.question));
    }
  }

  private tick(): void {
    const now = performance.now();
    // Silence while this process itself did not run says nothing about the peer.
    const late = now - this.lastTick - tickMilliseconds;
    if (late > ownStallMilliseconds) this.lastAnswer += late;
    this.lastTick = now;
    const pulse = this.options.pulse();
    const interval =
      pulse.state === 'heard'
        ? livenessTimes.pingIntervalWithPulsesMilliseconds
        : livenessTimes.pingIntervalMilliseconds;
    // What came of itself says as much as an answer.
    const lastNews = Math.max(this.lastPing, this.options.connection()?.lastHeardAt ?? 0);
    if (now - lastNews >= interval - ownStallMilliseconds) this.ping();
    this.decide();
  }

  private verdict(): Verdict {
    const now = performance.now();
    const pulse = this.options.pulse();
    const isPulsing = pulse.state === 'heard' || pulse.state === 'suspected';
    // A blocked loop explains the silence; when it turns again, the count begins anew.
    if (isPulsing && pulse.isLoopStalled) this.lastAnswer = now;
    const heardAt = this.options.connection()?.lastHeardAt ?? 0;
    this.lastAnswer = Math.max(this.lastAnswer, heardAt);
    const { question } = this;
    if (question && heardAt > question.askedAt + buffersEmptyAfterMilliseconds) question.answered = true;
    return judge({
      pulse: pulse.state,
      isLoopStalled: pulse.isLoopStalled,
      controlSilenceMilliseconds: now - this.lastAnswer,
      unansweredMilliseconds: question && !question.answered ? now - question.askedAt : undefined,
    });
  }

  private decide(): void {
    if (!this.running) return;
    const verdict = this.verdict();
    if (verdict.state !== 'lost') return;
    const connection = this.options.connection();
    const who = connection?.peer?.nodeName || connection?.remote || 'unknown';
    this.stop();
    const details = { nodeId: connection?.peer?.nodeId, nodeName: who };
    this.options.cut(new ShoalError('NODE_LOST', `node ${who} ${verdict.why}`, { details }));
  }

  private decideIn(milliseconds: number): void {
    clearTimeout(this.deciding);
    const due = performance.now() + milliseconds;
    this.deciding = setTimeout(() => {
      const late = performance.now() - due;
      if (late > ownStallMilliseconds && this.question) {
        // The answer may have come while this process did not run.
        this.question.askedAt += late;
        this.decideIn(this.remainingOf(this.question));
      } else setImmediate(() => this.decide());
    }, milliseconds);
    this.deciding.unref();
  }

  private remainingOf(question: Question): number {
    return Math.max(0, question.askedAt + livenessTimes.answerWithinMilliseconds - performance.now());
  }

  private ask(): Question {
    const question: Question = { askedAt: performance.now(), answered: false };
    this.options
      .connection()
      ?.call('ping', {}, { deadlineMilliseconds: livenessTimes.lostAfterMilliseconds })
      .then(
        () => {
          question.answered = true;
          this.lastAnswer = performance.now();
        },
        () => undefined,
      );
    return question;
  }

  private ping(): void {
    const connection = this.options.connection();
    if (this.pinging || !connection) return;
    this.pinging = true;
    this.lastPing = performance.now();
    connection
      .call('ping', {}, { deadlineMilliseconds: livenessTimes.lostAfterMilliseconds })
      .then(
        () => {
          this.lastAnswer = performance.now();
        },
        () => undefined,
      )
      .finally(() => {
        this.pinging = false;
      });
  }
}
