/** The rules of primitives: from the shard states of operands to the state of the result. */
import type { Operation } from '../spec/operations.js';
import type { ShardState, WeightShard } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { fail } from './invalid.js';
import { valueInputs } from './operation-fields.js';
import {
  cutOverlaps,
  describeState,
  type OperationOf,
  partial,
  replicated,
  type ShardContext,
  type Split,
  split,
} from './shard-context.js';

/** Rules of one operation at one place of the program. */
export class ShardRules {
  constructor(protected readonly context: ShardContext) {}

  reject(problem: string): never {
    return fail('PROGRAM_SHARD_STATE', this.context.path, problem);
  }

  rejectPartial(value: string): never {
    const problem = `'${value}' is a partial sum in a non-linear place; write a 'replicate' before it`;
    return fail('PROGRAM_PARTIAL_NONLINEAR', this.context.path, problem);
  }

  shard(weight: string): WeightShard {
    return this.context.program.weights[weight]?.shard ?? { kind: 'replicated' };
  }

  shape(weight: string): readonly number[] {
    return this.context.program.weights[weight]?.shape ?? [];
  }

  cut(name: string): readonly Range[] {
    return this.context.program.cuts[name] as readonly Range[];
  }

  /** The weight must be held whole by every member. */
  wholeWeight(weight: string | undefined, why: string): void {
    if (weight !== undefined && this.shard(weight).kind !== 'replicated') {
      this.reject(`weight '${weight}' is ${this.shard(weight).kind}, expected replicated: ${why}`);
    }
  }

  /** The weight must be cut like the columns it meets. */
  weightCutLike(weight: string | undefined, axis: number, cut: string, unit: number): void {
    if (weight === undefined) return;
    const shard = this.shard(weight);
    if (shard.kind === 'split' && shard.axis === axis && shard.cut === cut && shard.unit === unit) return;
    this.reject(`weight '${weight}' must be split on axis ${axis} by '${cut}' in units of ${unit}`);
  }

  /** A bias that meets a partial sum counts once only when one member holds it. */
  biasOfSum(bias: string | undefined): void {
    if (bias === undefined || this.shard(bias).kind === 'first-member') return;
    this.reject(`bias '${bias}' would be added on every member; declare its shard 'first-member'`);
  }

  sumOver(cut: string): ShardState {
    if (cutOverlaps(this.cut(cut))) this.reject(`a sum over cut '${cut}' would count units that several members hold`);
    return partial;
  }

  whole(...values: readonly string[]): void {
    for (const value of values) this.context.gather(value);
  }

  state(value: string): ShardState {
    return this.context.state(value);
  }

  /** State of an operation that works on whole groups of columns, `outputUnit` columns for each `groupSize`. */
  byGroups(value: string, groupSize: number | undefined, outputSize: number, linear: boolean): ShardState {
    const state = this.state(value);
    if (state.kind === 'replicated') return state;
    if (state.kind === 'partial') return linear ? state : this.rejectPartial(value);
    if (groupSize === undefined || state.unit % groupSize !== 0) {
      this.reject(
        `'${value}' is ${describeState(state)}, which divides groups of ${groupSize ?? this.context.width(value)} columns`,
      );
    }
    return split(state.cut, (state.unit / groupSize) * outputSize);
  }

  /** State of an operation on two values, column by column. `product`: bilinear; else a sum. */
  pair(left: string, right: string, product: boolean, rightPerLeft = 1): ShardState {
    const [a, b] = [this.state(left), this.state(right)];
    if (a.kind === 'partial' && b.kind === 'partial') return product ? this.rejectPartial(left) : partial;
    if (a.kind === 'partial' || b.kind === 'partial') {
      const [sum, other] = a.kind === 'partial' ? [left, right] : [right, left];
      if (product) {
        if (this.state(other).kind === 'replicated') return partial;
        return this.rejectPartial(sum);
      }
      this.context.reduce(sum);
      this.whole(other);
      return replicated;
    }
    if (a.kind === 'split' && b.kind === 'split') {
      if (a.cut === b.cut && a.unit === b.unit * rightPerLeft) return a;
      return this.reject(`'${left}' is ${describeState(a)}, '${right}' ${describeState(b)}`);
    }
    this.whole(left, right);
    return replicated;
  }

