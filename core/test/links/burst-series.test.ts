// Bursts over modelled paths: what is concluded, and how much is sent for it.
import { BurstSeries } from '@shoal/core/internal/links/burst-series.js';
import t from 'tap';
import { randomNumbers } from '../program/random.js';

const budgetBytes = 24 * 1024 * 1024;

interface Path {
  readonly megabitsPerSecond: number;
  readonly roundTripMilliseconds: number;
}

/** TCP without losses: ten packets at once, what is under way doubles with each full round trip, and is remembered. */
class ModelledConnection {
  private window = 14_480;

  constructor(private readonly path: Path) {}

  /** Milliseconds from the first byte sent to the word that the last has arrived, and of those the arriving. */
  send(bytes: number): { readonly elapsed: number; readonly arriving: number } {
    const { roundTripMilliseconds } = this.path;
    const perMillisecond = (this.path.megabitsPerSecond * 1e6) / 8 / 1000;
    let arriving = 0;
    for (let left = bytes; left > 0; ) {
      const sent = Math.min(left, this.window);
      left -= sent;
      const transmission = sent / perMillisecond;
      // The next may leave when the first of these is acknowledged.
      arriving += left > 0 ? Math.max(transmission, roundTripMilliseconds) : transmission;
      if (left > 0 || sent === this.window) this.window = Math.min(this.window * 2, 64 * 1024 * 1024);
    }
    return { elapsed: arriving + roundTripMilliseconds, arriving };
  }
}

function measure(path: Path, milliseconds: number, noise: () => number = () => 0) {
  const series = new BurstSeries({ roundTripMilliseconds: path.roundTripMilliseconds, bytes: budgetBytes });
  const connection = new ModelledConnection(path);
  let [left, sent] = [milliseconds, 0];
  for (;;) {
    const bytes = series.next(left);
    if (bytes === undefined) break;
    const { elapsed, arriving } = connection.send(bytes);
    const late = noise();
    left -= elapsed + late;
    sent += bytes;
    series.add({ bytes, elapsedMilliseconds: elapsed + late, arrivingMilliseconds: arriving });
  }
  const found = series.rate();
  if (!found) throw new Error('nothing was found');
  return { megabitsPerSecond: (found.bytesPerSecond * 8) / 1e6, isLowerBound: found.isLowerBound, sent };
}

t.test('short and long, narrow and wide paths', async (t) => {
  for (const roundTripMilliseconds of [0.2, 2, 40, 160]) {
    for (const megabitsPerSecond of [1, 10, 100, 1000, 10_000]) {
      const path = { megabitsPerSecond, roundTripMilliseconds };
      const name = `${megabitsPerSecond} Mbit/s, ${roundTripMilliseconds} ms`;
      const found = measure(path, Math.min(4000, Math.max(800, roundTripMilliseconds * 32)));
      t.comment(`${name}: ${JSON.stringify(found)}`);
      t.ok(found.megabitsPerSecond <= megabitsPerSecond * 1.001, `${name}: no more than there is`);
      t.ok(found.sent <= budgetBytes, `${name}: within the budget`);
      if (!found.isLowerBound) t.ok(found.megabitsPerSecond >= megabitsPerSecond * 0.8, `${name}: and not much less`);
      // What the path holds, and what is sent to find out.
      const held = (megabitsPerSecond / 8) * 1000 * roundTripMilliseconds;
      if (held <= 1e6) t.equal(found.isLowerBound, false, `${name}: it is settled`);
      const enough = Math.max(16 * held, (megabitsPerSecond / 8) * 1000 * 400, 128 * 1024);
      t.ok(found.sent <= enough, `${name}: no more is sent than is needed`);
    }
  }
});

t.test('noise makes it smaller, never larger', async (t) => {
  const random = randomNumbers(5);
  const between = (least: number, most: number) => least * (most / least) ** random();
  for (let round = 0; round < 100; round += 1) {
    const path = { megabitsPerSecond: between(0.5, 20_000), roundTripMilliseconds: between(0.05, 300) };
    const found = measure(path, 4000, () => random() ** 4 * 50);
    const isPossible = found.megabitsPerSecond > 0 && found.megabitsPerSecond <= path.megabitsPerSecond * 1.001;
    t.ok(isPossible, `${JSON.stringify(path)}: ${JSON.stringify(found)}`);
  }
});

t.test('time and bytes that do not suffice give a lower bound', async (t) => {
  const long = { megabitsPerSecond: 1000, roundTripMilliseconds: 160 };
  const found = measure(long, 2500);
  t.equal(found.isLowerBound, true);
  t.ok(found.megabitsPerSecond < 1000);
  const series = new BurstSeries({ roundTripMilliseconds: 1, bytes: 700_000 });
  t.equal(series.rate(), undefined, 'nothing is known before the first burst');
  t.equal(series.next(1000), 16 * 1024);
  series.add({ bytes: 16 * 1024, elapsedMilliseconds: 1.1, arrivingMilliseconds: 0 });
  t.equal(series.rate(), undefined, 'and little after it');
  t.equal(series.next(1000), 64 * 1024, 'the next is larger');
  series.add({ bytes: 512 * 1024, elapsedMilliseconds: 4, arrivingMilliseconds: 0 });
  t.equal(series.next(1000), undefined, 'the bytes do not suffice for another');
  t.equal(series.rate()?.isLowerBound, true);
});
