/**
 * Whether the host's event loop turns, from the heartbeats that it sends over the pipe. A host whose loop is blocked
 * still lives, and so does this member: peers are told, so that they wait instead of taking it for lost.
 */
import { hostHeartbeatMilliseconds } from './worker-protocol.js';

/** Looks without a heartbeat after which the host counts as stalled. */
const quietLooks = 6;

export class HostWatch {
  private looks = 0;
  private stalled = false;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly onChange: (stalled: boolean) => void) {
    // Looks are counted, not time: while this process itself is stopped or starved, there are none.
    this.timer = setInterval(() => this.look(), hostHeartbeatMilliseconds);
    this.timer.unref();
  }

  /** Something came from the host. */
  heard(): void {
    this.looks = 0;
    this.change(false);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.looks += 1;
    if (this.looks > quietLooks) this.change(true);
  }

  private change(stalled: boolean): void {
    if (this.stalled === stalled) return;
    this.stalled = stalled;
    this.onChange(stalled);
  }
}
