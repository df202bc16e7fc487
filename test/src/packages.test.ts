// The packages as others get them: packed, installed into an empty project without Rust, run under Node and Bun.
import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { PackageRegistry, type PackedManifest, unpack } from './support/package-registry.js';
import { repositoryRoot } from './support/repository.js';
import { runtimes } from './support/runtimes.js';

const scripts = path.join(repositoryRoot, 'scripts');
const { enginePackage, hostPlatform, platformManifest, platforms } = (await import(
  path.join(scripts, 'packages.mjs')
)) as {
  enginePackage: string;
  hostPlatform(): { name: string };
  platformManifest(platform: object, base: object): PackedManifest;
  platforms: readonly { readonly name: string }[];
};

// The slowest part is the network's: an installer asks for a hundred packages where its cache is cold.
t.setTimeout(600_000);

// Not the runner's folder: an installer looks for workspaces in the folders above.
const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'shoal-packages-')));
t.teardown(() => rmSync(temporary, { recursive: true }));
const tarballs = path.join(temporary, 'tarballs');
const project = path.join(temporary, 'project');

/** Node, npm and a shell, but nothing to build with, and nothing that says where this repository is. */
const environment = (() => {
  const bin = path.join(temporary, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, path.join(bin, 'node'));
  for (const command of ['npm', 'npx', 'sh', 'uname', 'dirname']) {
    const found = spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim();
    if (found) symlinkSync(realpathSync(found), path.join(bin, command));
  }
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SHOAL|CARGO|RUST|TAP|NODE_OPTIONS|NODE_V8_COVERAGE|npm_(package|lifecycle|execpath))/i.test(name),
  );
  return { ...Object.fromEntries(kept), PATH: bin, SHOAL_HOME: path.join(temporary, 'home') };
})();

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a command in the project; not synchronously, because the registry serves from this process. */
function run(command: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const options = { cwd: project, env: environment, timeout: 300_000 };
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}

const skip = process.platform === 'win32' ? 'the clean environment is made of links' : false;

