import type { Plan, PlanRefusal, PlanStage } from '../spec/plan.js';
import type { Range } from '../spec/range.js';
import { formatBytes, formatTable } from './format.js';

/** A plan as text for people: a table of stages and members, then the reasons and what was left out. */
export function explainPlan(plan: Plan): string {
  const { stages } = plan;
  const memberCount = stages.reduce((sum, { members }) => sum + members.length, 0);
  const lines = [
    `${plan.modelName}: ${count(stages.length, 'stage')}, ${count(memberCount, 'member')}, ` +
      `context ${plan.contextLength} × ${plan.slotCount}, ` +
      `matrices ${plan.storage.matrix}, embeddings ${plan.storage.embedding}, state ${plan.stateStorage}`,
    '',
    ...formatTable([
      ['stage', 'layers', 'member', 'node', 'device', 'share', 'weights', 'state and work', 'role', 'cuts'],
      ...stages.flatMap((stage, index) => stageRows(stage, index, index === stages.length - 1)),
    ]),
  ];
  if (plan.reasons.length > 0) lines.push('', 'Why:', ...plan.reasons.map((reason) => `- ${reason}`));
  if (plan.leftOut.length > 0) {
    const leftOut = plan.leftOut.map(({ nodeName, deviceId, reason }) => `- ${deviceId} on ${nodeName}: ${reason}`);
    lines.push('', 'Left out:', ...leftOut);
  }
  return `${lines.join('\n')}\n`;
}

/** A refusal as text for people. */
export function explainRefusal(refusal: PlanRefusal): string {
  const lines = [`${refusal.code}: ${refusal.message}`];
  if (refusal.reasons.length > 0) lines.push('', ...refusal.reasons.map((reason) => `- ${reason}`));
  return `${lines.join('\n')}\n`;
}

function stageRows(stage: PlanStage, stageIndex: number, isLast: boolean): string[][] {
  return stage.members.map((member, index) => [
    String(stageIndex),
    // Layers are told once a stage.
    index === 0 ? formatLayers(stage.layers) : '',
    String(index),
    member.nodeName,
    `${member.backend}/${member.deviceId}`,
    `${(member.share * 100).toFixed(0)} %`,
    formatBytes(member.weightBytes),
    formatBytes(member.stateBytes),
    roleOf(index, stageIndex === 0, isLast),
    stage.members.length === 1
      ? 'whole'
      : Object.entries(stage.cuts)
          .map(([axis, ranges]) => `${axis} ${formatLayers(ranges[index] ?? [0, 0])}`)
          .join(', '),
  ]);
}

/** The first member of the first stage orders the work, that of the last stage picks the tokens. */
function roleOf(member: number, isFirst: boolean, isLast: boolean): string {
  if (member !== 0) return '';
  return [isFirst ? 'head' : '', isLast ? 'sampler' : ''].filter((role) => role !== '').join(', ');
}

/** Inclusive, as people count: layers 0–3. */
export function formatLayers([from, to]: Range): string {
  if (to <= from) return 'none';
  return to === from + 1 ? `${from}` : `${from}–${to - 1}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
