import { ShoalError } from '../spec/errors.js';

/** How a plan is cut: `pipelineStages` stages one after the other, each of `tensorMembers` members side by side. */
export interface PlanShape {
  readonly pipelineStages: number;
  readonly tensorMembers: number;
}

const maximumPart = 1024;
const keys: Readonly<Record<string, keyof PlanShape>> = { pp: 'pipelineStages', tp: 'tensorMembers' };

/** Parses `pp=2`, `tp=3` or `tp=2,pp=2` (any order; a part left out is 1). Throws ARGUMENT_INVALID. */
export function parsePlanShape(text: string): PlanShape {
  const shape: { -readonly [Key in keyof PlanShape]?: number } = {};
  for (const part of text.split(',')) {
    const [, key, digits] = /^\s*([a-z]+)\s*=\s*(\d{1,6})\s*$/.exec(part) ?? [];
    const field = key === undefined ? undefined : keys[key];
    if (field === undefined) throw invalid(text, `"${part.trim()}" is not of the form pp=N or tp=N`);
    if (shape[field] !== undefined) throw invalid(text, `${key} is given twice`);
    const value = Number(digits);
    if (value < 1 || value > maximumPart) throw invalid(text, `${key} must be between 1 and ${maximumPart}`);
    shape[field] = value;
  }
  return { pipelineStages: shape.pipelineStages ?? 1, tensorMembers: shape.tensorMembers ?? 1 };
}

/** The shape in the form that `parsePlanShape` reads. */
export function formatPlanShape({ pipelineStages, tensorMembers }: PlanShape): string {
  return tensorMembers === 1 ? `pp=${pipelineStages}` : `tp=${tensorMembers},pp=${pipelineStages}`;
}

function invalid(text: string, reason: string): ShoalError {
  const message = `The plan shape "${text}" cannot be read: ${reason}. Examples: pp=2, tp=3, tp=2,pp=2.`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'plan', value: text } });
}
