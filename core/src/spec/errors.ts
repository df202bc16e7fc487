/**
 * The table of error codes. Codes are public API: they never change meaning and are never reused. Each says what to do
 * next; the message of an error says who and what. The native side has the same codes for what it can raise.
 */
export const errorTable = {
  INTERNAL: 'This is a defect in Shoal. Please report it with the message and the logs.',
  ABORTED: 'The caller cancelled the operation; nothing needs to be done.',
  TIMEOUT: 'The operation took longer than its deadline. Check the named node and the network, then try again.',
  ARGUMENT_INVALID: 'Correct the named argument.',

  MODEL_NOT_FOUND: 'Check the path: a model is a folder with config.json and *.safetensors files.',
  MODEL_CONFIG_INVALID: 'The config.json is broken or lacks a field. Fetch the checkpoint again.',
  MODEL_CHECKPOINT_INVALID: 'A weight file is truncated or inconsistent. Fetch the checkpoint again.',
  MODEL_TENSOR_MISSING: 'The checkpoint lacks a tensor that its architecture needs. Fetch the complete checkpoint.',
  MODEL_TENSOR_SHAPE: 'A tensor has another shape than config.json says. Fetch a matching checkpoint.',
  MODEL_STORAGE_UNSUPPORTED: 'The checkpoint stores weights in a type that is not supported; use F32, F16 or BF16.',
  MODEL_TOKENIZER_INVALID: 'tokenizer.json or tokenizer_config.json cannot be read. Fetch the checkpoint again.',
  MODEL_TEMPLATE_INVALID:
    'The chat template fails to render. Use --raw, or fix chat_template in tokenizer_config.json.',
  MODEL_ARCHITECTURE_UNSUPPORTED: 'No sharding strategy covers this architecture. Add a plugin that does.',
  MODEL_MISMATCH: 'Nodes hold different files under this model name. Copy the same checkpoint to every node.',

  PROGRAM_INVALID: 'A sharding strategy wrote an inconsistent program. Report it to the plugin named in the message.',
  PROGRAM_PARTIAL_NONLINEAR: 'A strategy uses an unreduced partial sum in a non-linear operation. Report it.',
  PROGRAM_SHARD_STATE: 'A strategy combines values that are cut differently. Report it to the plugin named.',
  PROGRAM_CUT_INVALID: 'Choose shares that the model allows: the message names the axis and its rule.',
  PROGRAM_STORAGE_BLOCK: 'Choose a storage type whose block divides the rows of the named weight, such as f16.',
  PROGRAM_OPERATION_UNSUPPORTED: 'The backend does not run this operation. Choose another backend for this model.',
  PROGRAM_DIGEST_MISMATCH: 'Nodes run different versions of the strategy. Install the same version everywhere.',

  PLAN_DOES_NOT_FIT: 'Add a machine, free memory, choose a smaller storage type, or a shorter context.',
  PLAN_SHAPE_IMPOSSIBLE: 'Choose a plan shape that the model and the devices at hand allow.',
  PLAN_NO_DEVICES: 'No node offers a device. Start a node with a backend, or enable one in plugins.json.',

  PLUGIN_MANIFEST_INVALID: 'Correct plugins.json at the named path.',
  PLUGIN_NOT_FOUND: 'Install the package or correct its name in plugins.json.',
  PLUGIN_LOAD_FAILED: 'The plugin throws while loading; see the cause.',
  PLUGIN_VERSION_MISMATCH: 'Install a version of the plugin written for this contract version.',
  PLUGIN_OPTIONS_INVALID: "Correct the plugin's options at the named path.",
  PLUGIN_CAPABILITY_MISSING: 'Add a plugin that provides the named capability.',

  BACKEND_DEVICE_UNAVAILABLE: 'The device cannot be opened; the message says why. `shoal doctor` shows remedies.',
  BACKEND_LIBRARY_MISSING: 'Build or install the native library; `shoal doctor` says how.',
  BACKEND_OUT_OF_MEMORY: 'Free memory or load the model over more machines.',
  BACKEND_FAILED: 'The device failed during computation; see the message and the logs.',

  TRANSPORT_UNAVAILABLE: 'The transport cannot be used here; the message says why.',
  TRANSPORT_PEER_LOST: 'The named peer died or became unreachable. Load the model again on what is left.',
  TRANSPORT_TIMEOUT: 'The named peer did not answer in time. Check it and the network.',
  TRANSPORT_UNAUTHENTICATED: 'The peer does not hold the secret of this load. It may be a stranger, or out of date.',
  TRANSPORT_EPOCH_MISMATCH: 'The peer belongs to an older load. It will be told to stop.',
  TRANSPORT_DESYNCHRONIZED: 'The named member sent something out of order; the instance must be loaded again.',
  TRANSPORT_PROTOCOL: 'The peer sent bytes that are not a valid frame. It may not be a Shoal node.',
  TRANSPORT_FRAME_TOO_LARGE: 'A frame is larger than the limit. The peer may be hostile or another version.',
  TRANSPORT_CLOSED: 'The channel was closed by a clean leave, here or at the named peer.',
  TRANSPORT_ABORTED: 'The work on this channel was given up on purpose; the message says by whom and why.',
  TRANSPORT_UNREACHABLE: 'No connection to the named member could be made in time. Check that it runs and the network.',
  TRANSPORT_ADDRESS_INVALID: 'Correct the named address, or choose a kind that this platform supports.',
  TRANSPORT_INPUT_OUTPUT: 'The operating system refused an operation on a socket; see the message.',

  ENGINE_UNAVAILABLE: 'The native engine cannot be loaded on this platform; `shoal doctor` says what is missing.',
  ENGINE_LOAD_FAILED: 'A shard could not be loaded; see the message.',
  ENGINE_WORKER_EXITED: 'The worker process of a shard ended. Load the model again; see its logs for the reason.',
  ENGINE_ABORTED: 'The instance was stopped while a step was running.',

  NODE_UNREACHABLE: 'The node does not answer. Check that it runs, its address, and the firewall.',
  NODE_LOST: 'The named node left or died. Load the model again on what is left.',
  NODE_NOT_A_MEMBER: 'The other side is not a member of this cluster, or has another cluster key.',
  NODE_VERSION_MISMATCH: 'The node speaks another protocol version. Install the same version of Shoal.',
  NODE_NOT_RUNNING: 'No node is running here. Start one with `shoal node`.',
  NODE_ALREADY_RUNNING: 'A node is already running in this SHOAL_HOME. Attach to it, or choose another SHOAL_HOME.',

  CLUSTER_CLOSED: 'The cluster was closed; create a new one.',
  INSTANCE_NOT_FOUND: 'The model is not loaded. Load it first.',
  INSTANCE_FAILED: 'The instance lost a member and cannot serve. Load the model again.',
  REQUEST_INVALID: 'Correct the named field of the request.',
  REQUEST_TOO_LONG: 'Shorten the conversation or load the model with a longer context.',
  REQUEST_QUEUE_FULL: 'Too many requests are waiting. Try again later.',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorTable;

export interface ShoalErrorOptions {
  /** Values behind the message: node, device, path, expected, actual … JSON-safe. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const marker = Symbol.for('shoal.error');

/**
 * Every error that leaves Shoal. `message` names who and what, `remedy` says what to do next. The marker survives two
 * copies of the package in one process: test with `ShoalError.is`.
 */
export class ShoalError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ShoalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ShoalError';
    this.code = code;
    this.remedy = errorTable[code];
    this.details = options.details ?? {};
    Object.defineProperty(this, marker, { value: true });
  }

  static is(value: unknown): value is ShoalError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  /** The error itself, or what was thrown wrapped under `code`: the one place where unknown becomes ours. */
  static from(thrown: unknown, code: ErrorCode = 'INTERNAL'): ShoalError {
    if (ShoalError.is(thrown)) return thrown;
    if (thrown instanceof Error) {
      const aborted = thrown.name === 'AbortError';
      return new ShoalError(aborted ? 'ABORTED' : (codeOf(thrown) ?? code), thrown.message, { cause: thrown });
    }
    return new ShoalError(code, String(thrown), { cause: thrown });
  }

  /** What crosses process borders: no stack, no cause. */
  toJSON(): { code: ErrorCode; message: string; remedy: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, message: this.message, remedy: this.remedy, details: this.details };
  }
}

/**
 * The error for a code that came from outside (another process, the native side). A code that is not in the table, for
 * example of a newer version, becomes INTERNAL and keeps its name in the message.
 */
export function errorFromCode(code: string, message: string, options: ShoalErrorOptions = {}): ShoalError {
  if (Object.hasOwn(errorTable, code)) return new ShoalError(code as ErrorCode, message, options);
  const details = { ...options.details, foreignCode: code };
  return new ShoalError('INTERNAL', `${code}: ${message}`, { ...options, details });
}

/** The code that a foreign error carries, when it is one of ours: the native side throws plain errors with codes. */
function codeOf(thrown: Error): ErrorCode | undefined {
  const { code } = thrown as { readonly code?: unknown };
  return typeof code === 'string' && Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined;
}
