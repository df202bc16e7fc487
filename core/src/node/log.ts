/** What a node remembers of what happened: a bounded list of records, for who looks later and for who looks on. */
import { AsyncQueue } from '../control/async-queue.js';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON. Never holds keys, prompts or answers. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  /** The part of the node, such as `node`, `instance`, `worker`, `plugin`. */
  readonly area: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface LogFilter {
  /** The lowest level; default info. */
  readonly level?: LogLevel;
  /** Milliseconds since 1970; default: everything that is kept. */
  readonly since?: number;
}

/** A longer message, such as the output of a worker gone wild, is cut. */
const maximumMessageCharacters = 4000;
const maximumFieldsCharacters = 8000;
const defaultCapacity = 2000;

export interface NodeLogOptions {
  /** Records that are kept. */
  readonly capacity?: number;
  /** Hears every record. */
  readonly sink?: ((record: LogRecord) => void) | undefined;
  readonly now?: () => number;
}

export class NodeLog {
  readonly #capacity: number;
  readonly #sink: ((record: LogRecord) => void) | undefined;
  readonly #now: () => number;
  readonly #records: LogRecord[] = [];
  readonly #observers = new Set<(record: LogRecord) => void>();

  constructor({ capacity = defaultCapacity, sink, now = Date.now }: NodeLogOptions = {}) {
    this.#capacity = capacity;
    this.#sink = sink;
    this.#now = now;
  }

  write(level: LogLevel, area: string, message: string, fields?: object): void {
    const record: LogRecord = {
      time: this.#now(),
      level,
      area,
      message: message.slice(0, maximumMessageCharacters),
      ...boundedFields(fields),
    };
    this.#records.push(record);
    if (this.#records.length > this.#capacity) this.#records.shift();
    this.#sink?.(record);
    for (const observer of this.#observers) observer(record);
  }

  /** Records that are kept, oldest first. */
  records(filter: LogFilter = {}): LogRecord[] {
    return this.#records.filter((record) => isWanted(record, filter));
  }

  /** Records that are kept, then those that come, until the signal aborts. */
  follow(filter: LogFilter, signal: AbortSignal): AsyncIterable<LogRecord> {
    const queue = new AsyncQueue<LogRecord>();
    const observe = (record: LogRecord) => {
      if (isWanted(record, filter)) queue.push(record);
    };
    for (const record of this.records(filter)) queue.push(record);
    const stop = () => {
      this.#observers.delete(observe);
      queue.complete();
    };
    if (signal.aborted) stop();
    else {
      this.#observers.add(observe);
      signal.addEventListener('abort', stop, { once: true });
    }
    return queue;
  }
}

/** Whether a record is at least of this level. */
export function isAtLeast(level: LogLevel, lowest: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(lowest);
}

function isWanted({ level, time }: LogRecord, filter: LogFilter): boolean {
  return isAtLeast(level, filter.level ?? 'info') && time >= (filter.since ?? 0);
}

function boundedFields(fields: object | undefined): { fields?: Readonly<Record<string, unknown>> } {
  if (fields === undefined) return {};
  let text: string;
  try {
    text = JSON.stringify(fields);
  } catch {
    return { fields: { unreadable: 'the fields cannot be written as JSON' } };
  }
  if (text.length > maximumFieldsCharacters) return { fields: { shortened: text.slice(0, maximumFieldsCharacters) } };
  return { fields: JSON.parse(text) as Record<string, unknown> };
}
