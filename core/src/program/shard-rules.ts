/** The rule of each operation: from the shard states of its operands to the state of its result. */
import type { Operation } from '../spec/operations.js';
import type { ShardState, WeightShard } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { fail } from './invalid.js';
import { valueInputs } from './operation-fields.js';
import { type ShardContext, cutOverlaps } from './propagate.js';

type Split = Extract<ShardState, { kind: 'split' }>;
type OperationOf<Name extends Operation['op']> = Extract<Operation, { op: Name }>;

const replicated: ShardState = { kind: 'replicated' };
const partial: ShardState = { kind: 'partial' };
const split = (cut: string, unit: number): Split => ({ kind: 'split', cut, unit });

const describe = (state: ShardState): string =>
  state.kind === 'split' ? `split by '${state.cut}' in units of ${state.unit}` : state.kind;

/** Rules of one operation at one place of the program. */
class Rules {
  constructor(private readonly context: ShardContext) {}

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
        `'${value}' is ${describe(state)}, which divides groups of ${groupSize ?? this.context.width(value)} columns`,
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
      return this.reject(`'${left}' is ${describe(a)}, '${right}' ${describe(b)}`);
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
        `columns of '${weight}' are cut by '${shard.cut}' in units of ${shard.unit}, but '${input}' is ${describe(state)}`,
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
        return this.reject(`the groups of '${weight}' are cut by '${shard.cut}', but '${input}' is ${describe(state)}`);
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

  /** Heads of a value that each member holds. */
  private headRanges(value: string, headSize: number): readonly Range[] {
    const state = this.state(value);
    const heads = this.context.width(value) / headSize;
    if (state.kind !== 'split')
      return Array.from({ length: this.context.program.memberCount }, () => [0, heads] as const);
    if (state.unit % headSize !== 0)
      this.reject(`'${value}' is ${describe(state)}, which divides heads of ${headSize} columns`);
    const perUnit = state.unit / headSize;
    return this.cut(state.cut).map(([from, to]): Range => [from * perUnit, to * perUnit]);
  }

  attention(operation: OperationOf<'attention'>): ShardState {
    const { query, key, value, headSize, sinks } = operation;
    const valueHeadSize = operation.valueHeadSize ?? headSize;
    for (const name of [query, key, value]) if (this.state(name).kind === 'partial') this.rejectPartial(name);
    const keyHeads = this.headRanges(key, headSize);
    if (String(keyHeads) !== String(this.headRanges(value, valueHeadSize)))
      this.reject(`'${key}' and '${value}' are cut differently`);
    this.keyValueState(operation, valueHeadSize);

    const queryHeads = this.headRanges(query, headSize);
    const perKeyHead = this.context.width(query) / this.context.width(key);
    for (const [member, [from, to]] of queryHeads.entries()) {
      const [keyFrom, keyTo] = keyHeads[member] as Range;
      const whole = from === keyFrom * perKeyHead && to === keyTo * perKeyHead;
      const insideOne = keyTo - keyFrom === 1 && from >= keyFrom * perKeyHead && to <= keyTo * perKeyHead;
      if (from < to && !whole && !insideOne) {
        this.reject(
          `member ${member} has query heads [${from}, ${to}) but key heads [${keyFrom}, ${keyTo}), shared by ${perKeyHead} query heads each`,
        );
      }
    }
    const state = this.state(query);
    if (state.kind !== 'split') {
      this.wholeWeight(sinks, `'${query}' is replicated`);
      return replicated;
    }
    this.weightCutLike(sinks, 0, state.cut, state.unit / headSize);
    return split(state.cut, (state.unit / headSize) * valueHeadSize);
  }

  private keyValueState(operation: OperationOf<'attention'>, valueHeadSize: number): void {
    const shard = this.context.program.states[operation.state]?.shard;
    const state = this.state(operation.key);
    const heads = state.kind === 'split' ? state.unit / operation.headSize : 0;
    const fits =
      state.kind === 'split'
        ? shard?.kind === 'split' &&
          'keyUnit' in shard &&
          shard.cut === state.cut &&
          shard.keyUnit === state.unit &&
          shard.valueUnit === heads * valueHeadSize
        : shard?.kind === 'replicated';
    if (!fits)
      this.reject(`state '${operation.state}' is not cut like '${operation.key}', which is ${describe(state)}`);
  }

