import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { commandScript } from './repository.js';

/** A `shoal node` process on this machine, which ends with the test. */
export class LocalNode implements AsyncDisposable {
  private constructor(
    readonly home: string,
    readonly addresses: readonly string[],
    readonly process: ChildProcess,
  ) {}

  /** Resolves when it is up; it joins `peer`, with that node's key. */
  static async start(home: string, args: readonly string[] = [], peer?: LocalNode): Promise<LocalNode> {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const joins = peer ? ['--peer', peer.addresses[0] ?? ''] : [];
    if (peer) copyFileSync(path.join(peer.home, 'cluster.key'), path.join(home, 'cluster.key'));
    const words = [commandScript, 'node', '--json', '--exit-with-stdin', '--no-api', '--home', home, ...joins, ...args];
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => line as string),
      once(child, 'exit').then(() => undefined),
    ]);
    if (first === undefined) throw new Error(`the node in ${home} did not start`);
    const { addresses } = JSON.parse(first) as { addresses: string[] };
    return new LocalNode(home, addresses, child);
  }

  /** As a crash or a power cut would. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    await ended;
  }
}
