/**
 * Watches one peer with pings. A node whose process died is noticed by its connection closing; pings are for the rest: a
 * peer that is busy for a while is `stalled`, one that stays silent is cut off. Work in workers does not depend on this:
 * they watch each other natively and much faster.
 */
import { ShoalError } from '../spec/errors.js';
import type { RpcConnection } from './rpc.js';

const pingIntervalMilliseconds = 1000;
/** Silence after which a peer counts as stalled. */
const stalledAfterMilliseconds = 2500;
/** Silence after which it counts as lost. */
const lostAfterMilliseconds = 20_000;

export class Liveness {
  private timer: NodeJS.Timeout | undefined;
  private lastAnswer = 0;
  private lastTick = 0;
  private pinging = false;

  constructor(private readonly connection: () => RpcConnection | undefined) {}

  /** Whether the peer has been silent for longer than a healthy one would be. */
  get stalled(): boolean {
    return this.lastAnswer > 0 && performance.now() - this.lastAnswer > stalledAfterMilliseconds;
  }

  start(): void {
    this.lastAnswer = performance.now();
    this.lastTick = this.lastAnswer;
    this.timer = setInterval(() => this.tick(), pingIntervalMilliseconds);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const now = performance.now();
    // Silence while this process itself did not run says nothing about the peer.
    const ownStall = now - this.lastTick - pingIntervalMilliseconds;
    if (ownStall > pingIntervalMilliseconds) this.lastAnswer += ownStall;
    this.lastTick = now;
    const connection = this.connection();
    if (!connection) return;
    const silence = now - this.lastAnswer;
    if (silence > lostAfterMilliseconds) {
      const who = connection.peer?.nodeName || connection.remote;
      connection.abort(
        new ShoalError('NODE_LOST', `node ${who} has not answered for ${Math.round(silence / 1000)} s`, {
          details: { nodeId: connection.peer?.nodeId },
        }),
      );
      return;
    }
    if (this.pinging) return;
    this.pinging = true;
    connection
      .call('ping', {}, { deadlineMilliseconds: lostAfterMilliseconds })
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
