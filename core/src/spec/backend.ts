import type { OperationName } from './operations.js';
import type { MemberProgram, StorageType } from './program.js';
import type { Range } from './range.js';

/** A number with where it comes from; unknown is a value, never 0. */
export type Measured =
  | { readonly value: number; readonly source: 'measured' | 'driver' | 'operating-system' | 'table' }
  | { readonly unknown: string };

export type DeviceKind = 'cpu' | 'gpu' | 'accelerator';

/** How fast a device computes with weights of one storage type: timed with the backend's own kernels, never guessed. */
export interface DeviceRate {
  readonly storage: StorageType;
  /** Bytes of weights, as stored, that the product with one row goes through in a second: paces decoding. */
  readonly decodeBytesPerSecond: Measured;
  /** Floating-point operations in a second with many rows at once: paces reading a prompt. */
  readonly prefillOperationsPerSecond: Measured;
  /** The same on one core, where cores can be shared out: several may reach less than their sum. */
  readonly oneCore?: {
    readonly decodeBytesPerSecond: Measured;
    readonly prefillOperationsPerSecond: Measured;
  };
}

/**
 * How fast rows attend to what is stored of the positions before them, with states in half precision that caches hold:
 * four operations for each element of a query head and each position that its row sees.
 */
export interface AttentionRate {
  /** Elements of a head: what is done once for each head and position weighs less with large ones. */
  readonly headSize: number;
  /** For the one row of a token. */
  readonly decodeOperationsPerSecond: Measured;
  /** For the many rows of a prompt. */
  readonly prefillOperationsPerSecond: Measured;
}

/** What timing a device's kernels found. */
export interface DeviceMeasurement {
  /** One entry for each storage type that was asked for and that the backend runs. */
  readonly rates: readonly DeviceRate[];
  /** Bytes of weights of the quickest storage type that decoding goes through in a second. */
  readonly memoryBandwidthBytesPerSecond: Measured;
  /** What each operation of a program costs beside its weights, when a step has one row. */
  readonly operationOverheadMicroseconds: Measured;
  /** For some sizes of heads, with all cores; absent where the backend does not time it. */
  readonly attention?: readonly AttentionRate[];
}

export interface MeasureOptions {
  readonly storageTypes: readonly StorageType[];
  readonly signal?: AbortSignal;
}

/** How a device fares while it works, where its library tells. */
export interface DeviceTelemetry {
  readonly temperatureCelsius: Measured;
  readonly powerWatts: Measured;
  /** What is left of its speed while it protects itself from heat or saves power: 1 is all of it. */
  readonly speedFactor: Measured;
}

/** A device that can be opened, or the reason why it cannot. */
export type DeviceProperties =
  | {
      readonly available: true;
      /** Stable within the backend on this machine, for example `cpu` or `cuda0`. */
      readonly id: string;
      readonly kind: DeviceKind;
      readonly name: string;
      /** Where it is on the machine's PCI bus, `0000:65:00.0`; absent: it is on none, or its library does not tell. */
      readonly pciAddress?: string;
      readonly memoryTotalBytes: Measured;
      /** What a shard may take now. */
      readonly memoryAvailableBytes: Measured;
      readonly memoryBandwidthBytesPerSecond: Measured;
      /** Measured with all of its cores; absent or empty where nothing was measured. */
      readonly rates?: readonly DeviceRate[];
      /** As in `DeviceMeasurement`; absent where nothing was measured. */
      readonly operationOverheadMicroseconds?: Measured;
      readonly attention?: readonly AttentionRate[];
      readonly telemetry?: DeviceTelemetry;
      readonly coreCount?: number;
      /** For example instruction sets or compute capability. */
      readonly features: readonly string[];
    }
  | { readonly available: false; readonly id: string; readonly reason: string; readonly remedy?: string };

/** What a backend runs; compared with a program's needs before anything is loaded. */
export interface BackendCapabilities {
  readonly operations: readonly OperationName[];
  readonly storageTypes: readonly StorageType[];
  /** Rows of a matrix must be cut in multiples of this, by storage type (1 where it does not matter). */
  readonly rowTile: Readonly<Partial<Record<StorageType, number>>>;
  /**
   * Bytes that a matrix takes on the device for each byte as stored, where the backend keeps it in another form (its rows in
   * tiles, sums of blocks beside them). Absent: 1.
   */
  readonly residentFactor?: Readonly<Partial<Record<StorageType, number>>>;
}

