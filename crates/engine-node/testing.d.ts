import type { ChannelProbe, ScriptChannelCallbacks } from './index.js';

/** What a transport's `connect` gives: `ChannelSet` of `@shoal/core` is one. */
export interface ProbedChannelSet {
  readonly channels: readonly (
    | { readonly kind: 'native'; readonly table: bigint }
    | ({ readonly kind: 'script' } & ScriptChannelCallbacks)
  )[];
  readonly mesh?: bigint;
}

export interface ProbedChannels {
  readonly channels: readonly Pick<ChannelProbe, 'facts' | 'statistics' | 'send' | 'receive' | 'abort'>[];
  /** The first message of a tag on any of the channels, by one wait over all of them. */
  receiveFirst(
    tag: bigint,
    capacity: number,
    deadlineMilliseconds: number,
  ): Promise<{ readonly index: number; readonly bytes: Uint8Array }>;
  /** Gives the references back; does not close the set. */
  close(): void;
}

/**
 * Uses the channels of a transport as an engine would, through their C tables; the `probe` of `transportConformance` in
 * `@shoal/core/conformance`.
 */
export function probeChannels(set: ProbedChannelSet): ProbedChannels;
