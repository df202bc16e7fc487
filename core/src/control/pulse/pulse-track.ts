/**
 * What the pulses of one peer say, by a clock that is given: pure, so that every case can be tested.
 *
 * A peer that was heard is `heard` until nothing has come for a while, then `suspected`: a burst of pulses that want
 * answers decides within a moment whether it is `silent`. A false alarm costs more than a late one, so it takes two
 * regular pulses and all of the burst to be lost.
 */
import type { Pulse } from './pulse-packet.js';

/** `unproven`: no pulse has ever come; perhaps the network lets none through. */
export type PulseState = 'unproven' | 'heard' | 'suspected' | 'silent';

export const pulseTimes = {
  /** Between regular pulses. */
  intervalMilliseconds: 400,
  /** Silence that makes a peer suspected. */
  suspectedAfterMilliseconds: 850,
  /** Between the pulses of the burst. */
  burstIntervalMilliseconds: 75,
  /** Silence, burst included, after which nothing more is expected. */
  silentAfterMilliseconds: 1250,
  /** An event loop that has not turned for so long is stalled. */
  loopStalledAfterMilliseconds: 2000,
  /** Between pulses to a peer that is lost but may come back. */
  lostIntervalMilliseconds: 1000,
  /** How long such a peer is waited for. */
  lostPatienceMilliseconds: 600_000,
} as const;

export class PulseTrack {
  state: PulseState = 'unproven';
  /** Whether the peer's event loop turns, as its pulses say. */
  isLoopStalled = false;
  private lastHeardAt = 0;
  private highestSequence = -1;

  /** A pulse whose proof is right. False when it is old: repeated by the network, or by somebody else. */
  heard(pulse: Pulse, now: number): boolean {
    if (pulse.sequence <= this.highestSequence) return false;
    this.highestSequence = pulse.sequence;
    this.lastHeardAt = now;
    this.state = 'heard';
    this.isLoopStalled = pulse.loopSilenceMilliseconds >= pulseTimes.loopStalledAfterMilliseconds;
    return true;
  }

  /** Time in which the observer itself did not run says nothing about the peer. */
  forgive(milliseconds: number): void {
    this.lastHeardAt += milliseconds;
  }

  silenceMilliseconds(now: number): number {
    return now - this.lastHeardAt;
  }

  /** Brings the state up to date. */
  look(now: number): void {
    const silence = this.silenceMilliseconds(now);
    if (this.state === 'heard' && silence >= pulseTimes.suspectedAfterMilliseconds) this.state = 'suspected';
    if (this.state === 'suspected' && silence >= pulseTimes.silentAfterMilliseconds) this.state = 'silent';
  }

  /** When `look` may find something new; undefined: not before a pulse comes. */
  nextLookAt(now: number): number | undefined {
    if (this.state === 'heard') return this.lastHeardAt + pulseTimes.suspectedAfterMilliseconds;
    if (this.state !== 'suspected') return undefined;
    const silentAt = this.lastHeardAt + pulseTimes.silentAfterMilliseconds;
    return Math.min(now + pulseTimes.burstIntervalMilliseconds, silentAt);
  }
}
