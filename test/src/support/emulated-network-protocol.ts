// What is said to the network emulator and what it says; test/wire/src/protocol.rs and rule.rs are the other side.

/** What a path does to frames. The empty rule is a perfect path. */
export interface PathRule {
  readonly delay?: Delay;
  readonly bandwidth?: Bandwidth;
  readonly loss?: Loss;
  /** Frames that arrive twice. */
  readonly duplicate?: { readonly probability: number };
  /** Frames that are held back, so that later ones overtake them. */
  readonly reorder?: { readonly probability: number; readonly microseconds: number };
  /** Frames of which one bit is turned. */
  readonly corrupt?: { readonly probability: number };
  /** Longer frames vanish without a word. */
  readonly largestFrameBytes?: number;
  /** Frames to a group address vanish; broadcasts do not. */
  readonly dropsMulticast?: boolean;
}

export interface Delay {
  /** One way. With `normal` jitter the mean, with the others the least. */
  readonly microseconds: number;
  readonly jitter?: Jitter;
  /** Whether a frame that drew less jitter than the one before it overtakes it. */
  readonly overtakes?: boolean;
}

export type Jitter =
  | { readonly distribution: 'uniform' | 'normal'; readonly microseconds: number }
  | {
      readonly distribution: 'pareto';
      readonly microseconds: number;
      readonly shape?: number;
      readonly atMostMicroseconds?: number;
    };

export interface Bandwidth {
  readonly bitsPerSecond: number;
  /** What may leave at once after a pause; none unless given. */
  readonly burstBytes?: number;
  /** What may wait; 50 ms worth and at least 64 KiB unless given. */
  readonly queueBytes?: number;
}

export type Loss =
  | { readonly model: 'random'; readonly probability: number }
  | {
      /** Probabilities a frame: that a burst begins or ends, and to be lost outside and within one. */
      readonly model: 'bursts';
      readonly begins: number;
      readonly ends: number;
      readonly outside?: number;
      readonly within?: number;
    };

/** A place is `host`, `host/interface`, or `*` for all. */
export type NetworkChange =
  | { readonly order: 'rule'; readonly from: string; readonly to: string; readonly rule: PathRule }
  | { readonly order: 'cable'; readonly at: string; readonly direction: 'up' | 'down'; readonly rule: PathRule }
  | { readonly order: 'cut' | 'mend'; readonly from: string; readonly to: string }
  | { readonly order: 'partition'; readonly groups: readonly (readonly string[])[] }
  | { readonly order: 'heal' }
  | { readonly order: 'unplug' | 'plug'; readonly at: string };

export interface TimedOrder {
  readonly atMilliseconds: number;
  readonly do: NetworkChange;
}

export type Order =
  | NetworkChange
  | { readonly order: 'statistics' }
  | { readonly order: 'play'; readonly timeline: readonly TimedOrder[] };

export interface Description {
  readonly seed: number;
  readonly hosts: readonly {
    readonly name: string;
    readonly interfaces: readonly {
      readonly name: string;
      readonly segment: string;
      readonly address?: string;
      readonly ipv6Address?: string;
      readonly mtuBytes?: number;
    }[];
  }[];
}

export interface Opened {
  readonly hosts: readonly { readonly name: string; readonly networkNamespace: string }[];
  readonly userNamespace: string | null;
  readonly priorityRaised: boolean;
}

/** What has befallen frames. */
export interface PathStatistics {
  readonly frames: number;
  readonly bytes: number;
  readonly passed: number;
  readonly bytesPassed: number;
  readonly lost: number;
  readonly cut: number;
  readonly overflowed: number;
  readonly tooLong: number;
  readonly multicastDropped: number;
  readonly duplicated: number;
  readonly heldBack: number;
  readonly corrupted: number;
  readonly delayed: number;
  readonly delayMicroseconds: number;
  readonly longestQueueBytes: number;
}

export interface NetworkReport {
  /** Directions between interfaces, `host/interface`, of one segment. */
  readonly pairs: readonly (PathStatistics & {
    readonly from: string;
    readonly to: string;
    readonly isCut: boolean;
  })[];
  readonly cables: readonly { readonly at: string; readonly up: PathStatistics; readonly down: PathStatistics }[];
  /** How well the emulator keeps its word. */
  readonly precision: {
    readonly delivered: number;
    readonly refused: number;
    readonly meanLateMicroseconds: number;
    readonly worstLateMicroseconds: number;
  };
  readonly onTheirWay: number;
  readonly processorSeconds: number;
}
