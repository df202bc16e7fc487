/** What every sharding strategy keeps: honest costs, programs that propagate under every cut, nothing forgotten. */
import assert from 'node:assert/strict';
import { cutsFor } from '../program/cuts.js';
import { programDigest } from '../program/digest.js';
import { lowerProgram } from '../program/lower.js';
import { propagate } from '../program/propagate.js';
import { expressionByteRanges } from '../program/weights.js';
import type { CheckpointTensor, ModelConfig } from '../spec/model.js';
import type { MemberProgram } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { ShardingStrategy } from '../spec/sharding.js';
import type { ConformanceCase } from './case.js';

export interface ModelUnderTest {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Tensors of the checkpoint that inference does not need. */
  readonly unused?: (tensor: string) => boolean;
}

const shapes: readonly (readonly number[])[] = [[1], [1, 1], [3, 1], [2, 1, 1], [1, 0, 2]];

/** The suite of a strategy, over models that it covers. */
export function shardingConformance(strategy: ShardingStrategy, models: readonly ModelUnderTest[]): ConformanceCase[] {
  return [
    {
      name: 'an architecture that it does not cover is refused with a reason',
      run: async () => {
        const reason = strategy.unsupportedReason({ architectures: ['NoSuchModelForCausalLM'] });
        assert.ok(reason !== undefined && reason.length > 0);
        assert.ok(strategy.architectures.length > 0, 'it names no architecture');
      },
    },
    ...models.flatMap((model) => modelCases(strategy, model)),
  ];
}

function modelCases(strategy: ShardingStrategy, model: ModelUnderTest): ConformanceCase[] {
  const { name, config, tensors } = model;
  return [
    {
      name: `${name}: is supported, with constraints that can be kept`,
      run: async () => {
        assert.equal(strategy.unsupportedReason(config), undefined);
        const { layerCount, axes, maximumMembers, maximumMembersReason } = strategy.constraints(config, 2);
        assert.ok(layerCount > 0 && maximumMembers > 0 && maximumMembersReason.length > 0);
        assert.equal(new Set(axes.map((axis) => axis.name)).size, axes.length, 'two axes have one name');
        for (const axis of axes)
          assert.ok(axis.size > 0 && axis.granularity > 0 && axis.elementsPerUnit > 0, axis.name);
      },
    },
    {
      name: `${name}: costs count the elements of the checkpoint`,
      run: async () => checkCosts(strategy, model),
    },
    {
      name: `${name}: the same request gives the same program`,
      run: async () => {
        const digests = [0, 1].map(() =>
          programsOf(strategy, model, [1, 1], 1).map((program) => programDigest(program)),
        );
        assert.deepEqual(digests[0], digests[1]);
      },
    },
    ...shapes
      .filter((shares) => shares.length <= strategy.constraints(config, shares.length).maximumMembers)
      .map(
        (shares): ConformanceCase => ({
          name: `${name}: cut by ${shares.join(' : ')}, each part of each tensor is held by somebody`,
          run: async () => {
            const stageCount = Math.min(2, strategy.constraints(config, shares.length).layerCount);
            for (const stages of new Set([1, stageCount]))
              checkCoverage(programsOf(strategy, model, shares, stages), model);
          },
        }),
      ),
    {
      name: `${name}: a checkpoint without a tensor is refused by name`,
      run: async () => {
        const [first] = [...tensors.keys()].filter((tensor) => model.unused?.(tensor) !== true);
        const without = { ...model, tensors: new Map([...tensors].filter(([tensor]) => tensor !== first)) };
        assert.throws(() => programsOf(strategy, without, [1], 1), { code: 'MODEL_TENSOR_MISSING' });
      },
    },
  ];
}

/** Member programs of a model cut into stages of the same shares. */
function programsOf(
  strategy: ShardingStrategy,
  { config, tensors }: ModelUnderTest,
  shares: readonly number[],
  stageCount: number,
): MemberProgram[] {
  const constraints = strategy.constraints(config, shares.length);
  const cuts = cutsFor(constraints, shares);
  return Array.from({ length: stageCount }, (_, stage) => {
    const border = (index: number): number => Math.floor((index * constraints.layerCount) / stageCount);
    const layers: Range = [border(stage), border(stage + 1)];
    const ends = { hasEmbedding: stage === 0, hasHead: stage === stageCount - 1 };
    const request = { layers, ...ends, memberCount: shares.length, cuts };
    const propagated = propagate(strategy.program(config, tensors, request, {}));
    const storage = { matrix: 'as-stored', embedding: 'as-stored' } as const;
    return shares.map((__, member) => lowerProgram(propagated, member, storage, tensors));
  }).flat();
}

const elementsOf = ({ shape }: CheckpointTensor): number => shape.reduce((product, size) => product * size, 1);

/** Totals must agree; a tied output matrix may be counted as the second copy that a plan may need. */
function checkCosts(strategy: ShardingStrategy, { config, tensors, unused }: ModelUnderTest): void {
  const costs = strategy.costs(config, tensors);
  assert.equal(costs.layers.length, strategy.constraints(config, 1).layerCount);
  const counted = [...costs.layers, costs.embedding, costs.head].reduce(
    (sum, { matrixElements, vectorElements }) => sum + matrixElements + vectorElements,
    0,
  );
  const stored = [...tensors.values()]
    .filter(({ name }) => unused?.(name) !== true)
    .reduce((sum, tensor) => sum + elementsOf(tensor), 0);
  const tied = costs.vocabularySize * costs.hiddenWidth;
  assert.ok(counted === stored || counted === stored + tied, `${counted} elements counted, ${stored} stored`);
}

function checkCoverage(programs: readonly MemberProgram[], { tensors, unused }: ModelUnderTest): void {
  const held = new Map<string, Range[]>();
  for (const { source } of programs.flatMap((program) => Object.values(program.weights))) {
    for (const { tensor, range } of expressionByteRanges(source, tensors)) {
      held.set(tensor, [...(held.get(tensor) ?? []), range]);
    }
  }
  for (const [name, { byteLength }] of tensors) {
    if (unused?.(name) === true) continue;
    let covered = 0;
    for (const [from, to] of (held.get(name) ?? []).sort((a, b) => a[0] - b[0]))
      if (from <= covered) covered = Math.max(covered, to);
    assert.equal(covered, byteLength, `of '${name}' nobody holds the bytes from ${covered}`);
  }
}
