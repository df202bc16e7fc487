import { randomBytes } from 'node:crypto';
import { cutsFor, describeModel, memberLowering } from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';

/**
 * The options of a single member that holds a whole Llama-class model, as JSON for `shoal_member_load`: what a node
 * does when it loads a model, without the node.
 */
export async function wholeModelOptions(modelDirectory: string, contextLength: number): Promise<string> {
  const strategy = llamaStrategy();
  const model = await describeModel(modelDirectory);
  const reason = strategy.unsupportedReason(model.config);
  if (reason !== undefined) throw new Error(`${modelDirectory}: ${reason}`);

  const constraints = strategy.constraints(model.config, 1);
  const shard = {
    layers: [0, constraints.layerCount] as const,
    hasEmbedding: true,
    hasHead: true,
    memberCount: 1,
    cuts: cutsFor(constraints, [1]),
  };
  const storage = { matrix: 'as-stored', embedding: 'as-stored' } as const;
  const { program } = memberLowering(strategy, model, contextLength)(shard, 0, storage);
  return JSON.stringify({
    // They prove members to each other; one on its own only needs an epoch.
    credentials: { instance: randomBytes(8).toString('hex'), epoch: 1, secret: randomBytes(32).toString('hex') },
    self: { stage: 0, member: 0 },
    stageSizes: [1],
    program,
    modelDirectory: model.directory,
    slotCount: 4,
    contextLength,
    stateStorage: 'f16',
    maximumStepTokens: 512,
  });
}
