import { incarnationAfter, incarnationAt } from '@shoal/core/internal/consensus/facts.js';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import t from 'tap';

t.test('incarnations grow with time, and chance tells those of one moment apart', async (t) => {
  const random = new SeededRandom(1);
  const moments = [0, 1, 2, 1000, 1_764_000_000_000, 1_764_000_000_001, Date.UTC(2200)];
  const all = moments.map((moment) => incarnationAt(moment, random));
  t.same(
    all,
    [...all].sort((left, right) => left - right),
  );
  t.ok(all.every(Number.isSafeInteger));
  for (const incarnation of [...all, 7, 1.7e12]) {
    const after = Array.from({ length: 50 }, () => incarnationAfter(incarnation, random));
    t.ok(
      after.every((one) => one > incarnation),
      `beyond ${incarnation}`,
    );
    t.ok(new Set(after).size > 40, 'two lives that go beyond the same one hardly meet');
  }
});
