/** Numbers of the dashboard: each is known, and where from, or there is a reason why not. */
import type { FigureSource, Measured } from '@shoal/core';
import { lessCertain } from '@shoal/core/client';

/** A number with where it is from, or why it is not known. Never NaN, never infinite. */
export type Figure = Measured;
export type { FigureSource };

/** A fact that is no number, or why it is not known. */
export type Known<Value> = { readonly value: Value } | { readonly unknown: string };

export function measured(value: number): Figure {
  return known(value, 'measured');
}

/** What is not a number is not known. */
export function known(value: number, source: FigureSource): Figure {
  return Number.isFinite(value) ? { value, source } : unknown('it is not a number');
}

export function unknown(reason: string): { readonly unknown: string } {
  return { unknown: reason };
}

export function valueIn<Value>(
  figure: { readonly value: Value } | { readonly unknown: string } | undefined,
): Value | undefined {
  return figure === undefined || 'unknown' in figure ? undefined : figure.value;
}

/** One figure of two: not known where either is not, and no better than the worse of their sources. */
export function combine(left: Figure, right: Figure, change: (left: number, right: number) => number): Figure {
  if ('unknown' in left) return left;
  if ('unknown' in right) return right;
  return known(change(left.value, right.value), lessCertain(left.source, right.source));
}
