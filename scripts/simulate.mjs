// Runs whole clusters under a virtual clock, one per seed, and says which seeds break what must hold.
//   node scripts/simulate.mjs --seeds 10000 --first 1
//   node scripts/simulate.mjs --seed 4711 --trace
import { parseArgs } from 'node:util';
import { main } from './tools.mjs';

main(async () => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const { simulate } = await import('../core/dist/simulation/simulate.js');
  const first = Number(values.seed ?? values.first);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const trace = values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined;
  const started = performance.now();
  const totals = { messages: 0, accepted: 0, refused: 0, campaignsToAgree: 0 };
  const failed = [];
  for (let seed = first; seed < first + count; seed++) {
    const result = simulate(seed, { trace });
    totals.messages += result.messages;
    totals.accepted += result.commands.accepted;
    totals.refused += result.commands.refused;
    totals.campaignsToAgree = Math.max(totals.campaignsToAgree, result.campaignsToAgree);
    if (!result.violation) continue;
    failed.push(seed);
    const { message, atMilliseconds } = result.violation;
    process.stdout.write(`seed ${seed} after ${atMilliseconds} ms: ${message}\n`);
    process.stdout.write(`  replay: node scripts/simulate.mjs --seed ${seed} --trace\n`);
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${count} seeds from ${first} in ${seconds.toFixed(1)} s: ${failed.length} failed; ${totals.messages} messages, ` +
      `${totals.accepted} commands confirmed, ${totals.refused} not, at most ${totals.campaignsToAgree} campaigns to agree\n`,
  );
  if (failed.length > 0) process.exitCode = 1;
});
