import { type ErrorCode, ShoalError } from '../spec/errors.js';

/** Throws a PROGRAM_* error whose message starts with the place in the program, and keeps the place as `path`. */
export function fail(
  code: Extract<ErrorCode, `PROGRAM_${string}`>,
  path: string,
  problem: string,
  details: Readonly<Record<string, unknown>> = {},
): never {
  throw new ShoalError(code, `${path}: ${problem}`, { details: { path, ...details } });
}

/** Throws PROGRAM_INVALID unless the condition holds. */
export function ensure(condition: boolean, path: string, problem: () => string): asserts condition {
  if (!condition) fail('PROGRAM_INVALID', path, problem());
}

/** A shape or list of numbers for messages, for example `[4, 6]`. */
export const listed = (numbers: readonly (number | string)[]): string => `[${numbers.join(', ')}]`;
