/**
 * Random operations with random declarations of shards: what propagation accepts must compute, over members, what one
 * member computes.
 */
import {
  cutAxis,
  type MemberProgram,
  type Program,
  type ProgramOperation,
  programVersion,
  propagate,
  type Range,
  SafetensorsCheckpoint,
  ShoalError,
  type StateDeclaration,
  tensor,
  type WeightDeclaration,
  type WeightShard,
} from '@shoal/core';
import t from 'tap';
import { f32, writeCheckpoint } from '../../core/test/program/checkpoint.js';
import { randomNumbers, randomShares } from '../../core/test/program/random.js';
import { lowerAll, SplitModel } from './run-split.js';

const width = 24;
/** Tensors that weights are taken from. */
const shapes = {
  square: [width, width],
  wide: [2 * width, width],
  narrow: [width, 2 * width],
  vector: [width],
  small: [4],
  groups: [6, 4, 4],
  kernel: [width, 3],
  gate: [1, width],
} as const;
/** Units of the cuts; 24 columns are 6 units of 4, or 8 of 3. */
const cutSizes = { six: 6, eight: 8 } as const;

type Draft = Pick<Program, 'weights' | 'states' | 'operations'>;

function programOf(
  draft: Draft,
  cuts: Program['cuts'],
  output: string,
  operations: readonly ProgramOperation[] = draft.operations,
): Program {
  return {
    programVersion,
    family: 'random',
    layers: [0, 1],
    memberCount: (cuts.six as readonly Range[]).length,
    cuts,
    input: { kind: 'hidden', value: 'x', width },
    output: { kind: 'hidden', value: output },
    weights: draft.weights,
    states: draft.states,
    operations,
  };
}

/** Adds random operations to a program, of those that propagation accepts. */
class Generator {
  draft: Draft = { weights: {}, states: {}, operations: [] };
  private readonly values = ['x'];
  private count = 0;

  constructor(
    private readonly random: () => number,
    private readonly cuts: Program['cuts'],
  ) {}

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  private shardOf(shape: readonly number[]): WeightShard {
    const options: WeightShard[] = [{ kind: 'replicated' }, { kind: 'first-member' }];
    for (const [axis, size] of shape.entries()) {
      for (const [cut, units] of Object.entries(cutSizes)) {
        // Twice, because most operations want cut weights.
        const shard: WeightShard = { kind: 'split', axis, cut, unit: size / units };
        if (size % units === 0) options.push(shard, shard);
      }
    }
    return this.pick(options);
  }

  /** Tries one operation; keeps it where it is accepted. */
  step(): void {
    this.count += 1;
    const output = `v${this.count}`;
    const weights: Record<string, WeightDeclaration> = {};
    const states: Record<string, StateDeclaration> = {};
    const weight = (source: keyof typeof shapes, shard = this.shardOf(shapes[source])): string => {
      const name = `w${this.count}.${Object.keys(weights).length}`;
      const shape = shapes[source];
      weights[name] = { shape, source: tensor(source), role: shape.length === 1 ? 'vector' : 'matrix', shard };
      return name;
    };
    const state = (): string => {
      const shape = [2, width];
      const like = this.shardOf([width]);
      const shard = like.kind === 'split' ? { ...like, axis: 1 } : ({ kind: 'replicated' } as const);
      states[`s${this.count}`] = { kind: 'recurrent', layer: 0, shape, shard };
      return `s${this.count}`;
    };
    const operations = this.candidate(output, weight, state);
    const draft: Draft = {
      weights: { ...this.draft.weights, ...weights },
      states: { ...this.draft.states, ...states },
      operations: [...this.draft.operations, ...operations],
    };
    try {
      propagate(programOf(draft, this.cuts, output));
    } catch (error) {
      if (ShoalError.is(error) && error.code.startsWith('PROGRAM_')) return;
      throw error;
    }
    this.draft = draft;
    this.values.push(output);
  }

