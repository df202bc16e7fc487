/** A worker as its host sees it, wherever it runs. */
import type { LoadedPlugin } from '../runtime/plugin-set.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';
import type { WorkerEvent, WorkerMessage, WorkerMethod, WorkerMethods } from '../worker/worker-protocol.js';
import { WorkerSession } from '../worker/worker-session.js';

export interface WorkerCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Absent: the call ends with its answer, the signal, or the worker. */
  readonly deadlineMilliseconds?: number | undefined;
}

export interface WorkerHandle {
  /** Undefined for a worker in this process. */
  readonly processId: number | undefined;
  call<Method extends WorkerMethod>(
    method: Method,
    request: WorkerMethods[Method]['request'],
    options?: WorkerCallOptions,
  ): Promise<WorkerMethods[Method]['response']>;
  /** Resolves with the reason when the worker has ended, however it ended. */
  readonly ended: Promise<ShoalError>;
  /** Asks it to close, then ends it; resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
}

/** Calls that wait for their answers; what both kinds of process channel share. */
export class WorkerCalls {
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private nextCall = 1;
  private failure: ShoalError | undefined;

  constructor(
    private readonly name: string,
    private readonly send: (message: unknown) => void,
    private readonly onEvent: (event: WorkerEvent) => void,
    private readonly onStarted: () => void,
  ) {}

  call<Method extends WorkerMethod>(
    method: Method,
    request: WorkerMethods[Method]['request'],
    { signal, deadlineMilliseconds }: WorkerCallOptions = {},
  ): Promise<WorkerMethods[Method]['response']> {
    if (this.failure) return Promise.reject(this.failure);
    const call = this.nextCall++;
    return new Promise<WorkerMethods[Method]['response']>((resolve, reject) => {
      const give = (error: Error) => this.settle(call)?.reject(error);
      const onAbort = () => give(ShoalError.from(signal?.reason, 'ABORTED'));
      const timer =
        deadlineMilliseconds === undefined
          ? undefined
          : setTimeout(() => {
              const message = `${this.name} did not answer \`${method}\` within ${deadlineMilliseconds} ms`;
              give(new ShoalError('TIMEOUT', message));
            }, deadlineMilliseconds);
      const cleanUp = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      this.waiting.set(call, {
        resolve: (value) => {
          cleanUp();
          resolve(value);
        },
        reject: (error) => {
          cleanUp();
          reject(error);
        },
      });
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.send({ kind: 'call', call, method, request });
    });
  }

  receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'started':
        this.onStarted();
        break;
      case 'answer':
        this.settle(message.call)?.resolve(message.response as never);
        break;
      case 'failure': {
        const { code, message: text, details } = message.error;
        this.settle(message.call)?.reject(errorFromCode(code, text, { details }));
        break;
      }
      case 'event':
        this.onEvent(message.event);
    }
  }

  /** The worker has ended: so does everything that waits for it. */
  fail(error: ShoalError): void {
    this.failure ??= error;
    for (const call of this.waiting.keys()) this.settle(call)?.reject(error);
  }

  private settle(call: number) {
    const waiting = this.waiting.get(call);
    this.waiting.delete(call);
    return waiting;
  }
}

/**
 * A member that runs in the host, for plugins that have no module a process could load (isolation "none"). A crash in
 * it is a crash of the node.
 */
export function startInProcessWorker(
  inline: readonly LoadedPlugin[],
  onEvent: (event: WorkerEvent) => void,
): WorkerHandle {
  const session = new WorkerSession(onEvent, inline);
  let end: (reason: ShoalError) => void = () => undefined;
  const ended = new Promise<ShoalError>((resolve) => {
    end = resolve;
  });
  return {
    processId: undefined,
    call: (method, request) => session.call(method, request),
    ended,
    async stop() {
      await session.close();
      end(new ShoalError('ABORTED', 'the shard was unloaded'));
    },
  };
}
