/**
 * Transports carry activations between the workers of one instance. The TypeScript side hands out native channel
 * handles; no activation byte passes through JavaScript on the hot path. The one documented exception is a
 * `ScriptChannel`, for transports in plain TypeScript: slower, the same frames, the same results.
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

/**
 * Where a worker listens, as JSON for its peers. Opaque to everything but the transport that made it. It is shown in
 * logs: nothing secret stands in it.
 */
export interface TransportEndpoint {
  /** Name of the transport. */
  readonly transport: string;
  /** Name of the machine, for people. */
  readonly host: string;
  readonly [key: string]: unknown;
}

export interface MemberEndpoint extends MemberAddress {
  readonly nodeId: string;
  readonly endpoint: TransportEndpoint;
  /**
   * IP addresses of its machine over which it was reached from here, fastest first, as measured links say; link-local IPv6
   * ones with the zone of the machine that connects. Absent: nothing was measured. Others may work, too.
   */
  readonly preferredAddresses?: readonly string[];
}

/**
 * Which members a transport can join: those of one process, those of one machine, or those of all machines that reach
 * each other. A plan gets only transports that reach all of its members.
 */
export type TransportReach = 'process' | 'machine' | 'network';

/** Host half: whether it can be used, and how it ranks. */
export interface Transport {
  /** Name of the plugin. */
  readonly name: string;
  /** The highest among the transports that all nodes of a plan can use is taken. Shipped: tcp 10, unix 20, memory 30. */
  readonly preference: number;
  readonly reach: TransportReach;
  /** Asked whenever the node is described; never rejects: what is absent is a value with a reason, for people. */
  availability(): Promise<TransportAvailability>;
}

export interface ListenOptions {
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  /** IP address to bind; loopback unless the configuration says otherwise. */
  readonly bindAddress: string;
  /**
   * Further addresses of this machine at which peers may look for the member, best first, link-local IPv6 ones with their
   * zone; one that cannot be bound may be left out.
   */
  readonly otherAddresses?: readonly string[];
}

/** Worker half, in the worker process of each loaded shard; one object for all that the process loads. */
export interface TransportWorker {
  /**
   * Called once for each load, before the peers are known. Binds, and gives the endpoint to tell the peers; nothing is
   * accepted before `connect`. Rejects with ARGUMENT_INVALID or TRANSPORT_* codes.
   */
  listen(options: ListenOptions): Promise<TransportListener>;
}

export interface TransportListener {
  readonly endpoint: TransportEndpoint;
  /**
   * Called at most once, when all members listen; they all connect at the same time. Gives authenticated channels to
   * every peer: both sides have proven that they hold the secret, and are of the same instance and epoch, before
   * anything else is read. An entry for the member itself is to be ignored. Rejects within the deadline with TRANSPORT_*
   * codes and names who is missing as `stage S member M`: TRANSPORT_UNREACHABLE, TRANSPORT_UNAUTHENTICATED,
   * TRANSPORT_EPOCH_MISMATCH; after `close` with TRANSPORT_CLOSED.
   */
  connect(peers: readonly MemberEndpoint[], options: { readonly deadlineMilliseconds: number }): Promise<ChannelSet>;
  /** Stops listening and gives up a `connect` that is under way; channels that exist live on. Idempotent. */
  close(): Promise<void>;
}

/** Channels of one member to all others of its instance. */
export interface ChannelSet {
  /** One for each peer; may be empty where there is a mesh. */
  readonly channels: readonly MemberChannel[];
  /** Handle of a native mesh that already watches these channels; engines prefer it to single channels. */
  readonly mesh?: bigint;
  /**
   * Tells the peers whether the event loop of this member's host is blocked: control messages to it will wait, while its
   * member goes on. Absent where a transport has no way to say it.
   */
  setHostStalled?(stalled: boolean): void;
  /** Peers that said so last. */
  stalledHosts?(): readonly MemberAddress[];
  /**
   * Leaves: what was sent before still arrives, then the peers' receives end with TRANSPORT_CLOSED. Called when the
   * member has stopped, or when a load was given up. Idempotent.
   */
  close(): Promise<void>;
}

/** A channel: a native table, or a script that the native side calls through a shim. */
export type MemberChannel = NativeChannel | ScriptChannel;

export interface NativeChannel {
  readonly kind: 'native';
  readonly peer: MemberAddress;
  /** Address of a `ChannelTable` (crates/abi, which states its rules); valid until the set is closed. */
  readonly table: bigint;
}

/**
 * A channel in plain TypeScript. It carries whole messages, reliably and, within a tag, in order. Every message is
 * copied to and from the JavaScript thread, and a blocked event loop is a silent peer: for memory, tests and transports
 * that exist in JavaScript only.
 */
export interface ScriptChannel {
  readonly kind: 'script';
  readonly peer: MemberAddress;
  /** Longest message that it carries, in bytes; the rows of a step must fit: 256 MiB is plenty. */
  readonly largestMessageBytes: number;
  /** Called once, before the first `send`. Messages that arrived earlier must have been kept. */
  open(receiver: ChannelReceiver): void;
  /**
   * Sends a message, which belongs to the channel from here on. Calls come in order and may overlap: the order of calls
   * is the order on the wire. Resolves when there is room for more; a rejection ends the channel with its code.
   */
  send(tag: bigint, bytes: Uint8Array): Promise<void>;
  /** The member gives the channel up because something failed: tell the peer, then send nothing more. */
  abort(reason: Error): void;
}

/** What a script channel tells the native side. */
export interface ChannelReceiver {
  /** A whole message has arrived; its bytes are copied before this returns. `tag` is a number of 64 bits. */
  message(tag: bigint, bytes: Uint8Array): void;
  /**
   * The channel is over. The code of the error says how: TRANSPORT_CLOSED after a clean leave, TRANSPORT_ABORTED when
   * the peer gave up, TRANSPORT_PEER_LOST for all else.
   */
  end(error: Error & { readonly code?: string }): void;
}