  latentAttention(operation: OperationOf<'latent-attention'>): ShardState {
    this.whole(operation.latent);
    return this.byGroups(operation.query, operation.headSize, operation.valueSize, false);
  }

  /** gate and up cut by rows, down by columns, of matrices whose first such axis is `axis`. */
  private feedForward(operation: OperationOf<'gated-feed-forward' | 'experts'>, axis: number): ShardState {
    const { gate, up, down, gateBias, upBias, downBias } = operation;
    const shard = this.shard(gate);
    if (shard.kind === 'replicated') {
      for (const weight of [up, down, gateBias, upBias, downBias]) this.wholeWeight(weight, `'${gate}' is replicated`);
      return replicated;
    }
    if (shard.kind !== 'split' || shard.axis !== axis) return this.reject(`'${gate}' is not split on axis ${axis}`);
    this.weightCutLike(up, axis, shard.cut, shard.unit);
    this.weightCutLike(down, axis + 1, shard.cut, shard.unit);
    this.weightCutLike(gateBias, axis, shard.cut, shard.unit);
    this.weightCutLike(upBias, axis, shard.cut, shard.unit);
    this.biasOfSum(downBias);
    return this.sumOver(shard.cut);
  }

  gatedFeedForward(operation: OperationOf<'gated-feed-forward'>): ShardState {
    this.whole(operation.input);
    return this.feedForward(operation, 0);
  }

  /** Experts are dealt out whole (axis 0), or each is cut inside like a feed-forward. */
  experts(operation: OperationOf<'experts'>): ShardState {
    this.whole(operation.input, operation.indices, operation.weights);
    const shard = this.shard(operation.gate);
    if (shard.kind !== 'split' || shard.axis !== 0) return this.feedForward(operation, 1);
    if (shard.unit !== 1) this.reject('a unit of a cut over experts is one expert');
    for (const weight of [operation.up, operation.down, operation.gateBias, operation.upBias, operation.downBias]) {
      this.weightCutLike(weight, 0, shard.cut, 1);
    }
    return this.sumOver(shard.cut);
  }

  private recurrentState(name: string, like: Split | undefined, axis: number, unit: number): void {
    const shard = this.context.program.states[name]?.shard;
    const fits =
      like === undefined
        ? shard?.kind === 'replicated'
        : shard?.kind === 'split' &&
          'axis' in shard &&
          shard.axis === axis &&
          shard.cut === like.cut &&
          shard.unit === unit;
    if (!fits) this.reject(`state '${name}' is not cut like the values that change it`);
  }

  causalConvolution(operation: OperationOf<'causal-convolution'>): ShardState {
    const { input, weight, bias, activation } = operation;
    const state = this.state(input);
    if (state.kind === 'partial') {
      return activation === undefined
        ? this.reject(`'${input}' is a partial sum; a state would keep it`)
        : this.rejectPartial(input);
    }
    if (state.kind === 'replicated') {
      this.wholeWeight(weight, `'${input}' is replicated`);
      this.wholeWeight(bias, `'${input}' is replicated`);
      this.recurrentState(operation.state, undefined, 1, 0);
      return state;
    }
    this.weightCutLike(weight, 0, state.cut, state.unit);
    this.weightCutLike(bias, 0, state.cut, state.unit);
    this.recurrentState(operation.state, state, 1, state.unit);
    return state;
  }

  gatedLinearAttention(operation: OperationOf<'gated-linear-attention'>): ShardState {
    const { query, key, value, logDecay, rate, keySize, valueSize } = operation;
    const names = [query, key, value, logDecay, rate];
    for (const name of names) if (this.state(name).kind === 'partial') this.rejectPartial(name);
    const state = this.state(value);
    if (state.kind !== 'split') {
      this.whole(...names);
      this.recurrentState(operation.state, undefined, 0, 0);
      return replicated;
    }
    const heads = state.unit / valueSize;
    const keyHeads = (heads * this.context.width(query) * valueSize) / (this.context.width(value) * keySize);
    const units: readonly (readonly [string, number])[] = [
      [query, keyHeads * keySize],
      [key, keyHeads * keySize],
      [logDecay, heads],
      [rate, heads],
    ];
    if (!Number.isInteger(heads) || !Number.isInteger(keyHeads))
      this.reject(`'${value}' is ${describe(state)}, which divides heads`);
    for (const [name, unit] of units) {
      const other = this.state(name);
      if (other.kind !== 'split' || other.cut !== state.cut || other.unit !== unit) {
        this.reject(`'${name}' is ${describe(other)}, expected split by '${state.cut}' in units of ${unit}`);
      }
    }
    this.recurrentState(operation.state, state, 0, heads);
    return state;
  }

