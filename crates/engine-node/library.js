// Finds the addon's file. Apart from index.js, so that loaders of plain shared libraries (bun:ffi) find it, too.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

/** Names of platforms as packages are named, the likeliest first. */
function packagePlatforms() {
  if (process.platform === 'win32') return [`${platform}-msvc`];
  if (process.platform !== 'linux') return [platform];
  // Installers choose by the C library; where both are installed, the runtime's own decides.
  const libraries = runsOnGlibc() ? ['gnu', 'musl'] : ['musl', 'gnu'];
  return libraries.map((library) => `${platform}-${library}`);
}

function runsOnGlibc() {
  const { report } = process;
  if (!report) return true;
  // Else the report asks name servers for every open connection.
  const { excludeNetwork } = report;
  report.excludeNetwork = true;
  const { header } = report.getReport();
  report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime !== undefined;
}

function* candidates() {
  const override = process.env.SHOAL_ENGINE_PATH;
  if (override) {
    yield { name: `SHOAL_ENGINE_PATH=${override}`, path: override, exists: existsSync(override) };
    return;
  }
  const local = fileURLToPath(new URL(`shoal-engine.${platform}.node`, import.meta.url));
  yield { name: local, path: local, exists: existsSync(local) };
  for (const packagePlatform of packagePlatforms()) {
    const name = `@shoal/engine-node-${packagePlatform}`;
    try {
      yield { name, path: require.resolve(name), exists: true };
    } catch {
      yield { name, path: name, exists: false };
    }
  }
}

export function unavailable(message, cause) {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.code = 'ENGINE_UNAVAILABLE';
  return error;
}

/** The first place that has a file is the one that must load. */
export function findLibrary() {
  const tried = [];
  for (const candidate of candidates()) {
    if (candidate.exists) return candidate;
    tried.push(`${candidate.name} is not there`);
  }
  throw unavailable(
    `no native engine for ${platform} was found: ${tried.join(', ')}.\n` +
      'In a clone, build it with `npm run build:native`; elsewhere install the package of this platform, which ' +
      'npm leaves out when optional dependencies are omitted.',
  );
}

export function libraryPath() {
  return findLibrary().path;
}
