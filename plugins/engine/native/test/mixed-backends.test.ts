// Devices in TypeScript and devices of ggml run the same programs and exchange the same frames: a chain of both gives
// the tokens of the whole model.
import path from 'node:path';
import cpuWorker from '@shoal/backend-cpu/worker';
import { referenceBackendWorker } from '@shoal/backend-reference';
import { type BackendWorker, type OpenDevice, SafetensorsCheckpoint } from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { readExpected } from '../../../../test/families/expectations.js';
import { memberPrograms, readConfig, type SplitStage } from '../../../../test/families/run-split.js';
import { Instance } from './support/instance.js';

const modelDirectory = path.resolve(
  import.meta.dirname,
  '../../../../../test/fixtures/checkpoints/llama-grouped-query',
);

type BackendName = 'script' | 'ggml';

async function open(name: BackendName): Promise<OpenDevice> {
  const cpu = (): BackendWorker | Promise<BackendWorker> => cpuWorker.create({ threads: 1 });
  return name === 'script' ? referenceBackendWorker().open('reference', {}) : (await cpu()).open('cpu', {});
}

interface Shape {
  readonly name: string;
  readonly kind: 'unix' | 'tcp' | 'tls';
  readonly withoutMesh?: boolean;
  /** Stage by stage: its last layer, and for each member its backend and share. */
  readonly stages: readonly { readonly end: number; readonly members: readonly (readonly [BackendName, number])[] }[];
}

const shapes: readonly Shape[] = [
  { name: 'TypeScript alone', kind: 'tcp', stages: [{ end: 3, members: [['script', 1]] }] },
  {
    name: 'TypeScript feeds ggml over a Unix socket',
    kind: 'unix',
    stages: [
      { end: 1, members: [['script', 1]] },
      { end: 3, members: [['ggml', 1]] },
    ],
  },
  {
    name: 'ggml feeds TypeScript over TCP',
    kind: 'tcp',
    stages: [
      { end: 2, members: [['ggml', 1]] },
      { end: 3, members: [['script', 1]] },
    ],
  },
  {
    name: 'TypeScript, ggml and TypeScript over TLS',
    kind: 'tls',
    stages: [
      { end: 1, members: [['script', 1]] },
      { end: 2, members: [['ggml', 1]] },
      { end: 3, members: [['script', 1]] },
    ],
  },
  {
    name: 'both over the channels of a transport without a mesh',
    kind: 'tcp',
    withoutMesh: true,
    stages: [
      {
        end: 2,
        members: [
          ['ggml', 1],
          ['script', 2],
        ],
      },
      { end: 3, members: [['script', 1]] },
    ],
  },
  {
    name: 'a tensor group of both',
    kind: 'tcp',
    stages: [
      {
        end: 3,
        members: [
          ['ggml', 2],
          ['script', 1],
        ],
      },
    ],
  },
];

async function load({ stages, kind, withoutMesh = false }: Shape): Promise<Instance> {
  const layout = stages.map(
    ({ end, members }, index): SplitStage => ({
      layers: [stages[index - 1]?.end ?? 0, end],
      shares: members.map(([, share]) => share),
    }),
  );
  using checkpoint = new SafetensorsCheckpoint(modelDirectory);
  const programs = memberPrograms(llamaStrategy(), readConfig(modelDirectory), checkpoint.tensors, layout);
  const opened = await Promise.all(
    stages.map(({ members }, stage) =>
      Promise.all(
        members.map(async ([backend], member) => ({
          program: programs[stage]![member]!,
          device: await open(backend),
        })),
      ),
    ),
  );
  return Instance.start({ modelDirectory, stages: opened, kind, withoutMesh, slotCount: 3, maximumStepTokens: 8 });
}

const isWindows = process.platform === 'win32';

for (const shape of shapes) {
  const skip = isWindows && shape.kind === 'unix' ? 'there are no Unix sockets' : false;
  t.test(`${shape.name}: the greedy tokens are those of transformers`, { skip }, async (t) => {
    await using instance = await load(shape);
    const prompts = readExpected(modelDirectory);
    // At once, so that steps hold several sequences and prompts longer than a step.
    const generations = await Promise.all(
      prompts.map(({ ids, greedy }) => instance.generate(ids, { maximumTokens: greedy.tokens.length })),
    );
    for (const [index, { tokens, end }] of generations.entries()) {
      const { greedy } = prompts[index]!;
      t.match(end, { kind: 'request-finished', reason: 'length' });
      // Where the two best are nearer than rounding, either is right, and what follows differs.
      const unsure = greedy.margins.findIndex((margin) => margin < 1e-3);
      const sure = unsure < 0 ? greedy.tokens.length : unsure;
      t.ok(sure > 10, 'enough tokens are beyond doubt');
      t.same(tokens.slice(0, sure), greedy.tokens.slice(0, sure), `prompt ${index}`);
    }
  });
}
