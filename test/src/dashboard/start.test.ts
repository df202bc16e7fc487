// What is loaded before the first frame of the dashboard: nothing of a node, or people would wait for it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import t from 'tap';
import { commandScript, repositoryRoot } from '../support/repository.js';

const { resolve } = createRequire(import.meta.url);
/** Modules of packages that need not be a part of the workspace. */
const foreign = ['protobufjs/minimal.js', 'string-width'];

/** Everything that is imported, from these modules on, when they are loaded; not what they import when it is wanted. */
function loadedWith(entries: readonly string[]): { readonly files: Set<string>; readonly packages: Set<string> } {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const pending = [...entries];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, from, bare] of text.matchAll(
      /^(?:import|export)\s(?:[^'"]*?\sfrom\s*)?['"]([^'"]+)['"]|^} from ['"]([^'"]+)['"]/gm,
    )) {
      const target = from ?? bare ?? '';
      if (target.startsWith('.')) pending.push(path.resolve(path.dirname(file), target));
      else if (/^(@shoal\/|shoal(\/|$))/.test(target)) pending.push(resolve(target));
      else if (!target.startsWith('node:')) packages.add(target);
    }
  }
  return { files, packages };
}

t.test('the dashboard loads what asks a node, and nothing that is one', async (t) => {
  const top = path.join(repositoryRoot, 'sdk', 'dist', 'command', 'commands', 'top.js');
  const dashboard = path.join(repositoryRoot, 'tui', 'dist', 'index.js');
  const { files, packages } = loadedWith([commandScript, top, dashboard]);
  const names = [...files].map((file) => path.relative(repositoryRoot, file).split(path.sep).join('/'));
  t.ok(names.includes('core/dist/node/remote-service.js'), 'it asks over the local socket');
  t.ok(names.includes('tui/dist/views/topology.js'), 'views are found, too');
  for (const whole of [
    'core/dist/index.js',
    'sdk/dist/index.js',
    'sdk/dist/create-cluster.js',
    'core/dist/node/node.js',
  ])
    t.notOk(names.includes(whole), whole);
  t.same([...packages].sort(), foreign);
});
