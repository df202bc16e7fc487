// Where cargo puts the native engine: the addon, and ggml's libraries that it loads.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './tools.mjs';

/** Builds the addon where it is stale; resolves with the paths of the library and of the folder of ggml's libraries. */
export function nativeFiles(args = ['--release'], environment = {}) {
  const words = ['build', '--locked', '--message-format=json', '-p', 'shoal-engine-node', ...args];
  const { status, stdout } = spawnSync('cargo', words, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`cargo build failed with ${status}`);
  const messages = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const artifact = messages.findLast(
    ({ reason, target }) => reason === 'compiler-artifact' && target.name === 'shoal_engine_node',
  );
  const script = messages.find(
    ({ reason, env }) => reason === 'build-script-executed' && env.some(([name]) => name === 'SHOAL_GGML_LIBRARIES'),
  );
  const library = artifact?.filenames.find((file) => /\.(so|dylib|dll)$/.test(file));
  const [, ggml] = script?.env.find(([name]) => name === 'SHOAL_GGML_LIBRARIES') ?? [];
  if (!library || !ggml) throw new Error('cargo did not say where it put the native engine');
  return { library: join(library), ggml: join(ggml) };
}