  /** Primitives on states and experts appear in logical programs on whole values only; macros know how to cut them. */
  replicatedOnly(operation: Operation): ShardState {
    for (const name of valueInputs(operation)) {
      const state = this.state(name);
      if (state.kind === 'partial') this.rejectPartial(name);
      if (state.kind === 'split')
        this.reject(`'${name}' is ${describe(state)}; use a macro operation where heads or experts are cut`);
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

/** The state of what `operation` makes; orders communications through the context. Throws where there is none. */
export function outputState(operation: Operation, context: ShardContext): ShardState {
  const rules = new Rules(context);
  switch (operation.op) {
    case 'embedding': {
      const shard = rules.shard(operation.weight);
      if (shard.kind === 'replicated') return replicated;
      if (shard.kind === 'split' && shard.axis === 1) return split(shard.cut, shard.unit);
      return rules.reject(`embedding '${operation.weight}' must be replicated or split on axis 1`);
    }
    case 'broadcast': {
      const shard = rules.shard(operation.weight);
      if (shard.kind === 'split') return split(shard.cut, shard.unit);
      return shard.kind === 'first-member' ? partial : replicated;
    }
    case 'zeros':
      return replicated;
    case 'linear':
      return rules.linear(operation);
    case 'group-linear':
      return rules.groupLinear(operation);
    case 'add':
      return rules.pair(operation.left, operation.right, false);
    case 'multiply':
      return rules.pair(operation.left, operation.right, true);
    case 'multiply-groups':
      return rules.pair(operation.input, operation.factors, true, operation.groupSize);
    case 'multiply-vector':
    case 'add-vector':
      return rules.vector(operation);
    case 'scale':
    case 'clamp':
    case 'elementwise': {
      const linear =
        (operation.op === 'scale' && operation.offset === undefined) ||
        (operation.op === 'elementwise' && operation.function === 'negate');
      return rules.byGroups(operation.input, 1, 1, linear);
    }
    case 'select-outputs':
      return rules.state(operation.input);
    case 'rms-norm':
    case 'layer-norm':
    case 'l2-norm':
    case 'softmax':
      return rules.normalization(operation);
    case 'rotary':
      return rules.byGroups(operation.input, operation.headSize, operation.headSize, true);
    case 'slice':
      return rules.byGroups(operation.input, operation.groupSize, operation.to - operation.from, true);
    case 'repeat':
      return rules.byGroups(operation.input, operation.groupSize, (operation.groupSize ?? 1) * operation.times, true);
    case 'sum-groups':
      return rules.byGroups(operation.input, operation.groupSize, 1, true);
    case 'add-groups': {
      const state = rules.byGroups(operation.input, operation.groupSize, 1, true);
      return state.kind === 'split' ? rules.sumOver(state.cut) : state;
    }
    case 'concat':
      return rules.concat(operation);
    case 'top-k':
      rules.whole(operation.input);
      return replicated;
    case 'router':
      rules.whole(operation.logits);
      rules.wholeWeight(operation.correctionBias, 'the choice is made on replicated logits');
      return replicated;
    case 'gather-columns':
    case 'keep-columns':
      rules.whole(...valueInputs(operation));
      return replicated;
    case 'attention':
      return rules.attention(operation);
    case 'latent-attention':
      return rules.latentAttention(operation);
    case 'gated-feed-forward':
      return rules.gatedFeedForward(operation);
    case 'experts':
      return rules.experts(operation);
    case 'causal-convolution':
      return rules.causalConvolution(operation);
    case 'gated-linear-attention':
      return rules.gatedLinearAttention(operation);
    case 'expert-linear':
    case 'localize-experts':
    case 'append-state':
    case 'visible-dots':
    case 'visible-softmax':
    case 'visible-sum':
    case 'recent-rows':
    case 'delta-rule':
      return rules.replicatedOnly(operation);
  }
}
