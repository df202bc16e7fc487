/**
 * A coverage-guided fuzzer for our JavaScript: `node main.js TARGET --corpus DIR… --artifacts DIR [--seconds N] [--seed N]`,
 * or `node main.js TARGET --input FILE` to run one input. It is our own because the one there is for Node, Jazzer.js,
 * ships a native part for few C libraries, while V8 tells the coverage itself. This thread watches: an input that takes
 * too long or all memory is a finding too.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Assignment, Report } from './worker.js';

/** Processor time that one input may use: where this process is stopped or starved, time alone says nothing. */
const hangProcessorSeconds = 20;
/** Looks, a second apart, at an input that waits for something that never comes. */
const hangLooks = 600;
const largestInputBytes = 1 << 16;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    corpus: { type: 'string', multiple: true, default: [] },
    artifacts: { type: 'string', default: '.' },
    seconds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    input: { type: 'string' },
  },
});
const target = resolve(positionals[0] ?? '');

async function runOne(file: string): Promise<void> {
  const { fuzz } = (await import(pathToFileURL(target).href)) as { fuzz: (data: Buffer) => unknown };
  await fuzz(readFileSync(file));
  process.stdout.write(`${file}: nothing found\n`);
}

function save(kind: string, bytes: Uint8Array, error: string): void {
  mkdirSync(values.artifacts, { recursive: true });
  const file = join(values.artifacts, `${kind}-${Date.now().toString(36)}`);
  writeFileSync(file, bytes);
  process.stdout.write(`found: ${error}\nsaved: ${file}\n`);
  process.exitCode = 1;
}

function runMany(): void {
  const progress = new SharedArrayBuffer(8);
  const input = new SharedArrayBuffer(largestInputBytes);
  const counters = new Int32Array(progress);
  const present = () => Uint8Array.from(new Uint8Array(input).subarray(0, Atomics.load(counters, 1)));
  const seed = Number(values.seed);
  const workerData: Assignment = {
    target,
    corpus: values.corpus.map((folder) => resolve(folder)),
    seed,
    seconds: Number(values.seconds),
    progress,
    input,
  };
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const processorSeconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  let last = { runs: -1, looks: 0, seconds: 0 };
  const watch = setInterval(() => {
    const runs = Atomics.load(counters, 0);
    // Before the first input the target is being loaded.
    if (runs !== last.runs || runs === 0) last = { runs, looks: 0, seconds: processorSeconds() };
    last.looks += 1;
    if (processorSeconds() - last.seconds < hangProcessorSeconds && last.looks < hangLooks) return;
    save('hang', present(), `an input takes more than ${hangProcessorSeconds} s`);
    clearInterval(watch);
    worker.terminate();
  }, 1000);
  worker.on('message', (report: Report) => {
    if (report.kind === 'finding') save('crash', report.input, report.error);
    else process.stdout.write(`${report.runs} runs, ${report.blocks} blocks, ${report.corpus} inputs, seed ${seed}\n`);
  });
  worker.on('error', (error) => save('crash', present(), error.stack ?? error.message));
  worker.on('exit', () => clearInterval(watch));
}

if (values.input === undefined) runMany();
else await runOne(values.input);
