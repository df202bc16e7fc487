/** Where time goes, as bars: compute, wire and wait side by side, one bar for each member. */
import { valueIn } from '../state/figure.js';
import type { StackedBar } from './blocks.js';
import type { HopFigures } from './requests-figures.js';
import { milliseconds, whyUnknown } from './words.js';

/** All bars have the scale of the longest, so that the slowest member is seen at once. */
export function hopBars(hops: readonly HopFigures[]): readonly StackedBar[] {
  const longest = Math.max(0, ...hops.map(hopMilliseconds));
  return hops.map((hop): StackedBar => {
    const label = `${hop.stage}.${hop.member} ${hop.nodeName}`;
    const parts = [
      { label: 'compute', figure: hop.computeMilliseconds, tone: 'good' },
      { label: 'wire', figure: hop.wireMilliseconds, tone: 'warning' },
      { label: 'wait', figure: hop.waitMilliseconds, tone: 'dim' },
    ] as const;
    const isKnown = parts.every(({ figure }) => !('unknown' in figure));
    return {
      label,
      text: isKnown
        ? parts.map((part) => `${part.label} ${milliseconds(part.figure)}`).join('  ')
        : whyUnknown(hop.computeMilliseconds),
      tone: isKnown ? 'plain' : 'dim',
      parts: parts.map((part) => ({
        label: part.label,
        fraction: longest > 0 ? (valueIn(part.figure) ?? 0) / longest : 0,
        tone: part.tone,
      })),
    };
  });
}

function hopMilliseconds({ computeMilliseconds, wireMilliseconds, waitMilliseconds }: HopFigures): number {
  return (valueIn(computeMilliseconds) ?? 0) + (valueIn(wireMilliseconds) ?? 0) + (valueIn(waitMilliseconds) ?? 0);
}
