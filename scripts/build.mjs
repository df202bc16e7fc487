// Compiles everything: TypeScript with its tests, and the native addon.
import { join } from 'node:path';
import { buildNative } from './build-native.mjs';
import { main, root, run } from './tools.mjs';

main(() => {
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
  buildNative();
});
