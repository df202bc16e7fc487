import type { Range } from '../spec/range.js';

/** A stage to be: what it may hold, and what each layer would take there. */
export interface StageCapacity {
  readonly budgetBytes: number;
  /** Bytes of the layers before layer i, so that [from, to) takes `layerPrefix[to] − layerPrefix[from]`. */
  readonly layerPrefix: Float64Array;
  /** Bytes that the stage takes whatever its layers: embedding, head. */
  readonly fixedBytes: number;
}

/** Running sums: entry i is the sum over the first i. */
export function prefixSums(count: number, bytesOf: (index: number) => number): Float64Array {
  const sums = new Float64Array(count + 1);
  for (let index = 0; index < count; index += 1) sums[index + 1] = (sums[index] as number) + bytesOf(index);
  return sums;
}

/** Whether all layers can be put on the stages in their order, at least one each, within the budgets. O(layers). */
export function canPartition(stages: readonly StageCapacity[], layerCount: number): boolean {
  let from = 0;
  for (const [index, stage] of stages.entries()) {
    const last = layerCount - (stages.length - index - 1);
    let to = from;
    // As many as fit is best for those after: they have less to take.
    while (to < last && stageBytes(stage, from, to + 1) <= stage.budgetBytes) to += 1;
    if (to === from) return false;
    from = to;
  }
  return from === layerCount;
}

/**
 * Contiguous layer ranges, at least one layer each, in proportion to the budgets: the sum of bytes² / budget is least
 * exactly when bytes are proportional to budgets. With `enforce`, no stage exceeds its budget; undefined when that
 * cannot be. Dynamic programming, O(stages · layers²).
 */
export function partitionLayers(
  stages: readonly StageCapacity[],
  layerCount: number,
  enforce: boolean,
): Range[] | undefined {
  if (stages.length === 0 || stages.length > layerCount) return undefined;
  // least[to] after s stages: least cost of putting layers [0, to) on the first s; cut[s][to]: where the last began.
  let least = new Float64Array(layerCount + 1).fill(Number.POSITIVE_INFINITY);
  least[0] = 0;
  const cuts: Int32Array[] = [];
  for (const stage of stages) {
    const next = new Float64Array(layerCount + 1).fill(Number.POSITIVE_INFINITY);
    const cut = new Int32Array(layerCount + 1).fill(-1);
    for (let from = 0; from < layerCount; from += 1) {
      const before = least[from] as number;
      if (before === Number.POSITIVE_INFINITY) continue;
      for (let to = from + 1; to <= layerCount; to += 1) {
        const bytes = stageBytes(stage, from, to);
        if (enforce && bytes > stage.budgetBytes) break;
        const cost = before + bytes ** 2 / Math.max(stage.budgetBytes, 1);
        if (cost < (next[to] as number)) {
          next[to] = cost;
          cut[to] = from;
        }
      }
    }
    least = next;
    cuts.push(cut);
  }
  if (least[layerCount] === Number.POSITIVE_INFINITY) return undefined;
  const ranges: Range[] = [];
  let to = layerCount;
  for (const cut of cuts.toReversed()) {
    const from = cut[to] as number;
    ranges.unshift([from, to]);
    to = from;
  }
  return ranges;
}

function stageBytes(stage: StageCapacity, from: number, to: number): number {
  return stage.fixedBytes + (stage.layerPrefix[to] as number) - (stage.layerPrefix[from] as number);
}
