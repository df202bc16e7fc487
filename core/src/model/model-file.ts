import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ErrorCode, ShoalError } from '../spec/errors.js';

/** Largest text file of a checkpoint that is read: tokenizers of 200,000 entries have about 20 MB. */
const largestFileBytes = 256 * 1024 * 1024;

/**
 * Path of a file in a model's folder. Throws ARGUMENT_INVALID for a name that would lead elsewhere: names may come from
 * a checkpoint, and a checkpoint is not trusted.
 */
export function modelFilePath(directory: string, name: string): string {
  const legal = name !== '' && name !== '.' && name !== '..' && !/[/\\\0:]/.test(name);
  if (legal) return path.join(directory, name);
  const message = `${JSON.stringify(name)} is not the name of a file in the model's folder.`;
  throw new ShoalError('ARGUMENT_INVALID', message, { details: { name } });
}

/** Text of a file in a model's folder; undefined when there is none. Other failures throw under `code`. */
export async function readModelText(
  directory: string,
  name: string,
  code: ErrorCode,
  maximumFileBytes = largestFileBytes,
): Promise<string | undefined> {
  const file = modelFilePath(directory, name);
  try {
    const { size } = await stat(file);
    if (size > maximumFileBytes) {
      throw new ShoalError(code, `${file} has ${size} bytes; the limit is ${maximumFileBytes}.`, { details: { file } });
    }
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if (ShoalError.is(thrown)) throw thrown;
    const reason = (thrown as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR') return undefined;
    const message = `${file} cannot be read: ${(thrown as Error).message}`;
    throw new ShoalError(code, message, { details: { file }, cause: thrown });
  }
}

/** The JSON object in a file of a model's folder; undefined when there is no such file. */
export async function readModelJson(
  directory: string,
  name: string,
  code: ErrorCode,
  maximumFileBytes = largestFileBytes,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readModelText(directory, name, code, maximumFileBytes);
  return text === undefined ? undefined : parseModelJson(text, path.join(directory, name), code);
}

/** Parses the text of `file`, which must be a JSON object. */
export function parseModelJson(text: string, file: string, code: ErrorCode): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const message = `${file} is not valid JSON: ${(thrown as Error).message}`;
    throw new ShoalError(code, message, { details: { file }, cause: thrown });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ShoalError(code, `${file} does not hold a JSON object.`, { details: { file } });
}
