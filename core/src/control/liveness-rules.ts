/** What is to be thought of a peer, from its pulses and from its control connection. Pure. */
import type { PulseState } from './pulse/pulse-track.js';

export interface LivenessFacts {
  /** `none`: there are no pulses with this peer, because it is on this machine or cannot have any. */
  readonly pulse: PulseState | 'none';
  /** Whether its event loop turns, as its pulses say. */
  readonly isLoopStalled: boolean;
  /** Since anything came over the control connection, without time in which this process did not run. */
  readonly controlSilenceMilliseconds: number;
  /** Since it was asked because its pulses had stopped; undefined when it was not, or has answered. */
  readonly unansweredMilliseconds: number | undefined;
}

export const livenessTimes = {
  /** Between pings while pulses come, which say more. */
  pingIntervalWithPulsesMilliseconds: 5000,
  pingIntervalMilliseconds: 1000,
  /** Control silence after which a peer without pulses counts as stalled. */
  stalledAfterMilliseconds: 2500,
  /** The same where pings are rare. */
  stalledAfterWithPulsesMilliseconds: 7500,
  /** Control silence after which a peer is cut off whose pulses do not speak for it. */
  lostAfterMilliseconds: 20_000,
  /** How long a peer without pulses has to answer before it is unreachable. */
  answerWithinMilliseconds: 400,
} as const;

export type Verdict =
  | { readonly state: 'connected' }
  | { readonly state: 'stalled' }
  /** To be cut off. `why`: for its error, after the node's name. */
  | { readonly state: 'lost'; readonly why: string };

/**
 * | pulses | control connection | verdict |
 * |---|---|---|
 * | come | answers | connected |
 * | come and say that the loop is blocked | silent | stalled, however long |
 * | come and say that the loop turns | silent for long | lost: the connection itself is dead |
 * | stopped | does not answer a question either | lost |
 * | stopped | answers | connected: datagrams are blocked now |
 * | never came, or there are none | answers, is silent, is silent for long | connected, stalled, lost |
 */
export function judge(facts: LivenessFacts): Verdict {
  const { pulse, isLoopStalled, controlSilenceMilliseconds: silence, unansweredMilliseconds: unanswered } = facts;
  const seconds = `${Math.round(silence / 1000)} s`;
  if (pulse === 'heard' || pulse === 'suspected') {
    if (isLoopStalled) return { state: 'stalled' };
    if (silence >= livenessTimes.lostAfterMilliseconds) {
      return { state: 'lost', why: `lives, but its control connection has been silent for ${seconds}` };
    }
    return { state: silence >= livenessTimes.stalledAfterWithPulsesMilliseconds ? 'stalled' : 'connected' };
  }
  if (pulse === 'silent' && unanswered !== undefined) {
    if (unanswered < livenessTimes.answerWithinMilliseconds) return { state: 'connected' };
    return { state: 'lost', why: 'is unreachable: its pulses have stopped and it does not answer' };
  }
  if (silence >= livenessTimes.lostAfterMilliseconds) {
    return { state: 'lost', why: `has not answered for ${seconds}` };
  }
  return { state: silence >= livenessTimes.stalledAfterMilliseconds ? 'stalled' : 'connected' };
}
