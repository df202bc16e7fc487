import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { sequence } from './sequences.js';

const file = new URL('../../../../test/fixtures/graphs/sequences.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as { whole: unknown[][]; digests: string };
const digestLength = 8;

t.test('the first sequences give what rustworkx gives, answer by answer', async (t) => {
  for (const [seed, expected] of recorded.whole.entries()) {
    const found = JSON.parse(JSON.stringify(sequence(seed))) as unknown[];
    for (const [index, one] of expected.entries()) t.same(found[index], one, `seed ${seed}, answer ${index}`);
    t.equal(found.length, expected.length);
  }
});

t.test('thousands of sequences give what rustworkx gives', async (t) => {
  const count = recorded.digests.length / digestLength;
  t.ok(count >= 3000);
  const different: number[] = [];
  for (let seed = 0; seed < count; seed += 1) {
    const digest = createHash('sha256')
      .update(JSON.stringify(sequence(seed)))
      .digest('hex');
    const expected = recorded.digests.slice(seed * digestLength, (seed + 1) * digestLength);
    if (digest.slice(0, digestLength) !== expected) different.push(seed);
  }
  t.same(different, [], 'compare `python test/fixtures/make_graphs.py SEED`');
});
