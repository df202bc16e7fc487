// The licences of what is linked into the native engine, with their texts: who passes a binary on passes them on.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './tools.mjs';

const licenceFile = /^(licen[sc]e|copying|copyright|notice|unlicense)/i;

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Parts of ggml's libraries with other holders than ggml's own licence names, as their sources say. */
const partsOfGgml = [
  ['the matrix multiplication of llamafile', 'Copyright 2024 Mozilla Foundation'],
  ['the YaRN rotary embedding', 'Copyright (c) 2023 Jeffrey Quesnelle and Bowen Peng'],
];

/** Crates that are linked into the addon for a target: no build scripts, no macros, nothing of the tests. */
export function linkedCrates(rustTarget) {
  const args = ['metadata', '--format-version=1', '--locked', '--filter-platform', rustTarget];
  const result = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`cargo metadata failed: ${result.stderr}`);
  const { packages, resolve } = JSON.parse(result.stdout);
  const byId = new Map(packages.map((entry) => [entry.id, entry]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const pending = packages.filter(({ name }) => name === 'shoal-engine-node').map(({ id }) => id);
  const seen = new Set(pending);
  const linked = [];
  while (pending.length > 0) {
    const id = pending.pop();
    const crate = byId.get(id);
    if (crate.targets.some(({ kind }) => kind.includes('proc-macro'))) continue;
    if (!crate.name.startsWith('shoal-')) linked.push(crate);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (seen.has(pkg) || !kinds.some(({ kind }) => kind === null)) continue;
      seen.add(pkg);
      pending.push(pkg);
    }
  }
  return linked.sort((a, b) => `${a.name} ${a.version}`.localeCompare(`${b.name} ${b.version}`, 'en'));
}

/** Licence files of a crate. Few packages have none: those that may be had under MIT get its text and their authors. */
function textsOf({ name, version, license, authors, manifest_path: manifest }) {
  const folder = dirname(manifest);
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && licenceFile.test(entry.name),
  );
  if (files.length > 0) return files.map((file) => readFileSync(join(folder, file.name), 'utf8').trim());
  if (!/\bMIT\b/.test(license ?? '')) throw new Error(`${name} ${version} (${license}) comes without a licence text`);
  return [`Copyright (c) ${authors.length > 0 ? authors.join(', ') : `the authors of ${name}`}\n\n${mit}`];
}

/** The whole text for one platform; `ggmlLicence` is ggml's own. */
export function licenceTexts(rustTarget, ggmlLicence) {
  const sections = [
    ['ggml', [ggmlLicence.trim(), ...partsOfGgml.map(([part, holder]) => `For ${part}:\n\n${holder}\n\n${mit}`)]],
    ['The Rust standard library (MIT OR Apache-2.0)', [`Copyright (c) The Rust Project contributors\n\n${mit}`]],
    ...linkedCrates(rustTarget).map((crate) => [`${crate.name} ${crate.version} (${crate.license})`, textsOf(crate)]),
  ];
  // Most crates say the same word for word: each text once, under the names of all that it belongs to.
  const byText = new Map();
  for (const [title, texts] of sections) {
    for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  const rule = '='.repeat(100);
  const blocks = [...byText].map(([text, titles]) => `${rule}\n${titles.join('\n')}\n${rule}\n\n${text}\n`);
  return ['The native engine of Shoal contains the software below, under these licences.\n', ...blocks].join('\n');
}
