// Two languages, one table: whatever code the native side can raise, TypeScript knows what to do about it; what is public
// stays as it is.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ErrorCode, errorGroups, errorTable } from '@shoal/core';
import t from 'tap';
import { repositoryRoot } from './support/repository.js';

const crates = path.join(repositoryRoot, 'crates');
// INTERNAL_…: names that only the native side uses, for INTERNAL.
const prefixes = ['INTERNAL_', ...errorGroups.flatMap(({ prefix }) => prefix || [])];
const codePattern = new RegExp(
  `["']((?:${prefixes.join('|')})[A-Z_]*[A-Z]|INTERNAL|ABORTED|TIMEOUT|ARGUMENT_INVALID)["']`,
  'g',
);

const codesIn = (text: string) => [...text.matchAll(codePattern)].map(([, code]) => code as string);

/** What was public once; codes and numbers are only ever added. */
const recorded = JSON.parse(
  readFileSync(path.join(repositoryRoot, 'test', 'fixtures', 'error-codes.json'), 'utf8'),
) as { readonly codes: readonly string[]; readonly nativeNumbers: Readonly<Record<string, number>> };

/** Codes in string literals of sources, with the files that they stand in. */
function codesOf(folder: string, isSource: (entry: string) => boolean): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const unified = entry.replaceAll('\\', '/');
    if (!isSource(unified)) continue;
    for (const code of codesIn(readFileSync(path.join(folder, entry), 'utf8'))) {
      found.set(code, [...(found.get(code) ?? []), unified]);
    }
  }
  return found;
}

/** Crates that only tests and measurements use raise nothing that reaches anybody. */
const nativeCodes = codesOf(
  crates,
  (entry) => /^[^/]+\/src\/.*\.rs$/.test(entry) && !/^(reference|engine-bench)\/|\/tests\.rs$|\/tests\//.test(entry),
);

/** The few native codes for which JavaScript gets another one. */
function renamedCodes(): Map<string, string> {
  const source = readFileSync(path.join(crates, 'engine-node', 'src', 'error.rs'), 'utf8');
  const body = source.slice(source.indexOf('pub fn public_code'), source.indexOf('impl Failure'));
  const arms = [...body.matchAll(/((?:"[A-Z_]+"\s*\|?\s*)+)=>\s*"([A-Z_]+)"/g)];
  return new Map(arms.flatMap(([, from, to]) => codesIn(from as string).map((code) => [code, to as string])));
}

const isNative = (code: string) => 'native' in errorTable[code as ErrorCode];

t.test('every native code is in the table and marked as native, or has a public name that is', async (t) => {
  const renamed = renamedCodes();
  t.ok(renamed.size >= 3, 'the renamed codes were found');
  t.ok(nativeCodes.size > 30, `${nativeCodes.size} codes were found`);
  for (const [code, files] of nativeCodes) {
    const publicCode = renamed.get(code) ?? code;
    t.ok(publicCode in errorTable, `${code} of ${files[0]} is in the table`);
    if (publicCode in errorTable) t.ok(isNative(publicCode), `${code} of ${files[0]} is marked as native`);
  }
});

t.test('every code that is marked as native is raised by a crate', async (t) => {
  const renamed = renamedCodes();
  const raised = new Set([...nativeCodes.keys()].map((code) => renamed.get(code) ?? code));
  const marked = Object.keys(errorTable).filter(isNative);
  t.ok(marked.length > 25, `${marked.length} are marked`);
  t.strictSame(
    marked.filter((code) => !raised.has(code)),
    [],
  );
});

t.test('every code is raised somewhere', async (t) => {
  const sources = ['core', 'sdk', 'tui', 'plugins'].map((folder) =>
    codesOf(path.join(repositoryRoot, folder), (entry) => {
      if (/(^|\/)(node_modules|dist|test|conformance)\//.test(entry)) return false;
      return entry.endsWith('.ts') && !entry.endsWith('spec/error-table.ts');
    }),
  );
  const raised = new Set([...sources.flatMap((found) => [...found.keys()]), ...nativeCodes.keys()]);
  t.strictSame(
    Object.keys(errorTable).filter((code) => !raised.has(code)),
    [],
  );
});

t.test('codes and native numbers only ever grow', async (t) => {
  t.strictSame(
    recorded.codes,
    Object.keys(errorTable).sort(),
    'a code was removed, or a new one is not recorded in test/fixtures/error-codes.json',
  );
  const source = readFileSync(path.join(crates, 'abi', 'src', 'status.rs'), 'utf8');
  const numbers = [...source.matchAll(/^ {4}[A-Za-z]+ = (\d+), "([A-Z_]+)";$/gm)];
  t.strictSame(
    Object.fromEntries(numbers.map(([, number, name]) => [name, Number(number)])),
    recorded.nativeNumbers,
    'a number changed its meaning, or a new one is not recorded in test/fixtures/error-codes.json',
  );
});

t.test('every entry says what, who and what next, in sentences', async (t) => {
  for (const [code, { meaning, raisedBy, remedy }] of Object.entries(errorTable)) {
    t.match(meaning, /^\S.{10,}\.$/, `${code}: the meaning`);
    t.match(raisedBy, /^\S.*[^.]$/, `${code}: who raises it`);
    t.match(remedy, /^\S.{10,}\.$/, `${code}: the remedy`);
  }
  // INTERNAL_…: names that only the native side uses, for INTERNAL.
  const prefixes = ['INTERNAL_', ...errorGroups.flatMap(({ prefix }) => prefix || [])];
  t.strictSame(
    Object.keys(errorTable).filter((code) => !prefixes.some((prefix) => code.startsWith(prefix))),
    ['INTERNAL', 'ABORTED', 'TIMEOUT', 'ARGUMENT_INVALID'],
    'all others belong to a group',
  );
});

t.test('docs/errors.md is current', async (t) => {
  const script = path.join(repositoryRoot, 'scripts', 'generate-errors.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.equal(status, 0, stderr);
});
