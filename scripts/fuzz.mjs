// Builds and runs the fuzz targets of test/fuzz: `node scripts/fuzz.mjs [TARGET…] [--seconds N]` (10 unless given), or
// one saved input: `node scripts/fuzz.mjs TARGET --input FILE`. Inputs that are worth keeping gather in
// target/fuzz/corpus, what was found in target/fuzz/artifacts. Fails when something was found.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, root, run, runCollecting, say } from './tools.mjs';

const folder = join(root, 'test', 'fuzz');
const build = join(root, 'target', 'fuzz');

/** Longest input in bytes, by target. */
const targets = {
  safetensors: { language: 'rust', longest: 4096 },
  frames: { language: 'rust', longest: 1024 },
  channel: { language: 'rust', longest: 16_384 },
  member: { language: 'rust', longest: 16_384 },
  program: { language: 'rust', longest: 8192 },
  'plugin-manifest': { language: 'typescript' },
  checkpoint: { language: 'typescript' },
  control: { language: 'typescript' },
  'model-text': { language: 'typescript' },
};

// What `cargo fuzz` passes, but for the address sanitizer, which needs a nightly compiler: coverage in every crate that
// is built, on the stable one.
const rustFlags = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '--cfg=fuzzing',
];

function host() {
  const { stdout } = spawnSync('rustc', ['-vV'], { encoding: 'utf8' });
  return /^host: (.+)$/m.exec(stdout ?? '')?.[1] ?? '';
}

/** Why the native targets cannot be built here, or nothing. */
function rustProblem(triple) {
  return /-(linux-gnu|apple-darwin)$/.test(triple) ? undefined : `libFuzzer is not built for ${triple} by this script`;
}

function buildRust(triple) {
  say('building the native fuzz targets');
  // The target is named so that build scripts and macros are left alone.
  const args = ['build', '--release', '--locked', '--quiet', '--manifest-path', join(folder, 'Cargo.toml')];
  const env = { ...process.env, RUSTFLAGS: rustFlags.join(' '), CARGO_TARGET_DIR: build };
  run('cargo', [...args, '--target', triple], { env });
}

function command(name, triple, { seconds, input }) {
  const artifacts = join(build, 'artifacts', name);
  const found = join(build, 'corpus', name);
  const seeds = join(folder, 'corpus', name);
  for (const path of [artifacts, found]) mkdirSync(path, { recursive: true });
  if (targets[name].language === 'typescript') {
    const built = join(root, 'build', 'test', 'fuzz');
    const args = [join(built, 'javascript', 'main.js'), join(built, 'targets', `${name}.js`)];
    if (input) return [process.execPath, [...args, '--input', input]];
    const rest = ['--corpus', found, '--corpus', seeds, '--artifacts', artifacts, '--seconds', String(seconds)];
    return [process.execPath, [...args, ...rest]];
  }
  const binary = join(build, triple, 'release', name);
  if (input) return [binary, [input]];
  const dictionary = join(folder, `${name}.dict`);
  return [
    binary,
    [
      found,
      seeds,
      `-max_total_time=${seconds}`,
      `-max_len=${targets[name].longest}`,
      '-timeout=20',
      '-rss_limit_mb=2048',
      `-artifact_prefix=${artifacts}/`,
      '-print_final_stats=1',
      ...(existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    ],
  ];
}

/** What is worth a line of what a fuzzer prints. */
function summary(text) {
  const last = (pattern) => [...text.matchAll(pattern)].at(-1)?.[1];
  const runs = last(/number_of_executed_units: (\d+)/g);
  if (runs === undefined) return text.trim().split('\n').at(-1);
  return `${runs} runs, ${last(/cov: (\d+)/g)} edges, ${last(/corp: (\d+)/g)} inputs`;
}

const silent = { write: () => true };

main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '10' }, input: { type: 'string' } },
  });
  const unknown = positionals.find((name) => !(name in targets));
  if (unknown) throw new Error(`there is no fuzz target '${unknown}'; there are ${Object.keys(targets).join(', ')}`);
  const chosen = positionals.length > 0 ? positionals : Object.keys(targets);
  const triple = host();
  const problem = rustProblem(triple);
  const is = (language) => (name) => targets[name].language === language;
  if (chosen.some(is('rust')) && !problem) buildRust(triple);
  if (chosen.some(is('typescript')))
    run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
  const failed = [];
  for (const name of chosen) {
    if (problem && is('rust')(name)) {
      say(`${name}: skipped, ${problem}`);
      continue;
    }
    const [file, args] = command(name, triple, values);
    const { code, text } = await runCollecting(file, args, { sink: silent, errorSink: silent, shell: false });
    process.stdout.write(`${name}: ${summary(text)}\n`);
    if (code === 0) continue;
    failed.push(name);
    const saved = readdirSync(join(build, 'artifacts', name)).map((one) => join(build, 'artifacts', name, one));
    process.stdout.write(`${text.split('\n').slice(-40).join('\n')}\nsaved: ${saved.join(', ')}\n`);
    process.stdout.write(`to repeat it: node scripts/fuzz.mjs ${name} --input ${saved.at(-1)}\n`);
  }
  if (failed.length > 0) throw new Error(`found something: ${failed.join(', ')}`);
});