  linear(operation: OperationOf<'linear'>): ShardState {
    const { input, weight, bias } = operation;
    const shard = this.shard(weight);
    const state = this.state(input);
    if (shard.kind === 'first-member') return this.reject(`matrix '${weight}' cannot be held by the first member only`);
    if (shard.kind === 'replicated') {
      if (state.kind === 'partial') {
        this.biasOfSum(bias);
        return partial;
      }
      this.whole(input);
      this.wholeWeight(bias, 'its matrix is replicated');
      return replicated;
    }
    if (shard.axis === 0) {
      this.whole(input);
      this.weightCutLike(bias, 0, shard.cut, shard.unit);
      return split(shard.cut, shard.unit);
    }
    if (state.kind !== 'split' || state.cut !== shard.cut || state.unit !== shard.unit) {
      return this.reject(
        `columns of '${weight}' are cut by '${shard.cut}' in units of ${shard.unit}, but '${input}' is ${describeState(state)}`,
      );
    }
    this.biasOfSum(bias);
    return this.sumOver(shard.cut);
  }

  groupLinear(operation: OperationOf<'group-linear'>): ShardState {
    const { input, weight } = operation;
    const [, outputs = 1, inputs = 1] = this.shape(weight);
    const shard = this.shard(weight);
    const state = this.state(input);
    if (shard.kind === 'split') {
      const fits =
        shard.axis === 0 && state.kind === 'split' && state.cut === shard.cut && state.unit === shard.unit * inputs;
      if (!fits)
        return this.reject(
          `the groups of '${weight}' are cut by '${shard.cut}', but '${input}' is ${describeState(state)}`,
        );
      return split(shard.cut, shard.unit * outputs);
    }
    this.wholeWeight(weight, 'a matrix is replicated or split');
    if (state.kind === 'partial') return partial;
    this.whole(input);
    return replicated;
  }

  vector(operation: OperationOf<'multiply-vector' | 'add-vector'>): ShardState {
    const { input, weight } = operation;
    const length = this.shape(weight).reduce((product, size) => product * size, 1);
    const state = this.state(input);
    if (state.kind === 'partial') {
      if (operation.op === 'add-vector') this.biasOfSum(weight);
      else this.wholeWeight(weight, `'${input}' is a partial sum`);
      return state;
    }
    if (state.kind === 'replicated') this.wholeWeight(weight, `'${input}' is replicated`);
    else if (length === this.context.width(input)) {
      const columnsPerRow = length / (this.shape(weight)[0] as number);
      this.weightCutLike(weight, 0, state.cut, state.unit / columnsPerRow);
    } else {
      this.wholeWeight(weight, 'it repeats for each group');
      return this.byGroups(input, length, length, false);
    }
    return state;
  }

  normalization(operation: OperationOf<'rms-norm' | 'layer-norm' | 'l2-norm' | 'softmax'>): ShardState {
    const { input, groupSize } = operation;
    if ('weight' in operation) this.wholeWeight(operation.weight, 'it repeats for each group');
    if ('bias' in operation) this.wholeWeight(operation.bias, 'it repeats for each group');
    return this.byGroups(input, groupSize, groupSize ?? 1, false);
  }

  concat(operation: OperationOf<'concat'>): ShardState {
    const states = operation.inputs.map((input) => this.state(input));
    if (states.every((state) => state.kind === 'partial')) return partial;
    const [first] = states;
    if (first?.kind === 'split' && states.every((state) => state.kind === 'split' && state.cut === first.cut)) {
      const { groupSizes } = operation;
      if (groupSizes === undefined) return this.reject('a concat of split values needs groupSizes');
      const units = (states as Split[]).map(({ unit }) => unit);
      const groups = units.map((unit, index) => unit / (groupSizes[index] as number));
      if (groups.some((count) => count !== groups[0] || !Number.isInteger(count))) {
        return this.reject(
          `units of ${units.join(', ')} columns are not equally many groups of ${groupSizes.join(', ')}`,
        );
      }
      return split(
        first.cut,
        units.reduce((sum, unit) => sum + unit, 0),
      );
    }
    this.whole(...operation.inputs);
    return replicated;
  }

  /** Primitives on states and experts appear in logical programs on whole values only; macros know how to cut them. */
  replicatedOnly(operation: Operation): ShardState {
    for (const name of valueInputs(operation)) {
      const state = this.state(name);
      if (state.kind === 'partial') this.rejectPartial(name);
      if (state.kind === 'split')
        this.reject(`'${name}' is ${describeState(state)}; use a macro operation where heads or experts are cut`);
    }
    for (const field of ['weight', 'bias', 'sinks'] as const) {
      const weight = (operation as { weight?: string; bias?: string; sinks?: string })[field];
      this.wholeWeight(weight, 'this primitive works on whole values');
    }
    if ('state' in operation && this.context.program.states[operation.state]?.shard.kind !== 'replicated') {
      this.reject(`state '${operation.state}' is split; use a macro operation where heads are cut`);
    }
    return replicated;
  }
}
