// Finds and loads the native addon. Everything here is synchronous and runs once, when the package is imported.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createDispatcher } from './script-device.js';

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

/** Places to look, in order; the first that exists is the one that must load. */
function candidates() {
  const override = process.env.SHOAL_ENGINE_PATH;
  if (override) return [{ name: `SHOAL_ENGINE_PATH=${override}`, path: override, exists: existsSync(override) }];
  const local = fileURLToPath(new URL(`shoal-engine.${platform}.node`, import.meta.url));
  const found = [{ name: local, path: local, exists: existsSync(local) }];
  const name = `@shoal/engine-node-${platform}`;
  try {
    found.push({ name, path: require.resolve(name), exists: true });
  } catch {
    found.push({ name, path: name, exists: false });
  }
  return found;
}

function unavailable(message, cause) {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.code = 'ENGINE_UNAVAILABLE';
  return error;
}

function load() {
  const tried = candidates();
  const candidate = tried.find(({ exists }) => exists);
  if (!candidate) {
    const places = tried.map(({ name }) => `${name} is not there`).join(', ');
    throw unavailable(
      `no native engine for ${platform} was found: ${places}.\n` +
        'Build it with `npm run build:native`, or install the package of this platform.',
    );
  }
  try {
    return require(candidate.path);
  } catch (cause) {
    throw unavailable(`the native engine ${candidate.name} does not load on ${platform}: ${cause.message}`, cause);
  }
}

const native = load();

// `process.exit` does not tell addons, whose threads must stop before libraries are torn down around them.
process.on('exit', native.endEnvironment);

export const { FabricListener, MemberHandle, MeshHandle, NativeDeviceHandle, openGgmlDevice, probeCpu, version } =
  native;

export function createScriptDevice(device, options = {}) {
  const { callTimeoutMilliseconds = 60_000, compileTimeoutMilliseconds = 600_000 } = options;
  return native.createScriptDevice(createDispatcher(device), callTimeoutMilliseconds, compileTimeoutMilliseconds);
}

export async function createMember(optionsJson, handles, onEvent, signal) {
  signal?.throwIfAborted();
  const load = new native.LoadAbort();
  const abort = () => load.abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await native.createMember(optionsJson, handles, onEvent, load);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
