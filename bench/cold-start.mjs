// Claim: a program has its node within 1.5 s. Starts Node processes that call `createCluster()` with the shipped plugins on
// a fresh home, next to Node processes that do nothing, and prints JSON: {"name", "ratios", "milliseconds": {"process": from
// the start of the process to the cluster, "import", "createCluster"}}. The ratio is that of an empty process to ours.
// `--short`: fewer repetitions.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/tools.mjs';
import { machineFacts } from './support/machine.mjs';
import { Series, speedRatio, takeTurns } from './support/numbers.mjs';

const short = process.argv.includes('--short');
const rounds = short ? 5 : 15;

// Times count from the start of the process, which includes Node's own.
const program = `
  const importing = performance.now();
  const { createCluster } = await import('shoal');
  const creating = performance.now();
  await createCluster({ identity: 'temporary', home: process.argv[1] });
  const ready = performance.now();
  process.stdout.write(JSON.stringify({ import: creating - importing, createCluster: ready - creating, inProcess: ready }));
  process.exit();`;

function start(code) {
  const home = mkdtempSync(join(tmpdir(), 'shoal-bench-home-'));
  const started = performance.now();
  const result = spawnSync(process.execPath, ['--input-type=module', '--eval', code, home], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const elapsed = performance.now() - started;
  rmSync(home, { recursive: true, force: true });
  if (result.status !== 0) throw new Error(`the program ended with ${result.status ?? result.signal}`);
  return { elapsed, output: result.stdout };
}

const series = { empty: new Series(), cluster: new Series(), process: new Series() };
const parts = { import: new Series(), createCluster: new Series() };
const measure = {
  empty() {
    series.empty.add(start('process.exit()').elapsed);
  },
  cluster() {
    const { elapsed, output } = start(program);
    const times = JSON.parse(output);
    series.cluster.add(elapsed);
    series.process.add(times.inProcess);
    for (const [name, part] of Object.entries(parts)) part.add(times[name]);
  },
};
// The first of each fills the file cache.
for (const name of Object.keys(measure)) start(name === 'empty' ? 'process.exit()' : program);
await takeTurns(rounds, Object.keys(measure), async (name) => measure[name]());

console.log(
  JSON.stringify(
    {
      name: 'cold-start',
      short,
      ratios: { 'empty process/cluster, start': speedRatio(series.cluster, series.empty) },
      targets: { milliseconds: 1500 },
      milliseconds: {
        process: series.process.summary(1),
        import: parts.import.summary(1),
        createCluster: parts.createCluster.summary(1),
        emptyProcess: series.empty.summary(1),
      },
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
