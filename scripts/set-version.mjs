// Gives everything the same version: `npm run version:set 0.2.0`. Packages of the workspace want each other in exactly this
// version, because they are tested and released together; so do the examples, which are not published.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspacePackages } from './packages.mjs';
import { main, root, run } from './tools.mjs';

main(() => {
  const version = process.argv[2] ?? '';
  if (!/^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/.test(version)) throw new Error('usage: npm run version:set 1.2.3');
  const packages = workspacePackages();
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  for (const folder of ['.', ...packages.map((one) => one.folder)]) {
    const path = join(root, folder, 'package.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.version = version;
    for (const wanted of [manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies]) {
      for (const name of Object.keys(wanted ?? {})) if (names.has(name)) wanted[name] = version;
    }
    writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
  }
  const cargo = join(root, 'Cargo.toml');
  const text = readFileSync(cargo, 'utf8');
  writeFileSync(cargo, text.replace(/^(\[workspace\.package\]\nversion = )"[^"]+"/m, `$1"${version}"`));
  run('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund', '--loglevel=error']);
  run('cargo', ['update', '--workspace', '--quiet']);
  run('cargo', ['update', '--workspace', '--quiet', '--manifest-path', 'crates/engine-node/header/Cargo.toml']);
});
