// Claims: at one look a second the dashboard costs at most 3 % of a core with 50 nodes, 120 MB, and shows its first frame within
// 700 ms; with 1,000 nodes it still keeps up. Clusters that are made up, in a real terminal of 120 by 40; and the first frame
// of `shoal top` over a real node. Prints JSON: {"name", "machine", "realNode": {"firstFrameMilliseconds",
// "attachedMilliseconds"}, "cases": [{"nodes", "screen", "coreShare", "megabytes", "bytesPerSecond"}]}. `--short`: watched
// for a shorter time; `--only real,50:topology`: those parts alone, for it takes minutes. Linux only, for what it reads of
// processes; needs Python 3 for its terminal.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../scripts/tools.mjs';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const short = process.argv.includes('--short');
const onlyAt = process.argv.indexOf('--only');
const only = onlyAt < 0 ? undefined : process.argv[onlyAt + 1]?.split(',');
const parts = ['real', '50:topology', '50:node', '50:requests', '1000:topology', '1000:node'];
const shortParts = ['real', '50:topology', '50:node', '1000:topology'];
const unknownParts = only?.filter((part) => !parts.includes(part)) ?? [];
if (unknownParts.length > 0 || only?.length === 0) throw new Error(`--only takes ${parts.join(',')}`);
const wanted = only ?? (short ? shortParts : parts);
const watcher = join(root, 'bench', 'support', 'watch-terminal.py');
const command = join(root, 'sdk', 'dist', 'command', 'main.js');
const synthetic = join(root, 'bench', 'support', 'synthetic-dashboard.mjs');

function watch(plan, words, environment = {}) {
  const { NO_COLOR: _none, FORCE_COLOR: _forced, ...inherited } = process.env;
  const { status, stdout } = spawnSync(
    'python3',
    [watcher, JSON.stringify({ columns: 120, rows: 40, ...plan }), process.execPath, ...words],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...inherited, TERM: 'xterm-256color', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...environment },
    },
  );
  if (status !== 0) throw new Error(`the terminal could not be watched (${status})`);
  return JSON.parse(stdout);
}

async function realNode() {
  const home = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  const words = [command, 'node', '--json', '--exit-with-stdin', '--no-api', '--home', home, '--name', 'anna'];
  const node = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(createInterface({ input: node.stdout }), 'line');
    const patterns = ['Topology', 'attached'];
    const runs = Array.from({ length: short ? 1 : 5 }, () => {
      const { milliseconds } = watch({ patterns, settle: 4, seconds: 0.1 }, [command, 'top', '--home', home]);
      return patterns.map((pattern) => {
        if (milliseconds[pattern] === null) throw new Error(`the dashboard did not show "${pattern}" within 4 s`);
        return milliseconds[pattern];
      });
    });
    const [firstFrameMilliseconds, attachedMilliseconds] = patterns.map((_, index) =>
      round(median(runs.map((run) => run[index])), 0),
    );
    return { firstFrameMilliseconds, attachedMilliseconds };
  } finally {
    const ended = once(node, 'exit');
    node.stdin.end();
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
}

function measure(nodes, screen) {
  const plan = { patterns: ['attached'], settle: short ? 4 : 8, seconds: short ? 8 : 30 };
  const { coreShare, megabytes, highestMegabytes, bytesPerSecond } = watch(plan, [synthetic, String(nodes), screen]);
  return {
    nodes,
    screen,
    coreShare: round(coreShare, 4),
    megabytes: round(megabytes, 0),
    highestMegabytes: round(highestMegabytes, 0),
    bytesPerSecond: round(bytesPerSecond, 0),
  };
}

if (process.platform !== 'linux') {
  process.stdout.write(`${JSON.stringify({ name: 'dashboard', unavailable: 'it reads /proc' })}\n`);
} else {
  const real = wanted.includes('real') ? { realNode: await realNode() } : {};
  const cases = wanted
    .filter((part) => part !== 'real')
    .map((part) => part.split(':'))
    .map(([nodes, screen]) => measure(Number(nodes), screen));
  process.stdout.write(`${JSON.stringify({ name: 'dashboard', machine: machineFacts(), ...real, cases }, null, 2)}\n`);
}
