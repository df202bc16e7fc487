// Runs the benchmarks and compares their ratios with the checked-in ones. Machines are noisy, so a ratio fails only when
// it falls below `tolerance` of its baseline: that is a change of kind, not of weather.
// `--short`: small sizes, for every change. `--write`: makes the results the new baselines.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root } from '../scripts/tools.mjs';

const benchmarks = ['engine-splits', 'sdk-splits', 'sdk-overhead', 'cold-start', 'load', 'memory'];
const tolerance = 0.6;

function measure(name, words) {
  const result = spawnSync(process.execPath, [join(root, 'bench', `${name}.mjs`), ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`bench/${name}.mjs failed with ${result.status ?? result.signal}`);
  process.stdout.write(result.stdout);
  return JSON.parse(result.stdout);
}

main(() => {
  const short = process.argv.includes('--short');
  const slower = [];
  for (const name of benchmarks) {
    const file = join(root, 'bench', 'baselines', `${name}${short ? '.short' : ''}.json`);
    const { ratios, unavailable } = measure(name, short ? ['--short'] : []);
    if (process.argv.includes('--write')) {
      writeFileSync(file, `${JSON.stringify({ ratios }, null, 2)}\n`);
      continue;
    }
    const baseline = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).ratios : {};
    for (const [ratio, expected] of Object.entries(baseline)) {
      const found = ratios[ratio];
      if (unavailable) continue;
      process.stderr.write(`${name} ${ratio}: ${found} (baseline ${expected})\n`);
      if (!(found >= expected * tolerance)) slower.push(`${name} ${ratio}: ${found}, baseline ${expected}`);
    }
  }
  if (slower.length > 0) throw new Error(`slower than the baselines allow:\n  ${slower.join('\n  ')}`);
});
