/**
 * The thread that tries inputs. Inputs are run in batches between two looks at the coverage, which are slow; only when
 * a batch ran something new is each of its inputs run again alone, to find the one to keep.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.js';
import { Mutator, randomSource } from './mutate.js';

/** What the main thread asks for, and the memory in which it sees the input that is being tried. */
export interface Assignment {
  /** Path of the target's module. */
  readonly target: string;
  /** Folders of inputs to begin with; new ones are written to the first. */
  readonly corpus: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Two `Int32`: how many inputs were begun, bytes of the present one. */
  readonly progress: SharedArrayBuffer;
  readonly input: SharedArrayBuffer;
}

export type Report =
  | { readonly kind: 'done'; readonly runs: number; readonly blocks: number; readonly corpus: number }
  | { readonly kind: 'finding'; readonly input: Uint8Array; readonly error: string };

type Fuzz = (data: Buffer) => void | Promise<void>;

/** Of a batch, in milliseconds: about as long as a look at the coverage. */
const batchMilliseconds = 20;

class Finding extends Error {}

const assignment = workerData as Assignment;
const progress = new Int32Array(assignment.progress);
const shown = new Uint8Array(assignment.input);

async function runShown(fuzz: Fuzz, input: Buffer): Promise<void> {
  shown.set(input.subarray(0, shown.length));
  Atomics.store(progress, 1, Math.min(input.length, shown.length));
  Atomics.add(progress, 0, 1);
  const running = fuzz(input);
  if (running) await running;
}

async function run(fuzz: Fuzz, input: Buffer): Promise<void> {
  try {
    await runShown(fuzz, input);
  } catch (thrown) {
    const smaller = await shrink(fuzz, input, thrown);
    const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    parentPort?.postMessage({ kind: 'finding', input: smaller, error } satisfies Report);
    throw new Finding(error);
  }
}

const nameOf = (thrown: unknown) => (thrown instanceof Error ? `${thrown.name} ${thrown.stack?.split('\n')[1]}` : '');

/** Cuts pieces out for as long as the same line throws the same kind of error. */
async function shrink(fuzz: Fuzz, input: Buffer, first: unknown): Promise<Buffer> {
  const end = performance.now() + 2000;
  let smallest = input;
  for (let piece = input.length >> 1; piece > 0 && performance.now() < end; piece >>= 1) {
    for (let at = 0; at + piece <= smallest.length && performance.now() < end; ) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + piece)]);
      try {
        await runShown(fuzz, candidate);
        at += piece;
      } catch (thrown) {
        if (nameOf(thrown) === nameOf(first)) smallest = candidate;
        else at += piece;
      }
    }
  }
  return smallest;
}

function readCorpus(folders: readonly string[]): Buffer[] {
  const files = folders.flatMap((folder) => {
    mkdirSync(folder, { recursive: true });
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  });
  return files.length > 0 ? files : [Buffer.alloc(0)];
}

async function main(): Promise<void> {
  const { target, corpus: folders, seed, seconds } = assignment;
  const { fuzz } = (await import(pathToFileURL(target).href)) as { fuzz: Fuzz };
  const coverage = new Coverage((url) => url.startsWith('file:') && !url.includes('/fuzz/'));
  const corpus: Buffer[] = [];
  for (const input of readCorpus(folders)) {
    await run(fuzz, input);
    // Seeds are kept whatever they run; of what earlier runs found, only what still adds to it.
    if (coverage.take({ remember: true }) || corpus.length === 0) corpus.push(input);
  }
  const mutator = new Mutator(randomSource(seed), corpus);
  const end = performance.now() + seconds * 1000;
  let batch = 8;
  while (performance.now() < end) {
    const inputs = Array.from({ length: batch }, () => mutator.next());
    const started = performance.now();
    for (const input of inputs) await run(fuzz, input);
    const milliseconds = performance.now() - started;
    batch = Math.max(1, Math.min(4096, Math.round((batch * batchMilliseconds) / Math.max(milliseconds, 0.1))));
    if (!coverage.take({ remember: false })) continue;
    coverage.take({ remember: false });
    for (const input of inputs) {
      await run(fuzz, input);
      if (!coverage.take({ remember: true })) continue;
      corpus.push(input);
      const name = createHash('sha256').update(input).digest('hex').slice(0, 16);
      writeFileSync(join(folders[0] as string, name), input);
    }
  }
  const runs = Atomics.load(progress, 0);
  parentPort?.postMessage({ kind: 'done', runs, blocks: coverage.blocks, corpus: corpus.length } satisfies Report);
}

main().catch((thrown) => {
  // A finding was reported already.
  if (!(thrown instanceof Finding)) throw thrown;
});
