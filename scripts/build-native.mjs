// Builds the Node-API addon with cargo and puts it where its package looks for it.
import { copyFileSync, existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run, say } from './tools.mjs';

const libraryNames = {
  linux: 'libshoal_engine_node.so',
  darwin: 'libshoal_engine_node.dylib',
  win32: 'shoal_engine_node.dll',
};

/** Path of the addon inside its package; the package's index.js opens the same name. */
export function addonPath() {
  return join(root, 'crates', 'engine-node', `shoal-engine.${process.platform}-${process.arch}.node`);
}

/** Cargo decides what is stale; the copy is made only when the library is newer. */
export function buildNative() {
  const name = libraryNames[process.platform];
  if (!name) throw new Error(`no native build for ${process.platform} yet`);
  say('building the native engine (the first time takes some minutes)');
  run('cargo', ['build', '--release', '--locked', '--quiet', '-p', 'shoal-engine-node']);
  const built = join(root, process.env.CARGO_TARGET_DIR ?? 'target', 'release', name);
  const wanted = addonPath();
  if (existsSync(wanted) && statSync(wanted).mtimeMs >= statSync(built).mtimeMs) return;
  // Rename, not overwrite: a running process may have the old file mapped.
  const temporary = `${wanted}.${process.pid}`;
  copyFileSync(built, temporary);
  renameSync(temporary, wanted);
}

if (process.argv[1]?.endsWith('build-native.mjs')) main(buildNative);
