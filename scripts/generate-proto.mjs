// Makes the TypeScript code of the control messages from core/proto. The result is committed, so that a build needs no
// generator; run this after every change of the schema.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run } from './tools.mjs';

const options = ['--force-number', '--no-verify', '--no-delimited', '--no-typeurl', '--no-convert', '--no-service'];

main(() => {
  const pbjs = join(root, 'node_modules', '.bin', 'pbjs');
  const schema = join(root, 'core', 'proto', 'control.proto');
  const output = join(root, 'core', 'generated', 'control.js');
  const generate = (...extra) =>
    run(pbjs, ['-t', 'static-module', '-w', 'esm', '-r', 'shoal-control', ...options, ...extra, '-o', output, schema]);
  // The declarations come from the comments; the code is kept without them.
  generate('-d');
  generate('--no-comments');
  const declarations = output.replace(/\.js$/, '.d.ts');
  // The schema has no 64-bit integers, so the import of their class is dead.
  const text = readFileSync(declarations, 'utf8');
  writeFileSync(declarations, text.replace(/^import Long = .*\n/m, ''));
});