  private candidate(
    output: string,
    weight: (source: keyof typeof shapes, shard?: WeightShard) => string,
    state: () => string,
  ): ProgramOperation[] {
    const [input, other] = [this.pick(this.values), this.pick(this.values)];
    const bias = this.random() < 0.4 ? { bias: weight('vector') } : {};
    const groupSize = this.pick([2, 3, 4, 6, 8, 12]);
    const inner = `${output}.inner`;
    const makers: (() => ProgramOperation[])[] = [
      () => [{ op: 'linear', input, weight: weight('square'), ...bias, output }],
      () => [{ op: 'linear', input, weight: weight('square'), ...bias, output }],
      () => [
        { op: 'linear', input, weight: weight('wide'), output: inner },
        { op: 'elementwise', function: 'silu', input: inner, output: `${inner}.active` },
        { op: 'linear', input: `${inner}.active`, weight: weight('narrow'), ...bias, output },
      ],
      () => {
        const shard = this.shardOf(shapes.wide);
        const gate = weight('wide', shard);
        return [
          {
            op: 'gated-feed-forward',
            input,
            gate,
            up: weight('wide', shard),
            down: weight('narrow'),
            activation: 'silu',
            output,
          },
        ];
      },
      () => [{ op: 'add', left: input, right: other, output }],
      () => [{ op: 'multiply', left: input, right: other, output }],
      () => [
        { op: 'linear', input: other, weight: weight('gate', { kind: 'replicated' }), output: inner },
        { op: 'multiply-groups', input, factors: inner, groupSize: width, output },
      ],
      () => [
        { op: 'sum-groups', input: other, groupSize, output: inner },
        { op: 'multiply-groups', input, factors: inner, groupSize, output },
      ],
      () => [{ op: 'multiply-vector', input, weight: weight(this.pick(['vector', 'small'])), output }],
      () => [{ op: 'add-vector', input, weight: weight(this.pick(['vector', 'small'])), output }],
      () => [{ op: 'scale', input, factor: 0.5, ...(this.random() < 0.5 ? { offset: 0.25 } : {}), output }],
      () => [{ op: 'clamp', input, minimum: -0.5, maximum: 0.5, output }],
      () => [{ op: 'elementwise', function: this.pick(['tanh', 'sigmoid', 'negate'] as const), input, output }],
      () => [{ op: 'rms-norm', input, epsilon: 0.1, groupSize: this.pick([groupSize, width]), output }],
      () => [{ op: 'softmax', input, groupSize, output }],
      () => [
        { op: 'slice', input, from: 1, to: groupSize, groupSize, output: inner },
        { op: 'slice', input: other, from: 0, to: 1, groupSize, output: `${inner}.first` },
        { op: 'concat', inputs: [inner, `${inner}.first`], groupSizes: [groupSize - 1, 1], output },
      ],
      () => [
        { op: 'add-groups', input, groupSize, output: inner },
        { op: 'repeat', input: inner, times: width / groupSize, output },
      ],
      () => [{ op: 'group-linear', input, weight: weight('groups'), output }],
      () => [{ op: 'broadcast', weight: weight('vector'), output }],
      () => [
        {
          op: 'causal-convolution',
          input,
          weight: weight('kernel'),
          ...bias,
          activation: 'silu',
          state: state(),
          output,
        },
      ],
      () => [{ op: 'replicate', input, output }],
    ];
    return this.pick(makers)();
  }

  /** The program with the sum of all its values as output, so that none goes unseen. */
  finish(): Program {
    const operations: ProgramOperation[] = [...this.draft.operations];
    let sum = 'x';
    for (const value of this.values.slice(1)) {
      operations.push(
        { op: 'replicate', input: value, output: `${value}.whole` },
        { op: 'add', left: sum, right: `${value}.whole`, output: `${value}.sum` },
      );
      sum = `${value}.sum`;
    }
    return programOf(this.draft, this.cuts, sum, operations);
  }
}

async function run(program: Program, checkpoint: SafetensorsCheckpoint): Promise<number[]> {
  const programs: MemberProgram[] = lowerAll(program, checkpoint.tensors);
  const model = await SplitModel.ofPrograms([programs], checkpoint);
  const random = randomNumbers(1);
  const rows = (count: number): Float32Array => Float32Array.from({ length: count * width }, () => 2 * random() - 1);
  const results = [model.hidden([{ slot: 0, startPosition: 0, tokens: [0, 0, 0], outputRows: 0 }], rows(3))];
  results.push(model.hidden([{ slot: 0, startPosition: 3, tokens: [0], outputRows: 0 }], rows(1)));
  model.close();
  return results.flatMap((result) => [...result]);
}

t.test('what is accepted is right', async (test) => {
  const directory = test.testdir({});
  const random = randomNumbers(2026);
  const data = Object.entries(shapes).map(([name, shape]) => {
    const size = (shape as readonly number[]).reduce((product, n) => product * n, 1);
    return [
      name,
      f32(
        shape,
        Array.from({ length: size }, () => (2 * random() - 1) / Math.sqrt(shape.at(-1) as number)),
      ),
    ] as const;
  });
  writeCheckpoint(directory, Object.fromEntries(data));
  using checkpoint = new SafetensorsCheckpoint(directory);
  const operationsSeen = new Map<string, number>();

  for (let round = 0; round < 150; round += 1) {
    const cutsBy = (shares: readonly number[]): Program['cuts'] =>
      Object.fromEntries(Object.entries(cutSizes).map(([name, size]) => [name, cutAxis(size, shares)]));
    const generator = new Generator(random, cutsBy(randomShares(random, 4)));
    for (let attempt = 0; attempt < 60; attempt += 1) generator.step();
    const cut = generator.finish();
    const whole: Program = { ...cut, memberCount: 1, cuts: cutsBy([1]) };
    for (const { op } of cut.operations) operationsSeen.set(op, (operationsSeen.get(op) ?? 0) + 1);

    const expected = await run(whole, checkpoint);
    const actual = await run(cut, checkpoint);
    const scale = Math.max(1, ...expected.map(Math.abs));
    const error = Math.max(...actual.map((x, i) => Math.abs(x - (expected[i] as number)))) / scale;
    if (!(error <= 1e-4))
      test.fail(`round ${round}: error ${error}`, { cuts: cut.cuts, weights: cut.weights, operations: cut.operations });
  }
  test.ok(
    [...operationsSeen.values()].every((count) => count > 10),
    'every operation was accepted somewhere',
  );
  test.ok(operationsSeen.size >= 19, `${operationsSeen.size} operations`);
});
