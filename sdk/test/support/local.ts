import { readFileSync } from 'node:fs';
import type { LoadedModel, LocalCluster, LocalNode } from 'shoal';

export const question = [{ role: 'user', content: 'What is 12 plus 30?' }];
export const answer = '12 + 30 = 42.';

/** Long enough to be interrupted on any machine. */
export const longAnswer = { maximumTokens: 400, ignoreEndOfText: true };

/** Finding a node's workers needs Linux's /proc. */
export const canFindWorkers = process.platform === 'linux' ? false : 'needs /proc';

/** Process ids of a node's workers. */
export function workersOf({ processId }: LocalNode): number[] {
  const text = readFileSync(`/proc/${processId}/task/${processId}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** The process that holds a member of a plan. */
export function processOf(cluster: LocalCluster, model: LoadedModel, stage: number): LocalNode {
  const nodeId = model.plan.stages[stage]?.members[0]?.nodeId;
  const found = cluster.processes.find((node) => node.nodeId === nodeId);
  if (!found) throw new Error(`stage ${stage} is on none of the local nodes`);
  return found;
}

/** Starts a long answer; resolves when it has begun, with what tells how many parts it had in the end. */
export async function beginAnswer(model: LoadedModel): Promise<() => Promise<number>> {
  const parts = model.chat(question, longAnswer)[Symbol.asyncIterator]();
  await parts.next();
  return async () => {
    let count = 1;
    for (let part = await parts.next(); !part.done; part = await parts.next()) count += 1;
    return count;
  };
}
