/**
 * The native engine as JavaScript sees it. The classes hold native objects: what they hold is freed by `close`, by the
 * garbage collector, or when the process ends. Errors carry a stable `code`; promises reject with such errors.
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
