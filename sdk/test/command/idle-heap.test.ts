import { CollectionRule, collectGarbage } from 'shoal/internal/command/idle-heap.js';
import t from 'tap';

const mebibytes = (count: number) => count * 1024 * 1024;

t.test('a collection is due when nothing else is to do and it is worth it', async (t) => {
  const rule = new CollectionRule();
  const start = { busyShare: 0.01, heldBytes: mebibytes(70) };
  t.equal(rule.isDue({ ...start, busyShare: 0.5 }), false, 'not while there is work');
  t.equal(rule.isDue(start), true, 'after a start');
  rule.collected(mebibytes(32));
  t.equal(rule.isDue({ busyShare: 0, heldBytes: mebibytes(40) }), false, 'not for what stays small');
  t.equal(rule.isDue({ busyShare: 0, heldBytes: mebibytes(49) }), true, 'after a busy hour');
  rule.collected(mebibytes(49));
  t.equal(rule.isDue({ busyShare: 0, heldBytes: mebibytes(49) }), false, 'not again for what is in use');
});

t.test('what nobody holds any more is given back', async (t) => {
  let garbage: object[] | undefined = Array.from({ length: 500_000 }, (_, index) => ({ index }));
  t.equal(garbage.length, 500_000);
  const before = process.memoryUsage().heapUsed;
  garbage = undefined;
  await collectGarbage();
  t.ok(process.memoryUsage().heapUsed < before - mebibytes(10));
});
