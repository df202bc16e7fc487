import { ConditionsHistoryKeeper, longestConditionsHistory } from '@shoal/core/internal/machine/conditions-history.js';
import t from 'tap';

t.test('looks are kept in order, and the oldest are forgotten', async (t) => {
  const history = new ConditionsHistoryKeeper();
  t.same(history.columns, { at: [], load: [], watts: [], celsius: [] });
  for (let look = 0; look < longestConditionsHistory + 5; look += 1) {
    history.add({ at: look * 5000, load: look / 100, watts: undefined });
  }
  const { at, load, watts } = history.columns;
  t.equal(at.length, longestConditionsHistory);
  t.equal(at[0], 25_000);
  t.equal(load.at(-1), 0.64);
  t.same(new Set(watts), new Set([null]));
});

t.test('looks that follow each other quickly are one, which knows what either knew', async (t) => {
  const history = new ConditionsHistoryKeeper();
  history.add({ at: 0, load: 0.1, watts: 5 });
  history.add({ at: 5000, load: 0.2, watts: 6, celsius: 50 });
  history.add({ at: 6000, load: 0.3, watts: undefined });
  history.add({ at: 6500, load: 0.4, watts: 7 });
  t.same(history.columns, {
    at: [0, 6500],
    load: [0.1, 0.4],
    watts: [5, 7],
    celsius: [null, 50],
  });
  for (let second = 7; second < 20; second += 1) history.add({ at: second * 1000, load: 0.5, watts: 8 });
  t.same(
    history.columns.at,
    [0, 7000, 10_000, 13_000, 16_000, 19_000],
    'a look every second does not push one point on',
  );
});

t.test('a clock that was set back begins anew', async (t) => {
  const history = new ConditionsHistoryKeeper();
  history.add({ at: 50_000, load: 0.1, watts: 5 });
  history.add({ at: 10_000, load: 0.2, watts: 6 });
  t.same(history.columns.at, [10_000]);
});
