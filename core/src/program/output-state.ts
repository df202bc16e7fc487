/** The table of operations: which rule gives the state of what an operation makes. */
import type { Operation } from '../spec/operations.js';
import type { ShardState } from '../spec/program.js';
import { MacroShardRules } from './macro-shard-rules.js';
import { valueInputs } from './operation-fields.js';
import { partial, replicated, type ShardContext, split } from './shard-context.js';

/** The state of what `operation` makes; orders communications through the context. Throws where there is none. */
export function outputState(operation: Operation, context: ShardContext): ShardState {
  const rules = new MacroShardRules(context);
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
