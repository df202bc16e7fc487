/**
 * A member's program, made from the plan and the model's own files: by the coordinator to pin its digest, by the member
 * to run it. No program comes over the wire.
 */
import { CanonicalTexts, programDigest } from '../program/digest.js';
import { lowerProgram } from '../program/lower.js';
import { propagate } from '../program/propagate.js';
import { ShoalError } from '../spec/errors.js';
import type { ModelDescription } from '../spec/model.js';
import type { Plan, PlanStage } from '../spec/plan.js';
import type { MemberProgram, Program } from '../spec/program.js';
import type { ShardingStrategy, ShardRequest, StorageChoice } from '../spec/sharding.js';
import type { MemberAddress } from '../spec/transport.js';

export function stageOf(plan: Plan, { stage }: Pick<MemberAddress, 'stage'>): PlanStage {
  const found = plan.stages[stage];
  if (!found) throw new ShoalError('REQUEST_INVALID', `the plan has no stage ${stage}`, { details: { stage } });
  return found;
}

/** The part of the model that a stage of the plan holds. */
export function shardRequest(plan: Plan, stage: number): ShardRequest {
  const { layers, cuts, members } = stageOf(plan, { stage });
  return {
    layers,
    hasEmbedding: stage === 0,
    hasHead: stage === plan.stages.length - 1,
    memberCount: members.length,
    cuts,
  };
}

/** The program of a stage, in logical widths. */
export function stageProgram(strategy: ShardingStrategy, model: ModelDescription, plan: Plan, stage: number): Program {
  const { contextLength } = plan;
  return strategy.program(model.config, model.tensors, shardRequest(plan, stage), { contextLength });
}

/** Lowers programs of one model; a stage's program is written and propagated once for all its members. */
export function memberLowering(
  strategy: ShardingStrategy,
  model: ModelDescription,
  contextLength: number,
): (shard: ShardRequest, member: number, storage: StorageChoice) => { digest: string; program: MemberProgram } {
  let last: { key: string; propagated: ReturnType<typeof propagate>; texts: CanonicalTexts } | undefined;
  return (shard, member, storage) => {
    const key = JSON.stringify(shard);
    if (last?.key !== key) {
      const program = strategy.program(model.config, model.tensors, shard, { contextLength });
      last = { key, propagated: propagate(program), texts: new CanonicalTexts() };
    }
    const program = lowerProgram(last.propagated, member, storage, model.tensors);
    return { digest: programDigest(program, last.texts), program };
  };
}

/** Builds the program of one member and compares it with what the plan pins. Throws PROGRAM_DIGEST_MISMATCH. */
export function buildMemberProgram(
  strategy: ShardingStrategy,
  model: ModelDescription,
  plan: Plan,
  self: MemberAddress,
): MemberProgram {
  const lower = memberLowering(strategy, model, plan.contextLength);
  const { digest, program } = lower(shardRequest(plan, self.stage), self.member, plan.storage);
  const pinned = stageOf(plan, self).members[self.member]?.programDigest;
  if (digest !== pinned) {
    const message =
      `stage ${self.stage}, member ${self.member}: this node's strategy ${plan.strategy} writes another program ` +
      `(${digest.slice(0, 12)}) than the plan's (${pinned?.slice(0, 12) ?? 'none'})`;
    throw new ShoalError('PROGRAM_DIGEST_MISMATCH', message, { details: { expected: pinned, actual: digest } });
  }
  return program;
}
