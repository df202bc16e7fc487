// Checks what must stay true of the structure: the direction of dependencies between packages, layers of core and
// crates, files of readable length, and no plugin named by core.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { main, root } from './tools.mjs';

const maximumLines = 450;
const maximumTestLines = 600;

/** What a package may import from the workspace. */
const packageRules = [
  { folder: 'core/src', allowed: [] },
  { folder: 'plugins/sharding', allowed: ['@shoal/core'] },
  { folder: 'plugins/discovery', allowed: ['@shoal/core'] },
  { folder: 'plugins/api', allowed: ['@shoal/core'] },
  { folder: 'plugins/backend/reference', allowed: ['@shoal/core'] },
  { folder: 'plugins/transport/unix', allowed: ['@shoal/core', '@shoal/transport-tcp'] },
  { folder: 'plugins', allowed: ['@shoal/core', '@shoal/engine-node'] },
  { folder: 'tui/src', allowed: ['@shoal/core', 'shoal'] },
  {
    folder: 'sdk/src',
    allowed: [
      '@shoal/core',
      '@shoal/api-',
      '@shoal/backend-',
      '@shoal/transport-',
      '@shoal/sharding-',
      '@shoal/discovery-',
      '@shoal/engine-native',
    ],
  },
];

/** Folders of core that one folder may import. */
const coreLayers = {
  spec: [],
  program: ['spec'],
  // Of the node and its worker only types: what an API is given.
  conformance: ['spec', 'program', 'control', 'node', 'worker'],
  model: ['spec', 'program'],
  placement: ['spec', 'program', 'model', 'links'],
  links: ['spec'],
  machine: ['spec'],
  consensus: ['spec'],
  simulation: ['spec', 'consensus'],
  topology: ['spec', 'links'],
  runtime: ['spec'],
  control: ['spec', 'runtime'],
  discovery: ['spec', 'control'],
  worker: ['spec', 'program', 'model', 'runtime'],
  node: [
    'spec',
    'program',
    'model',
    'placement',
    'consensus',
    'runtime',
    'control',
    'worker',
    'topology',
    'links',
    'machine',
  ],
};

/** Crates of the workspace that one crate may use; test-only dependencies are free. */
const crateLayers = {
  'shoal-frame': [],
  'shoal-abi': [],
  'shoal-program': [],
  'shoal-weights': ['shoal-abi', 'shoal-program'],
  'shoal-fabric': ['shoal-abi', 'shoal-frame'],
  'shoal-ggml-sys': [],
  'shoal-ggml': ['shoal-abi', 'shoal-ggml-sys', 'shoal-program', 'shoal-weights'],
  'shoal-engine': ['shoal-abi', 'shoal-fabric', 'shoal-frame', 'shoal-ggml', 'shoal-program', 'shoal-weights'],
  'shoal-grammar': ['shoal-engine'],
  'shoal-reference': ['shoal-abi', 'shoal-program', 'shoal-weights'],
  'shoal-engine-bench': [
    'shoal-abi',
    'shoal-engine',
    'shoal-fabric',
    'shoal-frame',
    'shoal-ggml',
    'shoal-program',
    'shoal-reference',
    'shoal-weights',
  ],
  'shoal-engine-node': [
    'shoal-abi',
    'shoal-engine',
    'shoal-fabric',
    'shoal-frame',
    'shoal-ggml',
    'shoal-grammar',
    'shoal-program',
    'shoal-weights',
  ],
};

function* sourceFiles(folder, extensions) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (
      ['node_modules', 'dist', 'build', 'target', 'generated', 'fixtures', '.git', '.tap', 'coverage'].includes(
        entry.name,
      )
    )
      continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path, extensions);
    else if (extensions.some((extension) => entry.name.endsWith(extension))) yield path;
  }
}

const importsOf = (text) => [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]);

function checkPackages(problems) {
  for (const path of sourceFiles(root, ['.ts'])) {
    const file = relative(root, path).split(sep).join('/');
    const rule = packageRules.find(({ folder }) => file.startsWith(`${folder}/`) && !file.includes('/test/'));
    if (!rule) continue;
    const ownPackage = `@shoal/${file.split('/').slice(1, 3).join('-')}`;
    for (const target of importsOf(readFileSync(path, 'utf8'))) {
      if (!target.startsWith('@shoal/') && target !== 'shoal') continue;
      if (target.startsWith(ownPackage) || rule.allowed.some((allowed) => target.startsWith(allowed))) continue;
      problems.push(`${file} imports ${target}`);
    }
  }
}

function checkCoreLayers(problems) {
  const source = join(root, 'core', 'src');
  for (const path of sourceFiles(source, ['.ts'])) {
    const parts = relative(source, path).split(sep);
    if (parts.length < 2) continue;
    const layer = parts[0];
    const allowed = coreLayers[layer];
    if (!allowed) {
      problems.push(`core/src/${layer} is not a known layer: name it in scripts/check-structure.mjs`);
      continue;
    }
    for (const target of importsOf(readFileSync(path, 'utf8'))) {
      if (!target.startsWith('.') || target.includes('/generated/')) continue;
      const other = relative(source, join(path, '..', target)).split(sep)[0];
      if (other === layer || allowed.includes(other)) continue;
      problems.push(`core/src/${parts.join('/')} imports from ${other}`);
    }
  }
}

function checkCrates(problems) {
  const result = spawnSync('cargo', ['metadata', '--format-version=1', '--no-deps', '--locked'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`cargo metadata failed: ${result.stderr}`);
  for (const { name, dependencies } of JSON.parse(result.stdout).packages) {
    const allowed = crateLayers[name];
    if (!allowed) problems.push(`crate ${name} is not a known layer: name it in scripts/check-structure.mjs`);
    for (const dependency of dependencies) {
      if (!dependency.name.startsWith('shoal-') || dependency.kind === 'dev') continue;
      if (!allowed?.includes(dependency.name)) problems.push(`crate ${name} depends on ${dependency.name}`);
    }
  }
}

function checkLengths(problems) {
  for (const folder of ['core', 'sdk', 'tui', 'plugins', 'crates', 'scripts', 'test', 'bench', 'examples']) {
    for (const path of sourceFiles(join(root, folder), ['.ts', '.rs', '.mjs'])) {
      // Tests at the end of a Rust file belong to what they test; tables of cases may be long.
      const [code] = readFileSync(path, 'utf8').split(/^#\[cfg\(test\)\]$/m);
      const lines = code.split('\n').length;
      const limit = /[\\/]tests?[\\/]/.test(relative(root, path)) ? maximumTestLines : maximumLines;
      if (lines > limit) problems.push(`${relative(root, path)} has ${lines} lines (at most ${limit})`);
    }
  }
}

main(() => {
  const problems = [];
  checkPackages(problems);
  checkCoreLayers(problems);
  checkCrates(problems);
  checkLengths(problems);
  if (problems.length > 0) throw new Error(`the structure is broken:\n  ${problems.join('\n  ')}`);
  process.stdout.write('structure: dependencies point one way, files are of readable length\n');
});
