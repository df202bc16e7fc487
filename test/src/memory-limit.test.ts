// A node in a control group with a memory limit, as in a container: it offers what the group has left, and no more.
import { spawnSync } from 'node:child_process';
import { ftruncateSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeMemoryGroup } from './support/memory-group.js';
import { repositoryRoot } from './support/repository.js';

const mebibyte = 2 ** 20;
const limitBytes = 640 * mebibyte;

/** Plans a model, and loads and asks another one. */
const script = `
  import { createCluster } from 'shoal';
  const [home, large] = process.argv.slice(1);
  const cluster = await createCluster({ home });
  const { outcome } = await cluster.explain(large);
  const model = await cluster.load('shoal-tiny-chat');
  const { text } = await model.chat([{ role: 'user', content: 'What is 12 plus 30?' }]).result;
  await cluster.close();
  console.log(JSON.stringify({ outcome, text }));`;

interface Answer {
  readonly outcome: {
    readonly plan?: object;
    readonly refusal?: { readonly code: string; readonly availableBytes?: number; readonly requiredBytes?: number };
  };
  readonly text: string;
}

function run(prefix: readonly string[], home: string, large: string): Answer {
  const words = [...prefix, process.execPath, '--input-type=module', '--eval', script, home, large];
  const [program = '', ...args] = words;
  const { stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 180_000,
    cwd: repositoryRoot,
  });
  if (status !== 0) throw new Error(`it ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}

/** The small model with a vocabulary so large that its weights take `bytes`: holes in a file, which take no disk. */
function makeLargeModel(folder: string, bytes: number): void {
  const source = join(repositoryRoot, 'models', 'shoal-tiny-chat');
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Record<string, number>;
  const width = config.hidden_size ?? 1;
  const vocabulary = Math.ceil(bytes / width / 2);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, vocab_size: vocabulary }));
  const stored = readFileSync(join(source, 'model.safetensors'));
  const headerBytes = Number(stored.readBigUInt64LE());
  const header = JSON.parse(stored.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  let end = 0;
  const entries = Object.entries(header).flatMap(([name, entry]) => {
    if (name === '__metadata__') return [];
    const shape = name === 'model.embed_tokens.weight' ? [vocabulary, width] : entry.shape;
    const begin = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    return [[name, { dtype: 'BF16', shape, data_offsets: [begin, end] }] as const];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, 8 + text.length + end);
}

const group = makeMemoryGroup(limitBytes);
const skip = typeof group === 'string' ? group : false;

t.test('a plan takes no more than the control group has left', { skip }, async (t) => {
  if (typeof group === 'string') return;
  t.teardown(() => group.remove());
  const folder = t.testdir({ large: {}, free: {}, bound: {} });
  const large = join(folder, 'large');
  mkdirSync(large, { recursive: true });
  makeLargeModel(large, limitBytes);

  const bound = run(group.prefix, join(folder, 'bound'), large);
  t.equal(bound.outcome.refusal?.code, 'PLAN_DOES_NOT_FIT');
  t.ok((bound.outcome.refusal?.availableBytes ?? 0) < limitBytes, 'what the group has, not the machine');
  t.equal(bound.text, '12 + 30 = 42.', 'what fits is loaded and answers within the limit');

  const free = run([], join(folder, 'free'), large);
  if (free.outcome.plan === undefined) t.comment('this machine has no more memory than the group');
  t.notSame(free.outcome.refusal?.availableBytes, bound.outcome.refusal?.availableBytes);
});
