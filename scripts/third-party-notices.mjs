// Writes THIRD-PARTY-NOTICES.md from the lock files: what the shipped packages and the addon are made of.
// `--check` fails when the file is out of date.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root } from './tools.mjs';

const target = join(root, 'THIRD-PARTY-NOTICES.md');

function npmPackages() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const rows = new Map();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.includes('node_modules/') || entry.dev || entry.devOptional || entry.link) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    rows.set(`${name} ${entry.version}`, `| ${name} | ${entry.version} | ${entry.license ?? 'see package'} |`);
  }
  return rows;
}

function crates() {
  const args = ['metadata', '--format-version=1', '--locked', '--filter-platform', 'x86_64-unknown-linux-gnu'];
  const result = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`cargo metadata failed: ${result.stderr}`);
  const { packages, resolve } = JSON.parse(result.stdout);
  const byId = new Map(packages.map((entry) => [entry.id, entry]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const rows = new Map();
  const pending = packages.filter((entry) => entry.name === 'shoal-engine-node').map((entry) => entry.id);
  const seen = new Set(pending);
  while (pending.length > 0) {
    const id = pending.pop();
    const { name, version, license } = byId.get(id);
    if (!name.startsWith('shoal-'))
      rows.set(`${name} ${version}`, `| ${name} | ${version} | ${license ?? 'see crate'} |`);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (seen.has(pkg) || kinds.every(({ kind }) => kind === 'dev')) continue;
      seen.add(pkg);
      pending.push(pkg);
    }
  }
  return rows;
}

const table = (title, rows) =>
  `## ${title}\n\n| package | version | licence |\n|---|---|---|\n${[...rows.keys()]
    .sort()
    .map((key) => rows.get(key))
    .join('\n')}\n`;

main(() => {
  const text = [
    '# Third-party notices\n',
    'Shoal is built from and uses the software below, each under its own licence. Made by `node scripts/third-party-notices.mjs`.\n',
    '## Native libraries\n\n| package | licence |\n|---|---|\n| ggml (taken at build time from the `llama-cpp-sys-2` crate) | MIT |\n',
    table('Rust crates in the addon, including its build', crates()),
    table('npm packages at run time', npmPackages()),
  ].join('\n');
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    throw new Error('THIRD-PARTY-NOTICES.md is out of date: run `node scripts/third-party-notices.mjs`');
  }
});
