/**
 * The native engine as JavaScript sees it. The classes hold native objects, which are freed by `close` or when the
 * process ends; all but members also when the garbage collector finds them. Errors carry a stable `code`; promises
 * reject with such errors.
 *
 * Importing this package throws an error with the code `ENGINE_UNAVAILABLE` where no addon can be loaded.
 */

/** Version of the loaded addon. */
export function version(): string;

/** An open device. */
export class NativeDeviceHandle {
  private constructor();
  /** Address of the device's `BackendTable`, valid until `close`; throws `BACKEND_DEVICE_UNAVAILABLE` afterwards. */
  readonly table: bigint;
  /** Gives the device up; a member that uses it keeps it until the member closes. Idempotent. */
  close(): void;
}

/** Rows `[from, to)` of axis 0. */
type RowRange = readonly [from: number, to: number];

/**
 * A device in JavaScript; `ScriptDevice` of `@shoal/core` is one. Programs, steps and operations have the types of
 * `core/src/spec`; this package does not depend on them.
 */
export interface ScriptDeviceCallbacks {
  compile(
    program: never,
    weights: { read(weightName: string, rows: RowRange, into: Float32Array): void },
    options: never,
  ): Promise<ScriptExecutableCallbacks>;
}

export interface ScriptExecutableCallbacks {
  slotOperation(operation: never): void;
  beginStep(step: never): void;
  execute(segment: number, boundary: ReadonlyMap<string, Float32Array>): void;
  endStep(): void;
  release(): void;
}

export interface ScriptDeviceOptions {
  /** Longest time for one call of a step; afterwards the executable is lost. Default 60,000. */
  readonly callTimeoutMilliseconds?: number;
  /** Longest time of a compile without a weight being read. Default 600,000. */
  readonly compileTimeoutMilliseconds?: number;
}

/**
 * Lets a device in JavaScript run in a native member: the member's thread asks the JavaScript thread of the caller and
 * waits. The arrays in `boundary` lie over memory that both share.
 *
 * Closing the handle, or the end of the JavaScript environment, fails what waits with `ENGINE_ABORTED`. The handle does
 * not close `device`.
 */
export function createScriptDevice(device: ScriptDeviceCallbacks, options?: ScriptDeviceOptions): NativeDeviceHandle;

/** The processor as ggml sees it. */
export interface CpuProperties {
  /** Name to open it by. */
  readonly id: string;
  /** The hardware's name. */
  readonly name: string;
  /** Instruction sets that are in use, such as `AVX512_VNNI`. */
  readonly features: readonly string[];
  /** The variant of the CPU library that fits best, such as `ggml-cpu-zen4`. */
  readonly library: string;
  /** Version of ggml. */
  readonly libraryVersion: string;
  /** The folder that ggml's libraries were loaded from. */
  readonly libraryDirectory: string;
  /** Memory of the machine; what a container may use of it is for the caller to find out. */
  readonly memoryTotalBytes: number;
  /** Hardware threads that this process may use. */
  readonly coreCount: number;
  /** Rows of a matrix must be cut in multiples of this, by storage type. */
  readonly rowTile: Readonly<Record<string, number>>;
}

/**
 * Looks at the processor; never throws. `unavailable` is `CODE: message`. A process loads ggml once: the folder of the
 * first call, or of the first device, is that of all later ones.
 */
export function probeCpu(libraryDirectory?: string): CpuProperties | { readonly unavailable: string };

export interface GgmlDeviceOptions {
  /** Name of the device, for example `cpu`. */
  readonly device: string;
  /** Compute threads; absent: one for each core. */
  readonly threads?: number;
  /** Folder of ggml's libraries; absent: found beside the addon or where it was built. */
  readonly libraryDirectory?: string;
}

/** Opens a device of ggml; throws `BACKEND_*` codes. */
export function openGgmlDevice(options: GgmlDeviceOptions): NativeDeviceHandle;

export interface MeasureGgmlOptions {
  readonly device: GgmlDeviceOptions;
  /** Names as in programs, such as `q4_0`. */
  readonly storageTypes: readonly string[];
  /** Whether to measure one core beside all of them; default no. */
  readonly oneCore?: boolean;
  /** Bytes of weights to decode through, about: several times what the caches hold. */
  readonly weightBytes: number;
  /** Time for the rounds of each figure, beside laying out its weights. */
  readonly durationMilliseconds: number;
}

/** Figures, or `CODE: message`. */
export type GgmlRate =
  | { readonly decodeBytesPerSecond: number; readonly prefillOperationsPerSecond: number }
  | { readonly failure: string };

export interface GgmlMeasurement {
  /** In the order that was asked for. */
  readonly rates: readonly (GgmlRate & { readonly storage: string; readonly oneCore?: GgmlRate })[];
  readonly operationOverheadMicroseconds: number;
  /** For some sizes of heads. */
  readonly attention: readonly (GgmlAttentionRate & { readonly headSize: number })[];
}

