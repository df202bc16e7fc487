// Runs all tests: cargo for Rust, tap under c8 for TypeScript, and closes with one line that adds both up.
// Arguments are passed on to tap: `npm test -- build/core/test/program/lower.test.js`.
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { main, root, run, runCollecting, say } from './tools.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);

async function cargoTests(args) {
  const { code, text } = await runCollecting('cargo', ['test', '--release', '--locked', '--no-fail-fast', ...args]);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of text.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    totals.passed += Number(passed);
    totals.failed += Number(failed);
    totals.skipped += Number(ignored);
  }
  return { code, totals };
}

async function rustTests() {
  say('running the Rust tests');
  const results = [await cargoTests(['--workspace'])];
  if (process.platform === 'linux') {
    say('running the tests of the network emulator');
    const folder = join(root, 'test', 'wire');
    const target = ['--target-dir', join(root, 'target', 'wire')];
    results.push(await cargoTests(['--manifest-path', join(folder, 'Cargo.toml'), ...target]));
  }
  return results;
}

/** Shows of a TAP stream what people want to see: files as they end, what failed and why, what was skipped and why. */
function tapFilter(sink) {
  let pending = '';
  let inDiagnostics = false;
  return new Writable({
    write(chunk, _encoding, done) {
      const lines = (pending + chunk).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const trimmed = line.trimStart();
        const isFailure = trimmed.startsWith('not ok') && !/ # (SKIP|TODO)/i.test(trimmed);
        const isSkip = / # SKIP/i.test(trimmed);
        if (isFailure) inDiagnostics = true;
        else if (/^(ok|not ok|# Subtest|\d+\.\.\d+)/.test(trimmed)) inDiagnostics = false;
        if (isFailure || isSkip || inDiagnostics || /^(ok|# \{|# time|Bail out)/.test(line)) sink.write(`${line}\n`);
      }
      done();
    },
  });
}

/** tap must be rebuilt for the plugins of .taprc before its first run, or its TypeScript loader meets our JavaScript. */
function buildTap() {
  const built = join(root, 'node_modules', '.shoal-tap-built');
  if (existsSync(built) && statSync(built).mtimeMs >= statSync(join(root, '.taprc')).mtimeMs) return;
  say('building tap with the plugins of .taprc');
  run(bin('tap'), ['build'], { stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(built, '');
}

/**
 * Packages that only tests need, apart from the workspace: other Node versions (test/runtimes/package.json says why), the
 * tokenizers of published models (test/tokenizers), and clients of other people's interfaces (test/clients). Tests skip and
 * say so where they are not there.
 */
function installApart(name, what) {
  const folder = join(root, 'test', name);
  if (existsSync(join(folder, 'node_modules'))) return;
  say(`installing ${what} for the tests`);
  try {
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
  } catch (error) {
    say(`${error.message}: the tests that need them skip and say so`);
  }
}

/** Python clients, in an environment of their own beside the others. */
function installPythonClients() {
  const folder = join(root, 'test', 'clients');
  const windows = process.platform === 'win32';
  const python = join(folder, '.venv', windows ? 'Scripts/python.exe' : 'bin/python');
  if (existsSync(python)) return;
  say('installing Python clients for the tests');
  try {
    run(windows ? 'python' : 'python3', ['-m', 'venv', join(folder, '.venv')]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'], {
      cwd: folder,
    });
  } catch (error) {
    // Half an environment would not be made again.
    rmSync(join(folder, '.venv'), { recursive: true, force: true });
    say(`${error.message}: the tests that need them skip and say so`);
  }
}

async function typeScriptTests(files) {
  buildTap();
  if (process.platform === 'linux' && process.arch === 'x64') installApart('runtimes', 'other Node versions');
  installApart('tokenizers', 'tokenizers of published models');
  installApart('clients', "clients of other people's interfaces");
  installPythonClients();
  say('running the TypeScript tests');
  const tap = [bin('tap'), '--reporter=tap', ...files];
  // A run of chosen files says nothing about coverage as a whole.
  const coverage = files.length > 0 ? [] : [bin('c8')];
  const [command, ...args] = [...coverage, ...tap];
  const { code, text } = await runCollecting(command, args, { sink: tapFilter(process.stdout) });
  const summary = [
    ...text.matchAll(/^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?(?:, skip: (\d+))?(?:, todo: (\d+))?/gm),
  ].at(-1);
  const number = (index) => Number(summary?.[index] ?? 0);
  // Coverage is printed after the tests.
  const coverageReport = text.slice(text.lastIndexOf('# time='));
  process.stdout.write(`${coverageReport.split('\n').slice(1).join('\n')}\n`);
  return {
    code: summary ? code : code || 1,
    totals: { passed: number(2), failed: number(3), skipped: number(4) + number(5) },
  };
}

main(async () => {
  const files = process.argv.slice(2);
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']);
  const results = [];
  if (files.length === 0) results.push(...(await rustTests()));
  results.push(await typeScriptTests(files));
  const sum = (field) => results.reduce((total, result) => total + result.totals[field], 0);
  const failedRuns = results.filter((result) => result.code !== 0 && result.totals.failed === 0).length;
  process.stdout.write(`${sum('passed')} passed, ${sum('failed') + failedRuns} failed, ${sum('skipped')} skipped\n`);
  if (results.some((result) => result.code !== 0)) process.exitCode = 1;
});
