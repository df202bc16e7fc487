import { readFileSync } from 'node:fs';
import { type LoadedModel, type LocalCluster, type LocalNode, startLocalNodes as start } from 'shoal';
import { printOnFailure } from '../../../test/src/support/node-output.js';

/** Nodes whose logs are printed where a test fails. */
export async function startLocalNodes(...args: Parameters<typeof start>): Promise<LocalCluster> {
  process.env.SHOAL_LOG ||= 'info';
  const cluster = await start(...args);
  for (const { name, errors } of cluster.processes) printOnFailure(name, errors);
  return cluster;
}

export const question = [{ role: 'user', content: 'What is 12 plus 30?' }];
export const answer = '12 + 30 = 42.';

/** Takes a while, and is heard to its end. */
export const longAnswer = { maximumTokens: 400, ignoreEndOfText: true };

/** Never heard to its end: so long that the busiest machine interrupts it before. Needs a context of that length. */
export const endlessContext = { contextLength: 8192 };
export const endlessAnswer = { maximumTokens: 8000, ignoreEndOfText: true };

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
export async function beginAnswer(model: LoadedModel, options = longAnswer): Promise<() => Promise<number>> {
  const parts = model.chat(question, options)[Symbol.asyncIterator]();
  await parts.next();
  return async () => {
    let count = 1;
    for (let part = await parts.next(); !part.done; part = await parts.next()) count += 1;
    return count;
  };
}
