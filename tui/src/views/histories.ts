/** Looking into histories. */
import type { Column } from '../state/history.js';

/** The newest point, where it is known. */
export function last(points: Column): number | null {
  return points.at(-1) ?? null;
}
