// Makes a fresh clone ready: npm packages, TypeScript, the native addon. Does only what is stale, so it is quick when
// everything is built.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative } from './build-native.mjs';
import { complaintOf, exists, main, root, run, say } from './tools.mjs';

function checkTools() {
  const needs = [
    ['cargo', 'Rust (https://rustup.rs)'],
    ['cmake', 'cmake'],
    ['python3', 'Python 3', process.platform === 'win32'],
  ];
  const absent = needs.filter(([command, , optional]) => !optional && !exists(command));
  const missing = absent.map(([, name]) => name);
  if (!exists('c++') && !exists('cl', []) && !exists('clang++') && !exists('g++')) missing.push('a C++ compiler');
  if (missing.length === 0) return;
  // A proxy of a tool may be there without the tool, and says so.
  const complaints = absent.flatMap(([command]) => {
    const complaint = complaintOf(command);
    return complaint === undefined ? [] : [`${command} says: ${complaint}`];
  });
  throw new Error([`Shoal builds its native part here and needs: ${missing.join(', ')}`, ...complaints].join('\n  '));
}

function installPackages() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  say('installing npm packages');
  // Not `npm ci`: it insists on lock entries for the optional packages of every platform, and not every registry has
  // them. This installs what the lock says and leaves the lock alone.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}

function setup() {
  checkTools();
  installPackages();
  say('compiling TypeScript');
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'sdk', 'tui']);
  buildNative();
}

main(setup);