/** Host half: probing and planning facts, in the host process. */
export interface Backend {
  readonly capabilities: BackendCapabilities;
  /**
   * Asked before every plan, so that it says what is free now; the signal aborts after some seconds. Never rejects:
   * absent hardware is a value with a reason.
   */
  probe(signal?: AbortSignal): Promise<readonly DeviceProperties[]>;
  /** For people: which libraries it computes with, and where they are; undefined where it has none. Never rejects. */
  describe?(): Promise<string | undefined>;
  /**
   * Times the device's own kernels, on weights that are laid out as a shard's are: a fraction of a second for each
   * storage type, without blocking the event loop. The caller keeps the results. A number that cannot be measured is
   * unknown with a reason; rejects with BACKEND_* codes for a device that cannot be used, and when the signal aborts.
   */
  measure?(deviceId: string, options: MeasureOptions): Promise<DeviceMeasurement>;
  /** What results of `measure` depend on, beside machine and device: versions of libraries, threads. */
  measurementKey?(deviceId: string): string;
  /** Of an available device, now. Never rejects. */
  telemetry?(deviceId: string, signal?: AbortSignal): Promise<DeviceTelemetry | undefined>;
}

/** Worker half: opens devices, in the worker process of a loaded shard. */
export interface BackendWorker {
  /** Opens a device that the host half has named; rejects with BACKEND_DEVICE_UNAVAILABLE and the reason. */
  open(deviceId: string, options: OpenDeviceOptions): Promise<OpenDevice>;
}

export interface OpenDeviceOptions {
  /** Compute threads; absent: the backend's choice. */
  readonly threads?: number;
}

/** An open device: either a native backend table or a script the native driver calls through a shim. */
export type OpenDevice = NativeDevice | ScriptDevice;

export interface NativeDevice {
  readonly kind: 'native';
  /** Address of a `BackendTable` (crates/abi); valid until close. */
  readonly table: bigint;
  /** What the table runs. Core replaces macro operations that are missing here by primitives. */
  readonly operations: readonly OperationName[];
  close(): Promise<void>;
}

/** A backend in plain TypeScript: slower, the same frames, the same results. */
export interface ScriptDevice {
  readonly kind: 'script';
  /** What it runs. Core replaces macro operations that are missing here by primitives. */
  readonly operations: readonly OperationName[];
  /**
   * Called once for each load, while the checkpoint is open: what is needed of the weights is read here, and only here.
   * The program is a shard of the model. May take its time; throws or rejects with BACKEND_* or PROGRAM_* codes.
   */
  compile(program: MemberProgram, weights: WeightSource, options: CompileOptions): Promise<ScriptExecutable>;
  /** Called after the executables have been released. */
  close(): Promise<void>;
}

/** State storage asked of a compile. */
export interface CompileOptions {
  /** Sequences that can be resident at once. */
  readonly slotCount: number;
  /** Longest sequence, in positions. */
  readonly contextLength: number;
  /** Element type of key-value rows. */
  readonly stateStorage: 'f16' | 'f32';
  /** Most rows of one step. */
  readonly maximumStepTokens: number;
}

/** Local weights of a member program, evaluated on demand: nothing beyond the asked rows is read. */
export interface WeightSource {
  /** Only while `compile` runs. Synchronous; throws MODEL_* codes for a checkpoint that is broken. Rows (index on axis 0; a vector is one row) of a weight, converted to F32, into `into`. */
  read(weightName: string, rows: Range, into: Float32Array): void;
}

/** One sequence's part of a step. */
export interface StepSequence {
  readonly slot: number;
  /** Position of its first token of this step; earlier positions are in the slot's state. */
  readonly startPosition: number;
  readonly tokenCount: number;
  /** The last so many of its rows are output rows. */
  readonly outputRows: number;
}

export interface Step {
  readonly sequences: readonly StepSequence[];
  /** Token ids of all sequences, in their order. */
  readonly tokens: Uint32Array;
}

export type SlotOperation =
  | { readonly kind: 'free'; readonly slot: number }
  | { readonly kind: 'truncate'; readonly slot: number; readonly length: number }
  | { readonly kind: 'fork'; readonly from: number; readonly to: number; readonly length: number };

/**
 * A compiled member program in TypeScript. Calls are synchronous and never overlap; an exception ends the step, and with
 * it the requests in it. A step is `beginStep`, `execute` for every segment in order, `endStep`; slot operations come
 * between steps.
 */
export interface ScriptExecutable {
  /**
   * `free` forgets a slot; `truncate` keeps its first `length` positions; `fork` makes the first `length` positions of
   * one slot those of another, which was free, and leaves the first as it is.
   */
  slotOperation(operation: SlotOperation): void;
  /** The rows of the step are those of its sequences, one after the other; a slot appears at most once. */
  beginStep(step: Step): void;
  /**
   * Runs one segment. `boundary` holds the program's boundary values by name, row-major: inputs and communicated values
   * are filled in before the call, and the segment writes those it produces.
   */
  execute(segment: number, boundary: ReadonlyMap<string, Float32Array>): void;
  /** The step's rows are now part of their slots. */
  endStep(): void;
  /** Frees everything; nothing is called afterwards. */
  release(): void;
}
