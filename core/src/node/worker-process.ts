/**
 * Starts and ends worker processes. The pipe between host and worker is the process channel that Node, Bun and Electron
 * share: JSON messages, closed by the system when either end dies.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ShoalError } from '../spec/errors.js';
import { hostHeartbeatMilliseconds, type WorkerEvent, type WorkerMessage } from '../worker/worker-protocol.js';
import { WorkerCalls, type WorkerHandle } from './worker-handle.js';

const startDeadlineMilliseconds = 30_000;
/** For goodbyes and for giving memory back in order; then the process is killed. */
const stopGraceMilliseconds = 1500;
const keptOutputBytes = 64 * 1024;
const outputLinesInErrors = 8;

/**
 * What a worker may see of the environment: where libraries and temporary files are, which devices to use, the locale.
 * Everything else of the host (tokens, keys, debugger options) stays with the host.
 */
const passedVariables =
  /^(PATH|HOME|USERPROFILE|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|LANG|LC_.*|TZ|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|HIP_.*|ROCR_.*|GGML_.*|OMP_.*|VK_.*|XDG_RUNTIME_DIR|NODE_V8_COVERAGE|SHOAL_ENGINE_PATH|SHOAL_GGML_DIRECTORY|RUST_BACKTRACE)$/i;

export function workerEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const passed = Object.entries(environment).filter(([name]) => passedVariables.test(name));
  // Inside Electron the executable is Electron itself, which this makes behave as Node.
  const electron = 'electron' in process.versions ? [['ELECTRON_RUN_AS_NODE', '1']] : [];
  return Object.fromEntries([...passed, ...electron]) as NodeJS.ProcessEnv;
}

export interface WorkerProcessOptions {
  /** Who it is, for messages: `stage 1, member 0 of model x on node y`. */
  readonly name: string;
  readonly onEvent: (event: WorkerEvent) => void;
  /** Lines that the worker writes. */
  readonly onOutput?: (line: string, stream: 'stdout' | 'stderr') => void;
  readonly signal?: AbortSignal;
}

/** Starts a worker; resolves when it answers. Throws ENGINE_WORKER_EXITED with the last lines of its output. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerHandle> {
  options.signal?.throwIfAborted();
  const main = fileURLToPath(new URL('../worker/main.js', import.meta.url));
  const child = fork(main, [], {
    env: workerEnvironment(),
    // Not the host's: --inspect and the like would collide.
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
    windowsHide: true,
  });
  const worker = new WorkerProcess(child, options);
  try {
    await worker.started(options.signal);
  } catch (thrown) {
    await worker.stop();
    throw thrown;
  }
  return worker;
}

class WorkerProcess implements WorkerHandle {
  readonly ended: Promise<ShoalError>;
  private readonly output: OutputTail = new OutputTail(keptOutputBytes);
  private readonly calls: WorkerCalls;
  private markStarted: () => void = () => undefined;
  private readonly start: Promise<void>;
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly child: ChildProcess,
    private readonly options: WorkerProcessOptions,
  ) {
    this.start = new Promise((resolve) => {
      this.markStarted = resolve;
    });
    this.calls = new WorkerCalls(
      options.name,
      (message) => {
        // A send into a closed pipe fails; the process's end is reported by itself.
        if (child.connected) child.send(message as object, () => undefined);
      },
      options.onEvent,
      () => this.markStarted(),
    );
    const heartbeat = setInterval(() => {
      if (child.connected) child.send({ kind: 'heartbeat' }, () => undefined);
    }, hostHeartbeatMilliseconds);
    heartbeat.unref();
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => this.output.add(chunk));
      if (child[name] && options.onOutput) passLines(child[name], (line) => options.onOutput?.(line, name));
    }
    child.on('message', (message) => this.calls.receive(message as WorkerMessage));
    this.ended = new Promise((resolve) => {
      const end = (error: ShoalError) => {
        clearInterval(heartbeat);
        this.calls.fail(error);
        resolve(error);
      };
      child.once('error', (cause) => end(this.exitError(`cannot be started: ${cause.message}`, cause)));
      child.once('exit', (code, signal) => {
        // The last words may still be in the pipe; grandchildren that hold it open must not delay the news.
        const report = () => end(this.exitError(signal ? `was ended by ${signal}` : `ended with code ${code}`));
        const timer = setTimeout(report, 100);
        child.once('close', () => {
          clearTimeout(timer);
          report();
        });
      });
    });
  }

  get processId(): number | undefined {
    return this.child.pid;
  }

  readonly call: WorkerHandle['call'] = (method, request, options) => this.calls.call(method, request, options);

  async started(signal: AbortSignal | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ShoalError('TIMEOUT', `the worker of ${this.options.name} did not start in time`));
      }, startDeadlineMilliseconds);
      signal?.addEventListener('abort', () => reject(ShoalError.from(signal.reason, 'ABORTED')), { once: true });
    });
    const failed = this.ended.then((error) => {
      throw error;
    });
    try {
      await Promise.race([this.start, failed, late]);
    } finally {
      clearTimeout(timer);
      failed.catch(() => undefined);
      late.catch(() => undefined);
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopNow();
    return this.stopping;
  }

  private async stopNow(): Promise<void> {
    const kill = setTimeout(() => this.child.kill('SIGKILL'), stopGraceMilliseconds);
    try {
      void this.calls.call('close', {}).catch(() => undefined);
      await this.ended;
    } finally {
      clearTimeout(kill);
    }
  }

  private exitError(how: string, cause?: unknown): ShoalError {
    const lines = this.output.lastLines(outputLinesInErrors);
    const said = lines.length > 0 ? `; it said last:\n${lines.map((line) => `  ${line}`).join('\n')}` : '';
    return new ShoalError('ENGINE_WORKER_EXITED', `the worker of ${this.options.name} ${how}${said}`, {
      cause,
      details: { worker: this.options.name, processId: this.child.pid, exitCode: this.child.exitCode, output: lines },
    });
  }
}

/** A line that does not end is passed on in pieces. */
const longestLine = 4096;

function passLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let pending = '';
  const pass = (line: string) => {
    if (line.trim() !== '') onLine(line);
  };
  stream.on('data', (chunk: Buffer) => {
    const lines = (pending + chunk.toString('utf8')).split(/\r?\n/);
    pending = lines.pop() ?? '';
    for (const line of lines) pass(line);
    if (pending.length <= longestLine) return;
    pass(pending);
    pending = '';
  });
  stream.on('end', () => pass(pending));
}

/** The end of what a process wrote. */
class OutputTail {
  private text = '';

  constructor(private readonly limit: number) {}

  add(chunk: Buffer): void {
    this.text = (this.text + chunk.toString('utf8')).slice(-this.limit);
  }

  lastLines(count: number): string[] {
    return this.text
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .map((line) => line.slice(0, 500));
  }
}
