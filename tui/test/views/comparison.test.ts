// What was predicted of all answers together is compared with times in which there were as many.
import { applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import { plansFigures } from '@shoal/tui/internal/views/plan-figures.js';
import t from 'tap';
import { attached, begin, cluster, statistics } from '../support/sample.js';

/** One look at the counters a second after the one before. */
function looks(all: readonly { readonly tokens: number; readonly slots: number }[]): readonly Update[] {
  return all.map(({ tokens, slots }, index) => {
    const update = statistics(begin + 1000 * index, tokens) as Update & { kind: 'statistics' };
    const [head, ...others] = update.members;
    const told = { ...head, statistics: { ...head?.statistics, residentSlots: slots } };
    return { ...update, members: [told, ...others] } as unknown as Update;
  });
}

function measuredOf(updates: readonly Update[]) {
  const [plan] = plansFigures(applyAll(initialState(begin), [attached, cluster, ...updates])).plans;
  return plan?.comparison.find(({ figure }) => figure === 'tokensPerSecond')?.measured;
}

t.test('an instance that was never full has nothing to compare', async (t) => {
  const found = measuredOf(
    looks([
      { tokens: 0, slots: 1 },
      { tokens: 900, slots: 1 },
    ]),
  );
  t.match(found, { unknown: 'its 4 slots have not been taken all at once yet' });
});

t.test('and one that was is compared by those times alone', async (t) => {
  const found = measuredOf(
    looks([
      { tokens: 0, slots: 1 },
      // They were there for a part of this second alone.
      { tokens: 900, slots: 4 },
      { tokens: 1000, slots: 4 },
      { tokens: 1120, slots: 4 },
      { tokens: 1230, slots: 4 },
      { tokens: 1235, slots: 0 },
    ]),
  );
  t.same(found, { value: 110, source: 'measured' });
});
