// The headless engine, `engine-bench --serve`: loads scenarios without JavaScript and takes orders over pipes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root, run } from '../../scripts/tools.mjs';

/** Builds the binary and returns its path. */
export function engineBenchBinary() {
  run('cargo', ['build', '--release', '--locked', '--quiet', '-p', 'shoal-engine-bench']);
  return join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'release', 'engine-bench');
}

/** A process that answers each line of JSON with one. */
export class LineProcess {
  #child;
  #lines;

  /** @param {string} command @param {readonly string[]} words */
  constructor(command, words) {
    this.#child = spawn(command, words, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => undefined);
    // A write to a process that has ended is reported by the read that follows.
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get processId() {
    return this.#child.pid;
  }

  /** The next line it says. */
  async read() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#child.spawnfile} ended; its message is above`);
    return JSON.parse(value);
  }

  async ask(order) {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    return this.read();
  }

  /** Lets it end, and waits for that. */
  async close() {
    const ended = new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
      else this.#child.once('close', resolve);
    });
    this.#child.stdin.end();
    await ended;
  }
}

/**
 * Loads scenarios (`whole-1`: one process, one thread; see crates/engine-bench) of a checkpoint and resolves when they
 * are ready. An order is `{scenario, storage, prompt, tokens}` or `{bandwidth: threads}`.
 */
export async function startEngineBench({ binary, checkpoint, storages, scenarios, layers }) {
  const words = ['--serve', '--checkpoint', checkpoint, '--storage', storages.join(',')];
  words.push('--scenarios', scenarios.join(','), '--layers', String(layers));
  const engine = new LineProcess(binary, words);
  await engine.read();
  return engine;
}
