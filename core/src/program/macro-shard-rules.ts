/** The rules of macro operations, which know how heads, experts and states may be cut. */
import type { ShardState } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { describeState, type OperationOf, replicated, type Split, split } from './shard-context.js';
import { ShardRules } from './shard-rules.js';

export class MacroShardRules extends ShardRules {
  /** Heads of a value that each member holds. */
  private headRanges(value: string, headSize: number): readonly Range[] {
    const state = this.state(value);
    const heads = this.context.width(value) / headSize;
    if (state.kind !== 'split')
      return Array.from({ length: this.context.program.memberCount }, () => [0, heads] as const);
    if (state.unit % headSize !== 0)
      this.reject(`'${value}' is ${describeState(state)}, which divides heads of ${headSize} columns`);
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
      this.reject(`state '${operation.state}' is not cut like '${operation.key}', which is ${describeState(state)}`);
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
      this.reject(`'${value}' is ${describeState(state)}, which divides heads`);
    for (const [name, unit] of units) {
      const other = this.state(name);
      if (other.kind !== 'split' || other.cut !== state.cut || other.unit !== unit) {
        this.reject(`'${name}' is ${describeState(other)}, expected split by '${state.cut}' in units of ${unit}`);
      }
    }
    this.recurrentState(operation.state, state, 0, heads);
    return state;
  }
}
