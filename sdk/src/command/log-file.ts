import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '@shoal/core';

const maximumFileBytes = 4 * 1024 * 1024;

/**
 * Records as lines of JSON in `logs/node.log` of a home. A full file becomes `node.log.1`, and the one before it goes: the
 * folder never holds more than twice the limit. Throws what the file system says when the folder cannot be made.
 */
export class LogFile {
  readonly path: string;
  #size: number;
  #failure: string | undefined;

  constructor(
    home: string,
    private readonly limitBytes: number = maximumFileBytes,
  ) {
    const folder = join(home, 'logs');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.path = join(folder, 'node.log');
    this.#size = sizeOf(this.path);
  }

  /** Why nothing is written any more, for example a full disk. The node goes on without its file. */
  get failure(): string | undefined {
    return this.#failure;
  }

  write(record: LogRecord): void {
    if (this.#failure !== undefined) return;
    const line = `${JSON.stringify(record)}\n`;
    const bytes = Buffer.byteLength(line);
    try {
      if (this.#size > 0 && this.#size + bytes > this.limitBytes) {
        renameSync(this.path, `${this.path}.1`);
        this.#size = 0;
      }
      // At once: what was written before a crash is what matters.
      appendFileSync(this.path, line, { mode: 0o600 });
      this.#size += bytes;
    } catch (thrown) {
      this.#failure = (thrown as Error).message;
    }
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