/** Figures, or `CODE: message`. */
export type GgmlAttentionRate =
  | { readonly decodeOperationsPerSecond: number; readonly prefillOperationsPerSecond: number }
  | { readonly failure: string };

/**
 * Times the kernels of a device of ggml on a thread of its own, with weights laid out as a member's are. Rejects with
 * `BACKEND_*` codes; after an abort of `signal` with `ABORTED`, or with the signal's reason where it was aborted before.
 */
export function measureGgmlDevice(options: MeasureGgmlOptions, signal?: AbortSignal): Promise<GgmlMeasurement>;

/** Which member of an instance. */
export interface MemberAddress {
  readonly stage: number;
  readonly member: number;
}

export interface ListenOptions {
  readonly credentials: {
    /** 16 hexadecimal digits. */
    readonly instance: string;
    readonly epoch: number;
    /** 64 hexadecimal digits. */
    readonly secret: string;
  };
  readonly self: MemberAddress;
  /** IP address to bind. Link-local IPv6 addresses, here and below, end in `%` and the number of their interface. */
  readonly bindAddress: string;
  /** Further IP addresses to bind; those that cannot be are left out. Not with `advertisedAddresses`. */
  readonly otherAddresses?: readonly string[];
  /**
   * `auto`: a Unix socket for peers on this machine, and TCP: in the clear on loopback, with TLS 1.3 elsewhere. The
   * others: only that.
   */
  readonly kind: 'auto' | 'unix' | 'tcp' | 'tls';
  /** IP addresses to tell the peers instead of the bound one; needed where that is 0.0.0.0 or ::. */
  readonly advertisedAddresses?: readonly string[];
  /** Folder of Unix sockets; absent: the system's folder for temporary files. */
  readonly socketDirectory?: string;
}

/** Bound sockets of one member, for one mesh. */
export class FabricListener {
  private constructor();
  /** Binds; throws `ARGUMENT_INVALID` or `TRANSPORT_*`. */
  static listen(options: ListenOptions): FabricListener;
  /** JSON for the peers: `{transport: 'tcp', host, addresses, fingerprint?}`. */
  readonly endpoint: string;
  /**
   * Connects to all peers (JSON of `MemberEndpoint[]`; an entry for this member is ignored) and uses the listener up.
   * Rejects with `TRANSPORT_*`: `TRANSPORT_UNREACHABLE` names who is missing, `TRANSPORT_UNAUTHENTICATED` who does not
   * hold the secret.
   */
  connect(peersJson: string, deadlineMilliseconds: number): Promise<MeshHandle>;
  /** Stops listening and gives up a connect that is under way. Idempotent. */
  close(): void;
}

/** What is known of a peer. */
export interface PeerState extends MemberAddress {
  /** The event loop of its host is blocked: its member goes on, but control messages to it will wait. */
  readonly hostStalled: boolean;
  /** Time since its last byte; heartbeats come every 250 ms. */
  readonly silenceMilliseconds: number;
  /** It has left cleanly. */
  readonly hasLeft: boolean;
}

/** A channel to one member. */
export interface ChannelObject extends MemberAddress {
  /** Address of a `ChannelTable`. */
  readonly table: bigint;
}

