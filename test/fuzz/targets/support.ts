/** What the TypeScript targets share. Not a target itself. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, ShoalError } from '@shoal/core';

/** Runs `body`; an error of ours with one of the codes is an answer, everything else is a finding. */
export function answers<T>(codes: readonly ErrorCode[], body: () => T): T | undefined {
  try {
    return body();
  } catch (thrown) {
    return expected(codes, thrown);
  }
}

/** The same for work that is waited for. */
export async function answersLater<T>(codes: readonly ErrorCode[], body: () => Promise<T>): Promise<T | undefined> {
  try {
    return await body();
  } catch (thrown) {
    return expected(codes, thrown);
  }
}

function expected(codes: readonly ErrorCode[], thrown: unknown): undefined {
  if (ShoalError.is(thrown) && codes.includes(thrown.code)) return undefined;
  throw thrown;
}

/** Takes parts with a `u16` length in front off the input; the last one is what is left. */
export function parts(data: Buffer, count: number): Buffer[] {
  const taken: Buffer[] = [];
  let rest = data;
  while (taken.length < count - 1) {
    const length = rest.length < 2 ? 0 : rest.readUInt16LE();
    const start = Math.min(2, rest.length);
    taken.push(rest.subarray(start, start + length));
    rest = rest.subarray(Math.min(start + length, rest.length));
  }
  return [...taken, rest];
}

/** A folder of this process, in memory where the system has such a place. */
export class Folder {
  readonly path: string;

  constructor(name: string) {
    const parent = process.platform === 'linux' ? '/dev/shm' : tmpdir();
    this.path = join(parent, `shoal-fuzz-${name}-${process.pid}`);
    mkdirSync(this.path, { recursive: true });
  }

  /** Writes a file, or removes it where there are no bytes for it. */
  put(name: string, bytes: Uint8Array): void {
    const path = join(this.path, name);
    if (bytes.length === 0) rmSync(path, { force: true });
    else writeFileSync(path, bytes);
  }
}
