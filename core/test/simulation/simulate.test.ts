// Whole clusters under a virtual clock. A seed that fails is replayed with the command that the failure names.
import { simulate } from '@shoal/core/internal/simulation/simulate.js';
import t from 'tap';

const seeds = 2000;

t.test(`${seeds} clusters agree whatever happens to them`, async (t) => {
  let commands = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = simulate(seed);
    commands += result.commands.accepted;
    if (!result.violation) continue;
    t.fail(`seed ${seed}: ${result.violation.message}; replay: node scripts/simulate.mjs --seed ${seed} --trace`);
    return;
  }
  t.ok(commands > 5 * seeds, `${commands} commands were confirmed`);
});

t.test('a seed gives the same run every time', async (t) => {
  const traceOf = (seed: number) => {
    const lines: string[] = [];
    simulate(seed, { trace: (line) => lines.push(line) });
    return lines;
  };
  for (const seed of [3, 17, 99]) t.strictSame(traceOf(seed), traceOf(seed), `seed ${seed}`);
  t.notSame(traceOf(3), traceOf(4));
});
