import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorFromCode, resolveHome, ShoalError } from '@shoal/core';
import { Cluster, type ClusterParts } from './cluster.js';
import { createCluster } from './create-cluster.js';

export interface LocalNodesOptions {
  /** Whose models are found by name; the nodes themselves get temporary homes. */
  readonly home?: string | undefined;
  readonly pluginManifest?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNodeStarted?: ((count: number) => void) | undefined;
}

/** A node process of this run. */
export interface LocalNode {
  readonly nodeId: string;
  readonly name: string;
  readonly processId: number;
  readonly home: string;
  readonly addresses: readonly string[];
  /** The end of what it has written to standard error: its log, from the level on that SHOAL_LOG says. */
  errors(): string;
}

/** A cluster of processes on this machine, which end with it. */
export class LocalCluster extends Cluster {
  constructor(
    parts: ClusterParts,
    readonly processes: readonly LocalNode[],
  ) {
    super(parts);
  }
}

const homePrefix = 'shoal-local-';
const startDeadlineMilliseconds = 60_000;
const joinDeadlineMilliseconds = 30_000;
const stopGraceMilliseconds = 3000;
const keptErrorCharacters = 64_000;
const shownErrorCharacters = 4000;

/**
 * Starts `count` node processes on this machine, each with a temporary home, and joins them as a program that only asks.
 * The processes end when the cluster is closed, and when this process ends. Rejects with the last words of a node that
 * did not start.
 */
export async function startLocalNodes(count: number, options: LocalNodesOptions = {}): Promise<LocalCluster> {
  await removeLeftovers();
  const root = await mkdtemp(join(tmpdir(), `${homePrefix}${process.pid}-`));
  const clusterKey = randomBytes(32).toString('hex');
  const children: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(children.map(stopProcess));
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    let started = 0;
    const processes = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const node = await startNodeProcess(index + 1, root, clusterKey, options, children);
        started += 1;
        options.onNodeStarted?.(started);
        return node;
      }),
    );
    const client = await createCluster({
      home: join(root, 'client'),
      name: 'client',
      clusterKey,
      devices: false,
      listen: [],
      peers: processes.map(({ addresses }) => addresses[0] as string),
      modelLibraries: [join(resolveHome(options.home), 'models')],
      pluginManifest: options.pluginManifest,
      signal: options.signal,
    });
    try {
      await allJoined(client, processes, options.signal);
    } catch (thrown) {
      await client.close();
      throw thrown;
    }
    return new LocalCluster(
      {
        service: client.nodeService,
        nodeName: client.nodeName,
        home: client.home,
        addresses: () => [],
        close: async () => {
          await client.close();
          await stop();
        },
      },
      processes,
    );
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** Temporary homes of programs that were killed before they could remove them. */
async function removeLeftovers(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  const left = names.filter((name) => {
    const owner = name.startsWith(homePrefix) ? /^\d+/.exec(name.slice(homePrefix.length))?.[0] : undefined;
    return owner !== undefined && !isRunning(Number(owner));
  });
  await Promise.allSettled(left.map((name) => rm(join(tmpdir(), name), { recursive: true, force: true })));
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (thrown) {
    // Somebody else's process is a running one too.
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** On a busy machine a node may answer later than `createCluster` waits for peers. */
async function allJoined(
  client: Cluster,
  processes: readonly LocalNode[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = performance.now() + joinDeadlineMilliseconds;
  for (;;) {
    signal?.throwIfAborted();
    const joined = new Set((await client.nodes()).map(({ nodeId }) => nodeId));
    const missing = processes.filter(({ nodeId }) => !joined.has(nodeId));
    if (missing.length === 0) return;
    if (performance.now() > end) {
      const names = missing.map(({ name }) => name).join(', ');
      throw new ShoalError('NODE_UNREACHABLE', `local nodes did not join in time: ${names}`, { details: { names } });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function startNodeProcess(
  number: number,
  root: string,
  clusterKey: string,
  options: LocalNodesOptions,
  children: ChildProcess[],
): Promise<LocalNode> {
  const name = `node-${number}`;
  const home = join(root, name);
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'cluster.key'), `${clusterKey}\n`, { mode: 0o600 });
  options.signal?.throwIfAborted();
  const main = fileURLToPath(new URL('./command/main.js', import.meta.url));
  const args = ['node', '--json', '--exit-with-stdin', '--no-api', '--home', home, '--name', name];
  args.push('--models', join(resolveHome(options.home), 'models'));
  if (options.pluginManifest !== undefined) args.push('--plugins', options.pluginManifest);
  const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  children.push(child);
  // A write to a node that has ended must not end this process.
  child.stdin.on('error', () => undefined);
  // Both outputs are read to the end: a full pipe would stop the node.
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-keptErrorCharacters);
  });
  const announced = await firstLine(child, name, () => errors, options.signal);
  const { nodeId, addresses, error } = JSON.parse(announced) as {
    nodeId: string;
    addresses: string[];
    error?: { code: string; message: string; details: Record<string, unknown> };
  };
  if (error) throw errorFromCode(error.code, `the local node ${name}: ${error.message}`, { details: error.details });
  return { nodeId, name, processId: child.pid as number, home, addresses, errors: () => errors };
}

/** The line in which a node says that it is ready. */
function firstLine(
  child: ChildProcess,
  name: string,
  errors: () => string,
  signal: AbortSignal | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (what: string) => {
      settle();
      const last = errors().trim().slice(-shownErrorCharacters);
      const said = last === '' ? '' : `: ${last}`;
      reject(new ShoalError('NODE_UNREACHABLE', `the local node ${name} ${what}${said}`, { details: { node: name } }));
    };
    const timer = setTimeout(() => fail('did not start in time'), startDeadlineMilliseconds);
    const onAbort = () => {
      settle();
      reject(ShoalError.from(signal?.reason, 'ABORTED'));
    };
    const onExit = (code: number | null, by: string | null) => fail(`ended with ${by ?? `code ${code}`}`);
    const onError = (error: Error) => fail(`cannot be started: ${error.message}`);
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      child.off('exit', onExit);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    child.once('exit', onExit);
    child.once('error', onError);
    child.stdout?.on('data', (chunk: Buffer) => {
      if (output.includes('\n')) return;
      output += chunk.toString();
      const end = output.indexOf('\n');
      if (end < 0) return;
      settle();
      resolve(output.slice(0, end));
    });
  });
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise<void>((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), stopGraceMilliseconds);
    child.once('exit', () => {
      clearTimeout(kill);
      resolve();
    });
    // Ends the node in order on every system; there are no signals on Windows.
    child.stdin?.end();
  });
}
