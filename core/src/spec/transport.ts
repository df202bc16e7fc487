/**
 * Transports carry activations between the workers of one instance. The TypeScript side hands out native channel
 * handles; no activation byte passes through JavaScript on the hot path.
 */

export type TransportAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly remedy?: string };

/** Which member of an instance. */
export interface MemberAddress {
  readonly stage: number;
  readonly member: number;
}

/** Everything the channels of one load share. It travels only over the authenticated control plane. */
export interface LoadCredentials {
  /** Identifies the instance on the wire; random, 16 hex digits. */
  readonly instance: string;
  readonly epoch: number;
  /** 32 random bytes in hex, made for this load and gone with it. */
  readonly secret: string;
}

/** Where a worker listens, as JSON for its peers. Opaque to everything but the transport that made it. */
export interface TransportEndpoint {
  readonly transport: string;
  readonly host: string;
  readonly [key: string]: unknown;
}

export interface MemberEndpoint extends MemberAddress {
  readonly nodeId: string;
  readonly endpoint: TransportEndpoint;
}

/** Host half: whether it can be used, and how it ranks. */
export interface Transport {
  readonly name: string;
  /** Higher is tried first between a pair that shares several. */
  readonly preference: number;
  availability(): Promise<TransportAvailability>;
}

export interface ListenOptions {
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  /** Address to bind; loopback unless the configuration says otherwise. */
  readonly bindAddress: string;
}

/** Worker half. */
export interface TransportWorker {
  /** Binds and returns the endpoint to tell the peers; nothing is accepted before `connect`. */
  listen(options: ListenOptions): Promise<TransportListener>;
}

export interface TransportListener {
  readonly endpoint: TransportEndpoint;
  /** Authenticated channels to every other member; rejects with TRANSPORT_* naming who is missing. */
  connect(peers: readonly MemberEndpoint[], options: { readonly deadlineMilliseconds: number }): Promise<ChannelSet>;
  close(): Promise<void>;
}

/** Channels of one member to all others of its instance. */
export interface ChannelSet {
  readonly channels: readonly { readonly peer: MemberAddress; readonly table: bigint }[];
  /** Address of a native mesh that already watches these channels; engines prefer it to single tables. */
  readonly mesh?: bigint;
  close(): Promise<void>;
}
