import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { repositoryRoot } from './repository.js';

/** A JavaScript runtime that tests can start scripts with. */
export interface Runtime {
  readonly name: string;
  /** Absent where it is not installed; `missing` then says how it could be. */
  readonly command?: string;
  readonly missing?: string;
}

function nodeOfPackage(major: number): Runtime {
  const name = `Node ${major}`;
  const command = join(repositoryRoot, 'test', 'runtimes', 'node_modules', `node${major}`, 'bin', 'node');
  if (existsSync(command)) return { name, command };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { name, missing: 'its package is for Linux x64 only' };
  return { name, missing: 'not installed: run `npm ci --prefix test/runtimes`' };
}

function bun(): Runtime {
  const name = 'Bun';
  try {
    const require = createRequire(import.meta.url);
    const command = join(require.resolve('bun/package.json'), '..', 'bin', 'bun.exe');
    if (spawnSync(command, ['--version']).status === 0) return { name, command };
  } catch {
    // Not installed as a package: perhaps on the path.
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const command = join(folder, process.platform === 'win32' ? 'bun.exe' : 'bun');
    if (existsSync(command) && spawnSync(command, ['--version']).status === 0) return { name, command };
  }
  return { name, missing: 'not installed: run `npm ci` without --omit=dev' };
}

/** Every runtime that is supported, installed or not; the one that runs the tests comes first. */
export function runtimes(): readonly Runtime[] {
  const current: Runtime = { name: `Node ${process.versions.node} (running the tests)`, command: process.execPath };
  return [current, ...[22, 24, 26].map(nodeOfPackage), bun()];
}

export interface ScriptResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a compiled script to its end, or kills it at the deadline. */
export function runScript(
  command: string,
  script: string,
  args: readonly string[],
  timeoutMilliseconds: number,
): Promise<ScriptResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMilliseconds);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output, errors });
    });
  });
}
