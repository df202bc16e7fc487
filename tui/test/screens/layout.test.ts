// How blocks share the rows of a screen.
import { shareRows } from '@shoal/tui/internal/screens/layout.js';
import t from 'tap';

const block = (least: number, wanted: number, grows = 0, isBare = true) => ({ least, wanted, grows, isBare });

t.test('all get what they want where there is room, and one takes the rest', async (t) => {
  t.same(shareRows([block(1, 3), block(1, 5, 1)], 20, 80), [3, 17]);
  t.same(shareRows([block(1, 3), block(1, 5)], 20, 80), [3, 5]);
  t.same(shareRows([block(1, 2, 1, false), block(1, 2, 1, false)], 12, 80), [6, 6], 'frames included');
});

t.test('where there is little, the later ones shrink and go first', async (t) => {
  t.same(shareRows([block(2, 6), block(2, 6), block(2, 6)], 8, 80), [4, 2, 2]);
  t.same(shareRows([block(2, 6), block(2, 6), block(2, 6)], 5, 80), [3, 2, 0]);
  t.same(shareRows([block(4, 4), block(2, 2)], 3, 80), [0, 2], 'what cannot be shown leaves its room to others');
});

t.test('the one that keys go to is there whatever the order', async (t) => {
  t.same(shareRows([block(2, 6), block(2, 6), block(2, 6)], 4, 80, 2), [2, 0, 2]);
});

t.test('never more than there is', async (t) => {
  for (let rows = 0; rows < 40; rows += 1) {
    const shared = shareRows(
      [block(3, 9, 1, false), block(1, 4, 0, false), block(2, 30, 2, false), block(1, 1)],
      rows,
      30,
    );
    t.ok(shared.reduce((sum, one) => sum + one, 0) <= rows, `${rows}: ${shared.join(' ')}`);
    t.ok(shared.every((one) => one >= 0));
  }
});
