// Claim: splitting costs little and tensor members share the work. Runs the engine's own benchmark (no JavaScript on the
// way) on random weights of Llama-3.2-1B's shape, whole and split over processes that take turns, and prints JSON:
// {"name", "short", "ratios": {"pipeline-2/whole-1", …}, "tokensPerSecond", "readGigabytesPerSecond"}.
// `--short` keeps 4 of the 16 layers.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, run } from '../scripts/tools.mjs';

const short = process.argv.includes('--short');
const scenarios = 'whole-1,whole-2,pipeline-2,tensor-2';
const size = short ? ['--layers', '4', '--rounds', '4', '--tokens', '32', '--prompt', '64'] : ['--rounds', '7'];

run('cargo', ['build', '--release', '--locked', '--quiet', '-p', 'shoal-engine-bench']);
const binary = join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'release', 'engine-bench');
const result = spawnSync(binary, ['--storage', 'q4_0', '--scenarios', scenarios, ...size], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 1 << 26,
});
if (result.status !== 0) throw new Error(`engine-bench failed with ${result.status ?? result.signal}`);
const report = JSON.parse(result.stdout);

const speed = Object.fromEntries(report.scenarios.map(({ name, decode }) => [name, decode.bestTokensPerSecond]));
const best = (values) => Math.max(...values);
const bandwidth = {
  one: best(report.machine.oneThreadGigabytesPerSecond),
  two: best(report.machine.twoThreadsGigabytesPerSecond),
};
const round = (value) => Math.round(value * 1000) / 1000;
process.stdout.write(
  `${JSON.stringify(
    {
      name: 'engine-splits',
      short,
      ratios: {
        'pipeline-2/whole-1': round(speed['pipeline-2'] / speed['whole-1']),
        'tensor-2/whole-1': round(speed['tensor-2'] / speed['whole-1']),
      },
      tokensPerSecond: speed,
      readGigabytesPerSecond: bandwidth,
    },
    null,
    2,
  )}\n`,
);
