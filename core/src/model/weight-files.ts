/**
 * Weight files are mapped into memory while a model is in use. One that is replaced or cut short under it gives wrong
 * numbers, or ends the worker by a bus error; what the files were when the load began tells which one it was.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ShoalError } from '../spec/errors.js';

/** Size and time of the last change, by path. */
export type WeightFileStates = ReadonlyMap<string, string>;

export function weightFileStates(directory: string): WeightFileStates {
  const states = new Map<string, string>();
  try {
    for (const name of readdirSync(directory)) {
      if (!name.endsWith('.safetensors')) continue;
      const file = path.join(directory, name);
      // Through links: caches keep a checkpoint's files elsewhere.
      const { size, mtimeMs, ino } = statSync(file);
      states.set(file, `${size} bytes of ${mtimeMs} in ${ino}`);
    }
  } catch {
    // The load itself says what is wrong with the folder.
  }
  return states;
}

/** The files that are not what they were. */
export function changedWeightFiles(directory: string, before: WeightFileStates): readonly string[] {
  const now = weightFileStates(directory);
  return [...before].filter(([file, state]) => now.get(file) !== state).map(([file]) => file);
}

/** The error of a load or a run during which `files` changed. */
export function weightFilesChanged(files: readonly string[], who: string, cause?: ShoalError): ShoalError {
  const effect = cause === undefined ? '' : ` (${cause.message})`;
  return new ShoalError('MODEL_CHECKPOINT_INVALID', `${files.join(', ')} changed while ${who} used it${effect}`, {
    cause,
    details: { ...cause?.details, file: files[0], files },
  });
}
