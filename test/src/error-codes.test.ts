// Two languages, one table: whatever code the native side can raise, TypeScript knows what to do about it.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { errorTable } from '@shoal/core';
import t from 'tap';

const crates = path.resolve(import.meta.dirname, '../../../crates');
const prefixes = 'INTERNAL|MODEL|PROGRAM|PLAN|PLUGIN|BACKEND|TRANSPORT|ENGINE|NODE|CLUSTER|INSTANCE|REQUEST';
const codePattern = new RegExp(`"((?:${prefixes})(?:_[A-Z]+)+|INTERNAL|ABORTED|TIMEOUT|ARGUMENT_INVALID)"`, 'g');

const codesIn = (text: string) => [...text.matchAll(codePattern)].map(([, code]) => code as string);

/** Codes in string literals of the crates' sources, with the files that they stand in. */
function nativeCodes(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const entry of readdirSync(crates, { recursive: true, encoding: 'utf8' })) {
    if (!/^[^/\\]+[/\\]src[/\\].*\.rs$/.test(entry)) continue;
    for (const code of codesIn(readFileSync(path.join(crates, entry), 'utf8'))) {
      found.set(code, [...(found.get(code) ?? []), entry]);
    }
  }
  return found;
}

/** The few native codes for which JavaScript gets another one. */
function renamedCodes(): Map<string, string> {
  const source = readFileSync(path.join(crates, 'engine-node', 'src', 'error.rs'), 'utf8');
  const body = source.slice(source.indexOf('pub fn public_code'), source.indexOf('impl Failure'));
  const arms = [...body.matchAll(/((?:"[A-Z_]+"\s*\|?\s*)+)=>\s*"([A-Z_]+)"/g)];
  return new Map(arms.flatMap(([, from, to]) => codesIn(from as string).map((code) => [code, to as string])));
}

t.test('every native code is in the table, or has a public name that is', async (t) => {
  const renamed = renamedCodes();
  t.ok(renamed.size >= 3, 'the renamed codes were found');
  const codes = nativeCodes();
  t.ok(codes.size > 30, `${codes.size} codes were found`);
  for (const [code, files] of codes) {
    const publicCode = renamed.get(code) ?? code;
    t.ok(publicCode in errorTable, `${code} of ${files[0]}`);
  }
});
