// Lint and format checks of both languages.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run } from './tools.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Source folders; a test file's top-level subtests are promises that nobody awaits, so tests are left out. */
const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true })
  .filter((kind) => kind.isDirectory())
  .flatMap((kind) => readdirSync(join(root, 'plugins', kind.name)).map((name) => `plugins/${kind.name}/${name}/src`));
const sources = ['core/src', 'sdk/src', 'tui/src', ...plugins];

const clippy = ['--release', '--locked', '--all-targets', '--quiet'];
const strict = ['--', '-D', 'warnings'];
const wire = [
  ...['--manifest-path', join(root, 'test', 'wire', 'Cargo.toml')],
  ...['--target-dir', join(root, 'target', 'wire')],
];

main(() => {
  run(bin('biome'), ['ci', '.', '--diagnostic-level=warn', '--colors=off']);
  run(bin('oxlint'), ['--type-aware', '--deny-warnings', ...sources]);
  run('cargo', ['fmt', '--all', '--check']);
  for (const workspace of ['fuzz', 'wire']) {
    run('cargo', ['fmt', '--manifest-path', join(root, 'test', workspace, 'Cargo.toml'), '--check']);
  }
  run('cargo', ['clippy', ...clippy, '--workspace', ...strict]);
  // The network emulator is of Linux.
  if (process.platform === 'linux') run('cargo', ['clippy', ...clippy, ...wire, ...strict]);
});
