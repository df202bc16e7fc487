// Finds and loads the native addon. Everything here is synchronous and runs once, when the package is imported.
import { createRequire } from 'node:module';
import { findLibrary, unavailable } from './library.js';
import { bindScriptChannel } from './script-channel.js';
import { createDispatcher } from './script-device.js';

/** What this package takes from the addon, which may have been built from other sources. */
const needed = [
  'ChannelProbe',
  'createMember',
  'createScriptChannel',
  'createScriptDevice',
  'endEnvironment',
  'FabricListener',
  'LoadAbort',
  'measureGgmlDevice',
  'MemberHandle',
  'meshPeers',
  'MeshHandle',
  'NativeDeviceHandle',
  'openGgmlDevice',
  'probeCpu',
  'receiveFirst',
  'ScriptChannelHandle',
  'version',
  'writeConvertedCheckpoint',
];

function load() {
  const library = findLibrary();
  let addon;
  try {
    addon = createRequire(import.meta.url)(library.path);
  } catch (cause) {
    const platform = `${process.platform}-${process.arch}`;
    throw unavailable(`the native engine ${library.name} does not load on ${platform}: ${cause.message}`, cause);
  }
  const missing = needed.filter((name) => addon[name] === undefined);
  if (missing.length === 0) return addon;
  throw unavailable(
    `the native engine ${library.name} was built from other sources than this package: it lacks ${missing.join(', ')}. ` +
      'In a clone, build it again with `npm run build:native`; elsewhere install all packages in one version.',
  );
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

/** Native work cannot look at a signal: it looks at a flag, which is raised when the signal aborts. */
async function withAbort(signal, work) {
  signal?.throwIfAborted();
  const flag = new native.LoadAbort();
  const abort = () => flag.abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await work(flag);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

export function createMember(optionsJson, handles, onEvent, signal) {
  return withAbort(signal, (flag) => native.createMember(optionsJson, handles, onEvent, flag));
}

export function writeConvertedCheckpoint(orderJson, onProgress, signal) {
  const report = ([writtenBytes, totalBytes]) => onProgress(writtenBytes, totalBytes);
  return withAbort(signal, (flag) => native.writeConvertedCheckpoint(orderJson, report, flag));
}

export async function measureGgmlDevice(options, signal) {
  const { device, storageTypes, oneCore = false, weightBytes, durationMilliseconds } = options;
  const order = JSON.stringify({ device, storageTypes, oneCore, weightBytes, durationMilliseconds });
  return JSON.parse(await withAbort(signal, (flag) => native.measureGgmlDevice(order, flag)));
}
