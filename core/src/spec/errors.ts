import { type ErrorCode, errorTable } from './error-table.js';

/** One of the table in `error-table.ts`. */
export type { ErrorCode } from './error-table.js';

export interface ShoalErrorOptions {
  /** Values behind the message: node, device, path, expected, actual … JSON-safe. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const marker = Symbol.for('shoal.error');

/** What aborted signals throw that were given no reason of ours. */
const signalCodes: Readonly<Record<string, ErrorCode>> = { AbortError: 'ABORTED', TimeoutError: 'TIMEOUT' };

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
    this.remedy = errorTable[code].remedy;
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
      return new ShoalError(signalCodes[thrown.name] ?? codeOf(thrown) ?? code, thrown.message, { cause: thrown });
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
