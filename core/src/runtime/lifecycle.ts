import { ShoalError } from '../spec/errors.js';

/**
 * Something with a beginning and an end. Every phase is optional. Each phase runs over all components before the next
 * phase begins, in the order they were added; the stop phases run in reverse.
 */
export interface Startable {
  /** Others exist but none has started: register with them, open nothing. */
  beforeStart?(signal: AbortSignal): void | Promise<void>;
  /** Components added earlier have started. */
  start?(signal: AbortSignal): void | Promise<void>;
  /** All components have started: messages to any of them are answered. */
  afterStart?(signal: AbortSignal): void | Promise<void>;
  /** All components still run: say goodbye to peers, take no new work. */
  beforeStop?(): void | Promise<void>;
  /** Components added later have stopped. */
  stop?(): void | Promise<void>;
  /** All components have stopped. */
  afterStop?(): void | Promise<void>;
}

interface Component {
  readonly name: string;
  readonly startable: Startable;
}

/** How long one component may take to stop before the others go on without it. */
const defaultStopDeadlineMilliseconds = 10_000;

/**
 * Starts components in order and stops them in reverse. A start that fails stops what had started. A stop that fails or
 * hangs does not keep the others from stopping; all failures leave together as an `AggregateError`.
 */
export class Lifecycle {
  readonly #components: Component[] = [];
  readonly #stopDeadlineMilliseconds: number;
  #state: 'new' | 'starting' | 'started' | 'stopping' | 'stopped' = 'new';
  #stopping: Promise<void> | undefined;

  constructor(options: { readonly stopDeadlineMilliseconds?: number } = {}) {
    this.#stopDeadlineMilliseconds = options.stopDeadlineMilliseconds ?? defaultStopDeadlineMilliseconds;
  }

  get state(): 'new' | 'starting' | 'started' | 'stopping' | 'stopped' {
    return this.#state;
  }

  /** Adds a component; only before `start`. `name` appears in errors. */
  add(name: string, startable: Startable): void {
    if (this.#state !== 'new') {
      throw new ShoalError('INTERNAL', `The component ${name} was added while the life cycle is ${this.#state}.`);
    }
    this.#components.push({ name, startable });
  }

  async start(signal: AbortSignal = new AbortController().signal): Promise<void> {
    if (this.#state !== 'new') throw new ShoalError('INTERNAL', `Started while ${this.#state}.`);
    this.#state = 'starting';
    try {
      for (const phase of ['beforeStart', 'start', 'afterStart'] as const) {
        for (const { startable } of this.#components) {
          signal.throwIfAborted();
          await startable[phase]?.(signal);
        }
      }
      this.#state = 'started';
    } catch (thrown) {
      // The cause of the failed start is what the caller needs; a failing clean-up is only added to it.
      await this.stop().catch((cleanUp: unknown) => {
        throw new AggregateError([thrown, cleanUp], `${ShoalError.from(thrown).message} (the clean-up failed, too)`);
      });
      throw thrown;
    }
  }

  /** Idempotent: later calls wait for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    this.#state = 'stopping';
    const failures: unknown[] = [];
    for (const phase of ['beforeStop', 'stop', 'afterStop'] as const) {
      for (const { name, startable } of this.#components.toReversed()) {
        if (startable[phase] === undefined) continue;
        try {
          await withDeadline(
            Promise.resolve(startable[phase]()),
            this.#stopDeadlineMilliseconds,
            `${name} did not finish ${phase}`,
          );
        } catch (thrown) {
          failures.push(thrown);
        }
      }
    }
    this.#state = 'stopped';
    throwTogether(failures, 'Some components failed to stop');
  }
}

/** Rejects with TIMEOUT when `work` takes longer; the work itself cannot be stopped from here. */
export async function withDeadline<T>(work: Promise<T>, deadlineMilliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ShoalError('TIMEOUT', `${what} within ${deadlineMilliseconds} ms.`));
    }, deadlineMilliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing for none, the error itself for one, an `AggregateError` naming them for several. */
export function throwTogether(failures: readonly unknown[], summary: string): void {
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  throw new AggregateError(failures, `${summary}: ${messages.join('; ')}`);
}
