// What is published: the packages of the workspace, and one package with the native engine for each platform.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tools.mjs';

/** The workspace's package that the platforms' packages belong to. */
export const enginePackage = '@shoal/engine-node';

/**
 * Platforms with a package of their own. `rustTarget` is what cargo calls them, `library` the file that it builds;
 * `local` is where `npm run build:native` puts the addon on that platform.
 */
export const platforms = [
  { name: 'linux-x64-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', rustTarget: 'x86_64-unknown-linux-gnu' },
  { name: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl', rustTarget: 'x86_64-unknown-linux-musl' },
  { name: 'linux-arm64-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', rustTarget: 'aarch64-unknown-linux-gnu' },
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl', rustTarget: 'aarch64-unknown-linux-musl' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64', rustTarget: 'aarch64-apple-darwin' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64', rustTarget: 'x86_64-apple-darwin' },
  { name: 'win32-x64-msvc', os: 'win32', cpu: 'x64', rustTarget: 'x86_64-pc-windows-msvc' },
];

/** The platform of this process. */
export function hostPlatform() {
  const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  const libc = process.platform === 'linux' ? (isMusl ? 'musl' : 'glibc') : undefined;
  const found = platforms.find(({ os, cpu, ...rest }) => {
    return os === process.platform && cpu === process.arch && rest.libc === libc;
  });
  if (!found) throw new Error(`there is no package for ${process.platform}-${process.arch}`);
  return found;
}

/** Manifest of a platform's package; `base` is that of the engine's. */
export function platformManifest(platform, base) {
  const { version, license, engines, repository, homepage, bugs } = base;
  return {
    name: `${enginePackage}-${platform.name}`,
    version,
    description: `Native engine of Shoal for ${platform.name}; installed by ${enginePackage}.`,
    keywords: ['shoal', 'native', 'addon', platform.os, platform.cpu],
    homepage,
    bugs,
    repository,
    license,
    os: [platform.os],
    cpu: [platform.cpu],
    ...(platform.libc === undefined ? {} : { libc: [platform.libc] }),
    type: 'commonjs',
    engines,
    main: './shoal-engine.node',
    files: ['shoal-engine.node', 'ggml', 'README.md', 'NOTICE', 'LICENSES.txt'],
  };
}

/** Folders with a package.json that a workspace pattern means; `*` stands for any part of one folder's name. */
function expand(pattern) {
  let folders = ['.'];
  for (const part of pattern.split('/')) {
    folders = folders.flatMap((folder) => {
      if (!part.includes('*')) return [join(folder, part)];
      const [start, end] = part.split('*');
      const entries = readdirSync(join(root, folder), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory() && entry.name.startsWith(start) && entry.name.endsWith(end))
        .map((entry) => join(folder, entry.name));
    });
  }
  return folders.filter((folder) => existsSync(join(root, folder, 'package.json')));
}

/** Folder and manifest of every package of the workspace. */
export function workspacePackages() {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return workspaces
    .flatMap((pattern) => expand(pattern))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) }));
}

/** Those that are published, dependencies first. */
export function publishedPackages() {
  const packages = workspacePackages().filter(({ manifest }) => !manifest.private);
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  const ordered = [];
  const visit = (one) => {
    if (ordered.includes(one)) return;
    for (const name of Object.keys(one.manifest.dependencies ?? {})) {
      if (names.has(name)) visit(packages.find(({ manifest }) => manifest.name === name));
    }
    ordered.push(one);
  };
  for (const one of packages.toSorted((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1))) visit(one);
  return ordered;
}