t.test('packed and installed', { skip }, async (t) => {
  const packed = spawnSync(process.execPath, [path.join(scripts, 'pack.mjs'), '--output', tarballs], {
    encoding: 'utf8',
  });
  t.equal(packed.status, 0, packed.stderr);
  const engine = JSON.parse(readFileSync(path.join(repositoryRoot, 'crates/engine-node/package.json'), 'utf8')) as {
    version: string;
  };
  const foreign = platforms.map((platform) => platformManifest(platform, engine));
  await using registry = await PackageRegistry.start(tarballs, foreign);

  await t.test('npm installs `shoal`, and of the engine the package of this platform', async (t) => {
    mkdirSync(project);
    writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
    writeFileSync(path.join(project, '.npmrc'), `@shoal:registry=${registry.url}\n`);
    const shoal = path.join(tarballs, `shoal-${engine.version}.tgz`);
    const install = ['install', shoal, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    const { code, errors } = await run('npm', install);
    t.equal(code, 0, errors);
    const names = readdirSync(path.join(project, 'node_modules', '@shoal'));
    const hostPackage = `engine-node-${hostPlatform().name}`;
    t.same(
      names.filter((name) => name.startsWith('engine-node-')),
      [hostPackage],
    );
  });

  const readme = readFileSync(path.join(repositoryRoot, 'README.md'), 'utf8');
  const tenLines = /## Ten lines\s+```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';

  await t.test('the ten lines of the README pass the strictest types', async (t) => {
    t.match(tenLines, /createCluster/);
    writeFileSync(path.join(project, 'ten-lines.ts'), tenLines);
    const compilerOptions = {
      target: 'ES2023',
      // libp2p's types name events of the web.
      lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
      module: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      typeRoots: [path.join(repositoryRoot, 'node_modules', '@types')],
      types: ['node'],
    };
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['ten-lines.ts'] }));
    const compiler = path.join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, output } = await run(process.execPath, [compiler, '-p', project]);
    t.equal(code, 0, output);
  });

  for (const { name, command, missing } of runtimes()) {
    await t.test(name, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
      const script = [
        "import { probeCpu } from '@shoal/engine-node';",
        "import { libraryPath } from '@shoal/engine-node/library';",
        "import { readFileSync } from 'node:fs';",
        'const found = probeCpu();',
        "const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : '';",
        'const mapped = new Set(maps.match(/\\/.*(ggml|shoal-engine).*/g));',
        'console.log(JSON.stringify({ library: libraryPath(), mapped: [...mapped], id: found.id ?? found.unavailable }));',
      ];
      writeFileSync(path.join(project, 'probe.mjs'), script.join('\n'));
      const { output, errors } = await run(command ?? '', ['probe.mjs']);
      t.match(output, /^\{/, errors);
      const { library, mapped, id } = JSON.parse(output) as { library: string; mapped: string[]; id: string };
      t.equal(id, 'cpu');
      const folder = path.join(project, 'node_modules', '@shoal', `engine-node-${hostPlatform().name}`);
      t.equal(library, path.join(folder, 'shoal-engine.node'), 'the same file under every runtime');
      if (process.platform === 'linux') t.ok(mapped.length >= 3, `${mapped.length} native files`);
      for (const file of mapped) t.ok(file.startsWith(folder), `${file} is of the package`);
    });
  }

  const [node, ...others] = runtimes();
  for (const { name, command } of [node, others.at(-1)].filter((one) => one !== undefined)) {
    await t.test(`the ten lines under ${name}`, { skip: command ? false : 'not installed' }, async (t) => {
      const { code, output, errors } = await run(command ?? '', ['ten-lines.js']);
      t.equal(code, 0, `${errors}${output}`);
      t.match(output, /^12 \+ 30 = 42\.\n\d+ tokens, \d+ per second\n$/);
    });
  }

  await t.test('the command', async (t) => {
    const version = await run('npx', ['shoal', '--version']);
    t.equal(version.code, 0, version.errors);
    t.equal(version.output, `shoal ${engine.version}\n`);
    const answer = await run('npx', ['shoal', 'run', 'shoal-tiny-chat', 'What is the capital of France?']);
    t.equal(answer.code, 0, answer.errors);
    t.match(answer.output, 'The capital of France is Paris.');
    const doctor = await run('npx', ['shoal', 'doctor']);
    t.equal(doctor.code, 0, `${doctor.output}${doctor.errors}`);
  });

  await t.test('the dashboard is there, and where it is not, that is said', async (t) => {
    const installed = path.join(project, 'node_modules', '@shoal', 'tui');
    const loaded = ["import { runDashboard } from '@shoal/tui';", 'console.log(typeof runDashboard);'];
    writeFileSync(path.join(project, 'dashboard.mjs'), loaded.join('\n'));
    const { output, errors } = await run(process.execPath, ['dashboard.mjs']);
    t.equal(output, 'function\n', errors);
    t.match((await run('npx', ['shoal', 'top'])).errors, /^NODE_NOT_RUNNING: /);
    rmSync(installed, { recursive: true });
    const missing = await run('npx', ['shoal', 'top']);
    t.equal(missing.code, 1);
    t.match(missing.errors, /^DASHBOARD_NOT_INSTALLED: .*\n {2}Install it beside shoal: `npm install @shoal\/tui`/);
  });
});

t.test('what is in the tarballs', { skip }, async (t) => {
  for (const file of readdirSync(tarballs).filter((name) => name.endsWith('.tgz'))) {
    const files = unpack(path.join(tarballs, file));
    for (const name of ['package.json', 'README.md', 'LICENSE', 'NOTICE']) t.ok(files.has(name), `${file}: ${name}`);
    const strays = [...files.keys()].filter((name) => /tsbuildinfo|\.test\.|node_modules/.test(name));
    t.same(strays, [], file);
  }
  const platform = unpack(
    path.join(tarballs, readdirSync(tarballs).find((name) => name.includes(`-${hostPlatform().name}-`)) ?? ''),
  );
  const licences = platform.get('LICENSES.txt')?.toString('utf8') ?? '';
  for (const part of ['ggml', 'rustls ', 'ring ', 'napi ', 'Mozilla Foundation', 'Rust standard library']) {
    t.ok(licences.includes(part), `the licences name ${part}`);
  }
  t.notOk(licences.includes(repositoryRoot), 'and no folder of this machine');
  const manifest = JSON.parse(platform.get('package.json')?.toString('utf8') ?? '{}') as PackedManifest;
  t.equal(manifest.name, `${enginePackage}-${hostPlatform().name}`);
});
