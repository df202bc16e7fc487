/** Small programs for the tests of this folder. */
import {
  type Program,
  type ProgramOperation,
  type ProgramOutput,
  programVersion,
  type Range,
  type Tensors,
  tensor,
  type WeightDeclaration,
  type WeightRole,
  type WeightShard,
} from '@shoal/core';

/** The hidden width of every program here. */
export const hiddenWidth = 12;

export function declare(
  shape: readonly number[],
  shard: WeightShard = { kind: 'replicated' },
  role: WeightRole = shape.length === 1 ? 'vector' : 'matrix',
): Omit<WeightDeclaration, 'source'> {
  return { shape, role, shard };
}

export const split = (axis: number, cut: string, unit: number): WeightShard => ({ kind: 'split', axis, cut, unit });

export interface ProgramParts {
  readonly weights?: Readonly<Record<string, Omit<WeightDeclaration, 'source'>>>;
  readonly states?: Program['states'];
  readonly cuts?: Readonly<Record<string, readonly Range[]>>;
  readonly operations: readonly ProgramOperation[];
  readonly output?: ProgramOutput;
}

/** A stage of 3 members between hidden values; each weight comes from the tensor of its name. */
export function programOf({ weights = {}, states = {}, cuts = {}, operations, output }: ProgramParts): Program {
  return {
    programVersion,
    family: 'test',
    layers: [0, 1],
    memberCount: 3,
    cuts: {
      heads: [
        [0, 1],
        [1, 1],
        [1, 4],
      ],
      inner: [
        [0, 3],
        [3, 5],
        [5, 6],
      ],
      ...cuts,
    },
    input: { kind: 'hidden', value: 'x', width: hiddenWidth },
    output: output ?? { kind: 'hidden', value: 'y' },
    weights: Object.fromEntries(
      Object.entries(weights).map(([name, weight]) => [name, { ...weight, source: tensor(name) }]),
    ),
    states,
    operations,
  };
}

/** Tensors as the program declares them. */
export function tensorsOf(program: Program, storage = 'f32'): Tensors {
  return new Map(
    Object.entries(program.weights).map(([name, { shape }]) => [
      name,
      { storage, shape, byteLength: shape.reduce((product, size) => product * size, 4) },
    ]),
  );
}

/** A feed-forward in primitives, cut by `inner` in units of 2: partial at the end. */
export const feedForward: readonly ProgramOperation[] = [
  { op: 'linear', input: 'x', weight: 'up', output: 'raised' },
  { op: 'elementwise', function: 'silu', input: 'raised', output: 'activated' },
  { op: 'linear', input: 'activated', weight: 'down', output: 'sum' },
];

export const feedForwardWeights = {
  up: declare([12, hiddenWidth], split(0, 'inner', 2)),
  down: declare([hiddenWidth, 12], split(1, 'inner', 2)),
};
