// Packs what is published into tarballs: the packages of the workspace, and the engine's packages for the platforms.
//
//   npm run pack:all                              → build/packages/*.tgz; the engine as built for this machine
//   npm run pack:all -- --artifacts build/engine  the engine from <folder>/<platform>/{shoal-engine.node,ggml/}, as
//                                                 scripts/build-portable.mjs makes it on each platform
//   npm run pack:all -- --output FOLDER
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { licenceTexts } from './licence-texts.mjs';
import { nativeFiles } from './native-files.mjs';
import { enginePackage, hostPlatform, platformManifest, platforms, publishedPackages } from './packages.mjs';
import { main, root, say } from './tools.mjs';

const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** The base library and the backends; not the registry of the same name, which the engine does without. */
const ggmlLibrary = /^(lib)?ggml-.*\.(so|dylib|dll)$/;

/** What goes into a package beside its own files, and what its manifest gets. */
const additions = {
  [enginePackage]: {
    manifest: ({ version }) => ({
      optionalDependencies: Object.fromEntries(platforms.map(({ name }) => [`${enginePackage}-${name}`, version])),
    }),
  },
  shoal: {
    manifest: ({ files }) => ({ files: [...files, 'models', 'plugins.json'] }),
    add(stage) {
      cpSync(join(root, 'models', 'shoal-tiny-chat'), join(stage, 'models', 'shoal-tiny-chat'), { recursive: true });
      const plugins = JSON.parse(readFileSync(join(root, 'plugins.json'), 'utf8'));
      // Beside it in `node_modules`, where installers put it unless versions clash.
      writeJson(join(stage, 'plugins.json'), { ...plugins, $schema: '../@shoal/core/plugins.schema.json' });
    },
  },
};

/** Lays a package out as it will be in its tarball. */
function stagePackage({ folder, manifest }, stage) {
  mkdirSync(stage, { recursive: true });
  for (const name of [...manifest.files.filter((file) => !file.startsWith('!')), 'README.md']) {
    const from = join(root, folder, name);
    if (!existsSync(from)) throw new Error(`${manifest.name} lists ${name}, which is not there: build first`);
    cpSync(from, join(stage, name), { recursive: true });
  }
  for (const name of ['LICENSE', 'NOTICE']) cpSync(join(root, name), join(stage, name));
  const { manifest: change, add } = additions[manifest.name] ?? {};
  const complete = { ...manifest, files: [...manifest.files, 'NOTICE'] };
  writeJson(join(stage, 'package.json'), { ...complete, ...change?.(complete) });
  add?.(stage);
}

/** Lays a platform's package out from an addon and a folder of ggml's libraries. */
function stagePlatform(platform, base, { library, ggml }, stage) {
  mkdirSync(join(stage, 'ggml'), { recursive: true });
  cpSync(library, join(stage, 'shoal-engine.node'));
  const libraries = readdirSync(ggml).filter((name) => ggmlLibrary.test(name));
  if (libraries.length < 2) throw new Error(`${ggml} does not hold ggml's libraries`);
  for (const name of libraries) cpSync(join(ggml, name), join(stage, 'ggml', name));
  const ggmlLicence = readFileSync(join(ggml, 'LICENSE.ggml'), 'utf8');
  writeFileSync(join(stage, 'LICENSES.txt'), licenceTexts(platform.rustTarget, ggmlLicence));
  for (const name of ['LICENSE', 'NOTICE']) cpSync(join(root, name), join(stage, name));
  const manifest = platformManifest(platform, base);
  const text = `# ${manifest.name}\n\nThe native engine of [Shoal](${base.homepage}) for ${platform.name}: an addon for Node, Bun and Electron that is also\na plain shared library, and ggml's libraries beside it. \`${enginePackage}\` installs and loads it; there is nothing to\nimport here. LICENSES.txt has the licences of what it is made of.\n`;
  writeFileSync(join(stage, 'README.md'), text);
  writeJson(join(stage, 'package.json'), manifest);
}

/** What has been built: each platform under `artifacts`, or the engine of this machine. */
function builtEngines(artifacts) {
  if (artifacts === undefined) return [{ platform: hostPlatform(), files: nativeFiles() }];
  const found = platforms.filter(({ name }) => existsSync(join(artifacts, name, 'shoal-engine.node')));
  if (found.length === 0) throw new Error(`${artifacts} holds no engine of any platform`);
  const missing = platforms.filter((platform) => !found.includes(platform)).map(({ name }) => name);
  if (missing.length > 0) say(`no engine for ${missing.join(', ')}: their packages are left out`);
  return found.map((platform) => {
    const folder = join(artifacts, platform.name);
    return { platform, files: { library: join(folder, 'shoal-engine.node'), ggml: join(folder, 'ggml') } };
  });
}

main(() => {
  const { values } = parseArgs({ options: { artifacts: { type: 'string' }, output: { type: 'string' } } });
  const output = resolve(values.output ?? join(root, 'build', 'packages'));
  const staging = join(output, 'staging');
  rmSync(output, { recursive: true, force: true });
  const stages = [];
  const newStage = (name) => {
    stages.push(join(staging, name.replace('/', '+')));
    return stages.at(-1);
  };
  const packages = publishedPackages();
  for (const one of packages) stagePackage(one, newStage(one.manifest.name));
  const base = packages.find(({ manifest }) => manifest.name === enginePackage).manifest;
  for (const { platform, files } of builtEngines(values.artifacts)) {
    stagePlatform(platform, base, files, newStage(`${enginePackage}-${platform.name}`));
  }
  const npm = ['pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${output}`, '--json', ...stages];
  const { status, stdout } = spawnSync('npm', npm, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm pack failed with ${status}`);
  rmSync(staging, { recursive: true });
  const packed = Object.values(JSON.parse(stdout));
  for (const { name, filename, size } of packed) say(`${name}: ${filename}, ${(size / 2 ** 20).toFixed(2)} MiB`);
});
