// Finds and loads the native addon. Everything here is synchronous and runs once, when the package is imported.
import { createRequire } from 'node:module';
import { findLibrary, unavailable } from './library.js';
import { bindScriptChannel } from './script-channel.js';
import { createDispatcher } from './script-device.js';

function load() {
  const library = findLibrary();
  try {
    return createRequire(import.meta.url)(library.path);
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`;
    throw unavailable(`the native engine ${library.name} does not load on ${platform}: ${cause.message}`, cause);
  }
}

const native = load();

// `process.exit` does not tell addons, whose threads must stop before libraries are torn down around them.
process.on('exit', native.endEnvironment);

export const {
  ChannelProbe,
  FabricListener,
  MemberHandle,
  meshPeers,
  MeshHandle,
  NativeDeviceHandle,
  openGgmlDevice,
  probeCpu,
  receiveFirst,
  ScriptChannelHandle,
  version,
} = native;

export function createScriptDevice(device, options = {}) {
  const { callTimeoutMilliseconds = 60_000, compileTimeoutMilliseconds = 600_000 } = options;
  return native.createScriptDevice(createDispatcher(device), callTimeoutMilliseconds, compileTimeoutMilliseconds);
}

export function createScriptChannel(channel) {
  return bindScriptChannel(native, channel);
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
