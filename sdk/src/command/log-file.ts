import { appendFileSync, closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '@shoal/core';

const maximumFileBytes = 4 * 1024 * 1024;

/** After a failure, and until it has gone away: how long to wait before the next try. */
const retryMilliseconds = 10_000;

/**
 * Records as lines of JSON in `logs/node.log` of a home. A full file becomes `node.log.1`, and the one before it goes: the
 * folder never holds more than twice the limit. Throws what the file system says when the folder cannot be made. Where a
 * record cannot be written, for example on a full disk, the node goes on: `onFailure` hears why, once, and when there is
 * room again, a record says how many are missing.
 */
export class LogFile {
  readonly path: string;
  #size: number;
  #failure: { readonly reason: string; retryAt: number; lost: number } | undefined;

  constructor(
    home: string,
    private readonly options: {
      readonly limitBytes?: number;
      readonly now?: () => number;
      readonly onFailure?: (reason: string) => void;
    } = {},
  ) {
    const folder = join(home, 'logs');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.path = join(folder, 'node.log');
    this.#size = sizeOf(this.path);
  }

  write(record: LogRecord): void {
    const failure = this.#failure;
    const now = (this.options.now ?? Date.now)();
    if (failure !== undefined && now < failure.retryAt) {
      failure.lost += 1;
      return;
    }
    try {
      if (failure !== undefined) this.#resume(failure, record.time);
      this.#append(`${JSON.stringify(record)}\n`);
      this.#failure = undefined;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      if (failure === undefined) this.options.onFailure?.(reason);
      this.#failure = { reason, retryAt: now + retryMilliseconds, lost: (failure?.lost ?? 0) + 1 };
    }
  }

  /** Ends a line that was written in part, and says what is missing. */
  #resume({ reason, lost }: { readonly reason: string; readonly lost: number }, time: number): void {
    this.#size = sizeOf(this.path);
    const message = `${lost} records could not be written: ${reason}`;
    const gap: LogRecord = { time, level: 'warn', area: 'log', message, fields: { lost } };
    this.#append(`${endsInLine(this.path, this.#size) ? '' : '\n'}${JSON.stringify(gap)}\n`);
  }

  #append(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#size > 0 && this.#size + bytes > (this.options.limitBytes ?? maximumFileBytes)) {
      renameSync(this.path, `${this.path}.1`);
      this.#size = 0;
    }
    // At once: what was written before a crash is what matters.
    appendFileSync(this.path, text, { mode: 0o600 });
    this.#size += bytes;
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function endsInLine(path: string, size: number): boolean {
  if (size === 0) return true;
  const file = openSync(path, 'r');
  try {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, size - 1);
    return last.toString() === '\n';
  } finally {
    closeSync(file);
  }
}