/** Authenticated channels of one member to all others. A thread of its own keeps them alive, whatever JavaScript does. */
export class MeshHandle {
  private constructor();
  /** What `createMember` takes. */
  readonly mesh: bigint;
  /** All other members, in the order of the plan. */
  readonly peers: readonly MemberAddress[];
  /** The channels one by one, for what does not know this addon's meshes. Their tables are valid until `close`. */
  readonly channels: readonly ChannelObject[];
  /** Tells the peers in every heartbeat whether the event loop of this member's host is blocked. */
  setHostStalled(stalled: boolean): void;
  /** What is known of all other members now. */
  peerStates(): PeerState[];
  /** Says goodbye to the peers, unless a member still uses the mesh: then the member does when it closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * A channel whose messages JavaScript carries; `ScriptChannel` of `@shoal/core` is one, and says when what is called.
 */
export interface ScriptChannelCallbacks {
  readonly peer: MemberAddress;
  readonly largestMessageBytes: number;
  open(receiver: {
    message(tag: bigint, bytes: Uint8Array): void;
    end(error: Error & { readonly code?: string }): void;
  }): void;
  send(tag: bigint, bytes: Uint8Array): Promise<void>;
  abort(reason: Error): void;
}

/** The native side of a channel in JavaScript. */
export class ScriptChannelHandle {
  private constructor();
  /** Address of the channel's `ChannelTable`, valid until `close`; throws `TRANSPORT_CLOSED` afterwards. */
  readonly table: bigint;
  /** Gives the channel up; does not close what JavaScript has of it. Idempotent. */
  close(): void;
}

/**
 * Lets a channel in JavaScript carry the messages of a native member: each is copied and handed over on the JavaScript
 * thread. The end of the JavaScript environment ends the channel.
 */
export function createScriptChannel(channel: ScriptChannelCallbacks): ScriptChannelHandle;

/** The other members of a mesh, in the order of the plan; for tests of transports. */
export function meshPeers(mesh: bigint): MemberAddress[];

/**
 * A channel used through its table alone, as an engine of another library would: for tests of transports. Rejects with
 * the channel's codes; `TRANSPORT_TIMEOUT` when the deadline passes.
 */
export class ChannelProbe {
  private constructor();
  /** The table must be live; the probe takes a reference of its own. */
  static ofTable(table: bigint): ChannelProbe;
  static ofMesh(mesh: bigint, peer: MemberAddress): ChannelProbe;
  /** What the table says of itself. */
  readonly facts: MemberAddress & {
    readonly reliable: boolean;
    readonly ordered: boolean;
    readonly largestMessageBytes: number;
  };
  /** Counters since the channel was opened. */
  statistics(): {
    readonly sentBytes: number;
    readonly receivedBytes: number;
    readonly sentMessages: number;
    readonly receivedMessages: number;
  };
  /** Posts at once, and throws where that fails; resolves when the channel has done with the memory. */
  send(tag: bigint, bytes: Uint8Array, deadlineMilliseconds: number): Promise<void>;
  /** Posts at once, as `send` does. The next message of a tag; one longer than `capacity` rejects with `TRANSPORT_FRAME_TOO_LARGE`. */
  receive(tag: bigint, capacity: number, deadlineMilliseconds: number): Promise<Uint8Array>;
  /** Gives the channel up and tells the peer. */
  abort(): Promise<void>;
  /** Gives the reference back. Idempotent. */
  close(): void;
}

/** The first message of a tag on any of several channels of one library, by one wait over all of them. */
export function receiveFirst(
  probes: readonly ChannelProbe[],
  tag: bigint,
  capacity: number,
  deadlineMilliseconds: number,
): Promise<{ readonly index: number; readonly bytes: Uint8Array }>;

export interface MemberObjects {
  /** Address of the `BackendTable` of an open device. */
  readonly device: bigint;
  /** `mesh` of a `MeshHandle`. */
  readonly mesh?: bigint;
  /** Channels to all other members, where there is no mesh. Both are absent for a member on its own. */
  readonly channels?: readonly ChannelObject[];
}

/**
 * Loads a member on threads of its own. `optionsJson` holds what is data in `MemberOptions` of `@shoal/core`:
 * `credentials`, `self`, `stageSizes`, `program`, `modelDirectory`, `slotCount`, `contextLength`, `stateStorage` and
 * `maximumStepTokens`; beside them may stand `queueCapacity` (requests that may wait) `stepDeadlineMilliseconds`
 * (longest wait within a step for a peer that is alive) and, for single channels, `silenceLimitMilliseconds` (silence
 * after which a peer is lost).
 *
 * `onEvent` hears of every `EngineEvent` as JSON, in order. Device and mesh may be closed afterwards: the member keeps
 * what it needs. Rejects with `ENGINE_*`, `MODEL_*`, `PROGRAM_*`, `BACKEND_*` or `TRANSPORT_*` codes; after an abort of
 * `signal` with `ABORTED`, or with the signal's reason where it was aborted before.
 */
export function createMember(
  optionsJson: string,
  handles: MemberObjects,
  onEvent: (eventJson: string) => void,
  signal?: AbortSignal,
): Promise<MemberHandle>;

/** A loaded member. It lives, and keeps the event loop alive, until it is closed, as a server does. */
export class MemberHandle {
  private constructor();
  /** Starts a generation: `requestJson` is an `EngineRequest` without `promptTokens`. For the head only. */
  submit(requestJson: string, promptTokens: Uint32Array): void;
  /**
   * Ends a generation, or one of its choices, within one step; `request-finished` follows for each choice that has not
   * ended already.
   */
  cancel(requestId: number, choice?: number): void;
  /** `MemberStatistics` as JSON, without its answers. */
  statistics(): string;
  /** The head's list of `AnswerProgress` as JSON; another member's is empty. */
  answers(): string;
  /** Waits for the running step, tells the peers goodbye and frees everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Writes one safetensors file with tensors of a checkpoint in other storage types, encoding on several threads.
 * `orderJson`: `modelDirectory`, `outputFile`, `tensors` as `{name, storage?}` (without a storage type: as stored), and
 * perhaps `threads`. Rejects with `MODEL_*` or `PROGRAM_STORAGE_BLOCK`; after an abort of `signal` with `ABORTED`. What
 * was written until then stays behind.
 */
export function writeConvertedCheckpoint(
  orderJson: string,
  onProgress: (writtenBytes: number, totalBytes: number) => void,
  signal?: AbortSignal,
): Promise<void>;
