import { Worker } from 'node:worker_threads';
import { type ErrorCode, errorFromCode, ShoalError } from '../spec/errors.js';
import type { PromptJob, TextThreadMessage, TextThreadOptions } from './text-thread-protocol.js';

/** Reading a vocabulary of 260,000 tokens takes some seconds on a small board. */
const loadDeadlineMilliseconds = 60_000;

/** A million characters take some seconds on a slow machine; only what does not end takes longer than this. */
const jobDeadlineMilliseconds = 20_000;

/** Heap of the thread; the largest tokenizers need a fifth of it. Bun has no such limit. */
const heapMegabytes = 1024;

type Loaded = Extract<TextThreadMessage, { kind: 'loaded' }>;
type Encoded = Extract<TextThreadMessage, { kind: 'encoded' }>;

/**
 * Runs the text thread of one model, one job after the other. A job that does not come to an end costs its thread, and
 * the next one gets a new thread: nothing that a model's files say keeps this process from its other work.
 */
export class TextThread {
  private worker: Promise<Worker> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private jobs = 0;
  private closed = false;

  constructor(
    private readonly directory: string,
    private readonly deadlineMilliseconds: number = jobDeadlineMilliseconds,
  ) {}

  /** Starts the thread. Throws MODEL_TOKENIZER_INVALID when the model has no tokenizer that can be used. */
  async load(): Promise<Loaded> {
    let loaded: Loaded | undefined;
    this.worker = this.start((message) => {
      loaded = message;
    });
    await this.worker;
    return loaded as unknown as Loaded;
  }

  /** Token ids of a prompt. Throws MODEL_TEMPLATE_INVALID, MODEL_TOKENIZER_INVALID, REQUEST_INVALID, ARGUMENT_INVALID. */
  encode(prompt: Omit<PromptJob, 'job'>): Promise<Encoded> {
    const result = this.last.then(() => this.run({ ...prompt, job: ++this.jobs }));
    this.last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.closed = true;
    const worker = await this.worker?.catch(() => undefined);
    await worker?.terminate();
  }

  private async start(onLoaded: (message: Loaded) => void): Promise<Worker> {
    const workerData: TextThreadOptions = { directory: this.directory };
    const worker = new Worker(new URL('./text-thread.js', import.meta.url), {
      workerData,
      // Not the process's: debugger options and the like would collide.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    // Between jobs, too: an error without a listener would end the process.
    worker.on('error', () => undefined);
    // Whoever waits for a job has a timer; an idle thread keeps no process alive.
    worker.unref();
    const failure = (problem: string) => this.failure('MODEL_TOKENIZER_INVALID', `cannot be loaded: ${problem}`);
    await this.exchange(worker, loadDeadlineMilliseconds, failure, (message) => {
      if (message.kind === 'loaded') onLoaded(message);
      return message.kind === 'loaded';
    });
    return worker;
  }

  private async run(job: PromptJob): Promise<Encoded> {
    if (this.closed) throw new ShoalError('ABORTED', 'the shard is being unloaded');
    this.worker ??= this.start(() => undefined);
    const worker = await this.worker.catch((thrown: unknown) => {
      this.worker = undefined;
      throw thrown;
    });
    let encoded: Encoded | undefined;
    let isRendered = job.input.kind === 'prompt';
    const failure = (problem: string) =>
      isRendered
        ? this.failure('MODEL_TOKENIZER_INVALID', `fails at this prompt: it ${problem}`)
        : this.failure('MODEL_TEMPLATE_INVALID', `fails at this conversation: it ${problem}`);
    const answered = this.exchange(worker, this.deadlineMilliseconds, failure, (message) => {
      if (message.kind === 'rendered') isRendered = true;
      else if (message.kind === 'encoded') encoded = message;
      return message.kind === 'encoded';
    });
    worker.postMessage(job);
    await answered;
    return encoded as unknown as Encoded;
  }

  /** Receives messages until `isDone`. When the thread says nothing in time or dies, it is ended and forgotten. */
  private exchange(
    worker: Worker,
    deadlineMilliseconds: number,
    failure: (problem: string) => ShoalError,
    isDone: (message: TextThreadMessage) => boolean,
  ): Promise<void> {
    const { promise, resolve, reject } = withResolvers();
    const lose = (problem: string) => {
      this.worker = undefined;
      void worker.terminate();
      reject(this.closed ? new ShoalError('ABORTED', 'the shard is being unloaded') : failure(problem));
    };
    const onMessage = (message: TextThreadMessage) => {
      if (message.kind === 'failed') {
        const { code, message: text, details } = message.error;
        reject(errorFromCode(code, text, { details }));
      } else if (isDone(message)) resolve();
    };
    const onError = (error: Error) => lose(`ended with an error (${error.message})`);
    const onExit = () => lose('ended its thread');
    worker.on('message', onMessage);
    worker.once('error', onError);
    worker.once('exit', onExit);
    const seconds = deadlineMilliseconds / 1000;
    const timer = setTimeout(() => lose(`did not come to an end within ${seconds} s`), deadlineMilliseconds);
    return promise.finally(() => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      worker.off('error', onError);
    });
  }

  private failure(code: ErrorCode, problem: string): ShoalError {
    const what = code === 'MODEL_TEMPLATE_INVALID' ? 'chat template' : 'tokenizer';
    const details = { directory: this.directory };
    return new ShoalError(code, `the ${what} of ${this.directory} ${problem}`, { details });
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
