/** How the blocks of a screen share its room. Pure. */
import { panelRows } from '../widgets/panel.js';

/** What a block asks for, in rows of its contents. */
export interface Wish {
  /** Below this it is left out. */
  readonly least: number;
  readonly wanted: number;
  /** Takes its part of what is left when all have what they want; 0: none. */
  readonly grows: number;
  /** Has no frame. */
  readonly isBare?: boolean;
}

/**
 * Rows for each block, frames included; 0: it is left out. Earlier blocks come first, and the one that is `preferred`
 * before all.
 */
export function shareRows(wishes: readonly Wish[], rows: number, columns: number, preferred?: number): number[] {
  const framed = ({ isBare = false }: Wish, contents: number) => (isBare ? contents : panelRows(columns, contents));
  const order = wishes.map((_, index) => index);
  if (preferred !== undefined && wishes[preferred])
    order.sort((left, right) => Number(right === preferred) - Number(left === preferred));
  const given = wishes.map(() => 0);
  let left = rows;
  for (const index of order) {
    const wish = wishes[index] as Wish;
    const least = framed(wish, Math.min(wish.least, wish.wanted));
    if (least > left || wish.wanted <= 0) continue;
    given[index] = least;
    left -= least;
  }
  for (const index of order) {
    const had = given[index] ?? 0;
    if (had === 0) continue;
    const more = Math.min(left, framed(wishes[index] as Wish, (wishes[index] as Wish).wanted) - had);
    if (more <= 0) continue;
    given[index] = had + more;
    left -= more;
  }
  const growing = order.filter((index) => (given[index] ?? 0) > 0 && (wishes[index]?.grows ?? 0) > 0);
  let weights = growing.reduce((sum, index) => sum + (wishes[index]?.grows ?? 0), 0);
  for (const index of growing) {
    const weight = wishes[index]?.grows ?? 0;
    const part = Math.floor((left * weight) / weights);
    given[index] = (given[index] ?? 0) + part;
    left -= part;
    weights -= weight;
  }
  return given;
}
