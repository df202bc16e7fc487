// Builds the native engine as it is passed on: ggml with a library for each generation of processors, chosen when it is
// loaded; no symbols, and no folder of this machine in it. The result is build/engine/<platform>/, for
// `npm run pack:all -- --artifacts build/engine`. All variants for x64 take about fifteen minutes of one core.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { nativeFiles } from './native-files.mjs';
import { hostPlatform } from './packages.mjs';
import { main, root, say } from './tools.mjs';

main(() => {
  const platform = hostPlatform();
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const remap = [
    [root, '.'],
    [cargoHome, 'cargo'],
  ].map(([from, to]) => `--remap-path-prefix=${from.replace(/[\\/]$/, '')}=${to}`);
  say(`building the engine for ${platform.name}, for every processor`);
  const { library, ggml } = nativeFiles(['--profile', 'dist'], {
    SHOAL_CPU_VARIANTS: process.env.SHOAL_CPU_VARIANTS ?? 'all',
    SHOAL_PORTABLE: '1',
    RUSTFLAGS: [process.env.RUSTFLAGS, ...remap].filter(Boolean).join(' '),
  });
  const output = join(root, 'build', 'engine', platform.name);
  rmSync(output, { recursive: true, force: true });
  mkdirSync(join(output, 'ggml'), { recursive: true });
  cpSync(library, join(output, 'shoal-engine.node'));
  for (const name of readdirSync(ggml)) cpSync(join(ggml, name), join(output, 'ggml', name));
  say(`${output}: the addon, and ${readdirSync(join(output, 'ggml')).join(', ')}`);
});
