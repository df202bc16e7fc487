/** Helps sharding strategies write programs: declarations and operations are added in order, names are checked later. */
import { ShoalError } from '../spec/errors.js';
import type { ProgramOperation } from '../spec/operations.js';
import type {
  Program,
  ProgramInput,
  ProgramOutput,
  StateDeclaration,
  WeightDeclaration,
  WeightExpression,
  WeightRole,
  WeightShard,
} from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { ShardRequest } from '../spec/sharding.js';
import { programVersion } from '../spec/version.js';
import { ensure } from './invalid.js';
import { expressionShape, sliceExpression, type Tensors } from './weights.js';

/** A tensor of the checkpoint. */
export const tensor = (name: string): WeightExpression => ({ kind: 'tensor', name });

export const replicatedWeight: WeightShard = { kind: 'replicated' };

/** Cut on an axis: rows of a matrix (0) make its result split, columns (1) make it a partial sum. */
export const splitWeight = (axis: number, cut: string, unit: number): WeightShard => ({
  kind: 'split',
  axis,
  cut,
  unit,
});

export class ProgramBuilder {
  private readonly weights: Record<string, WeightDeclaration> = {};
  private readonly states: Record<string, StateDeclaration> = {};
  private readonly operations: ProgramOperation[] = [];

  constructor(
    private readonly family: string,
    private readonly tensors: Tensors,
  ) {}

  /**
   * Declares a weight; its shape follows from its source. Gives the name back. `expected`: the shape that the
   * configuration says; throws MODEL_TENSOR_SHAPE where the checkpoint has another one.
   */
  weight(
    name: string,
    source: WeightExpression,
    role: WeightRole,
    shard: WeightShard = replicatedWeight,
    expected?: readonly number[],
  ): string {
    ensure(!(name in this.weights), `weights.${name}`, () => 'is declared twice');
    const shape = expressionShape(source, this.tensors, `weights.${name}`);
    if (expected !== undefined && String(shape) !== String(expected)) {
      const what = source.kind === 'tensor' ? `tensor '${source.name}'` : `weight '${name}'`;
      const message = `${what} has shape [${shape.join(', ')}], config.json says [${expected.join(', ')}]`;
      throw new ShoalError('MODEL_TENSOR_SHAPE', message, { details: { weight: name, shape, expected } });
    }
    this.weights[name] = { shape, source, role, shard };
    return name;
  }

  state(name: string, declaration: StateDeclaration): string {
    ensure(!(name in this.states), `states.${name}`, () => 'is declared twice');
    this.states[name] = declaration;
    return name;
  }

  /** Elements of one axis of an expression. */
  slice(source: WeightExpression, axis: number, range: Range): WeightExpression {
    return sliceExpression(source, axis, range, this.tensors);
  }

  add(...operations: readonly ProgramOperation[]): void {
    this.operations.push(...operations);
  }

  finish(
    request: Pick<ShardRequest, 'layers' | 'memberCount'>,
    cuts: Program['cuts'],
    input: ProgramInput,
    output: ProgramOutput,
  ): Program {
    const { family, weights, states, operations } = this;
    const { layers, memberCount } = request;
    return { programVersion, family, layers, cuts, memberCount, input, output, weights, states, operations };
  }
}
