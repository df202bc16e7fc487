import type { ModelConfig, ShardingConstraints, ShardingStrategy } from '@shoal/core';
import { modelCosts } from './costs.js';
import { architectures, readDimensions, unsupportedReason } from './dimensions.js';
import { feedForwardCut, headsCut, llamaProgram, vocabularyCut } from './program.js';

function constraints(config: ModelConfig): ShardingConstraints {
  const { layerCount, queryHeads, keyValueHeads, headSize, feedForwardWidth, vocabularySize } = readDimensions(config);
  return {
    layerCount,
    axes: [
      {
        name: headsCut,
        size: queryHeads,
        elementsPerUnit: headSize,
        granularity: 1,
        ...(queryHeads === keyValueHeads ? {} : { groupSize: queryHeads / keyValueHeads }),
      },
      { name: feedForwardCut, size: feedForwardWidth, elementsPerUnit: 1, granularity: 1 },
      { name: vocabularyCut, size: vocabularySize, elementsPerUnit: 1, granularity: 1 },
    ],
    maximumMembers: queryHeads,
    maximumMembersReason: `a member needs at least one of the ${queryHeads} attention heads`,
  };
}

/**
 * Llama and Mistral models: grouped-query attention, gated feed-forward, RMS norms, rotary positions of every type that
 * configurations name, tied embeddings, biases, a sliding window.
 */
export function llamaStrategy(): ShardingStrategy {
  return {
    architectures,
    unsupportedReason,
    costs: (config) => modelCosts(readDimensions(config)),
    constraints,
    program: (config, tensors, request, options) => llamaProgram(readDimensions(config), tensors, request, options),
  };
}
