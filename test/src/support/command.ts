import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { printOnFailure } from './node-output.js';
import { commandScript } from './repository.js';

/** Far beyond what a node needs to start on the busiest machine. */
const startDeadlineMilliseconds = 120_000;

export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs `shoal` to its end; `input` is what its standard input has. */
export async function shoal(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  input?: string,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [commandScript, ...args], {
    env: { ...process.env, ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(input);
  const [output, errors] = [collect(child, 'stdout'), collect(child, 'stderr')];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: output(), errors: errors() };
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr'): () => string {
  let text = '';
  child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** A host with an address of its own: a `NamespaceHost` or an `EmulatedHost`. */
export interface Host {
  readonly address: string;
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}

/** What `shoal node --json` says of itself. */
export interface StartedNode {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly addresses: readonly string[];
  readonly home: string;
}

/** A node process on a host of its own. */
export class HostNode implements AsyncDisposable {
  private constructor(
    readonly host: Host,
    readonly started: StartedNode,
    readonly process: ChildProcess,
    /** What it has written to standard error so far. */
    readonly errors: () => string,
  ) {}

  /** Starts `shoal node` on a host and waits until it is up. */
  static async start(host: Host, home: string, args: readonly string[] = []): Promise<HostNode> {
    const listen = ['--listen', `/ip4/${host.address}/tcp/4001`];
    const log = args.includes('--log-level') ? [] : ['--log-level', 'info'];
    const words = [commandScript, 'node', '--json', '--exit-with-stdin', '--home', home, ...log, ...listen, ...args];
    const child = host.spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    const errors = collect(child, 'stderr');
    if (!child.stdout) throw new Error('the node has no output');
    const name = `the node on ${host.address}`;
    printOnFailure(name, errors);
    const lines = createInterface({ input: child.stdout });
    let timer: NodeJS.Timeout | undefined;
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => line as string),
      once(child, 'exit').then(() => new Error(`${name} ended: ${errors()}`)),
      new Promise<Error>((resolve) => {
        timer = setTimeout(() => {
          child.kill('SIGKILL');
          resolve(new Error(`${name} did not start within ${startDeadlineMilliseconds} ms: ${errors()}`));
        }, startDeadlineMilliseconds);
      }),
    ]);
    clearTimeout(timer);
    if (first instanceof Error) throw first;
    return new HostNode(host, JSON.parse(first) as StartedNode, child, errors);
  }

  /** An IPv4 address of the control plane that other hosts reach. */
  get address(): string {
    const found = this.started.addresses.find((address) => address.includes(this.host.address));
    if (!found) throw new Error(`the node announces ${this.started.addresses.join(', ')}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    const kill = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(kill);
  }
}
