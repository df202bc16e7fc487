// Lint and format checks of both languages.
import { join } from 'node:path';
import { main, root, run } from './tools.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);

main(() => {
  run(bin('biome'), ['ci', '.', '--diagnostic-level=warn']);
  run(bin('oxlint'), ['--type-aware', '--deny-warnings', 'core/src', 'sdk/src', 'plugins']);
  run('cargo', ['fmt', '--all', '--check']);
  run('cargo', ['clippy', '--release', '--locked', '--workspace', '--all-targets', '--quiet', '--', '-D', 'warnings']);
});
