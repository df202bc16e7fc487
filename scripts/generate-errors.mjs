// Writes docs/errors.md from the table of error codes (core/src/spec/error-table.ts, compiled), and records new codes and
// native numbers in test/fixtures/error-codes.json, which only grows. With --check it only says whether the page is
// current.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../docs/errors.md', import.meta.url));
const { errorGroups } = await import(new URL('../core/dist/spec/error-groups.js', import.meta.url).href);
const { errorTable } = await import(new URL('../core/dist/spec/error-table.js', import.meta.url).href);

/** Codes of a group: those with its prefix; the general group has those that no prefix covers. */
function codesOf(group) {
  const prefixes = errorGroups.map(({ prefix }) => prefix).filter((prefix) => prefix !== '');
  return Object.keys(errorTable).filter((code) =>
    group.prefix === '' ? !prefixes.some((prefix) => code.startsWith(prefix)) : code.startsWith(group.prefix),
  );
}

function entry(code) {
  const { meaning, raisedBy, remedy, native } = errorTable[code];
  const nativeToo = native ? ' The native side raises it, too.' : '';
  return `### ${code}\n\n${meaning}\n\n- Raised by ${raisedBy}.${nativeToo}\n- What to do: ${remedy}\n`;
}

const introduction = `# Errors

<!-- Generated from core/src/spec/error-table.ts by \`npm run generate:errors\`: do not edit. -->

Every error of Shoal is a \`ShoalError\` with a stable \`code\`, a \`message\` that names who and what, a \`remedy\` that says
what to do next, and \`details\` with the values behind the message. Codes never change their meaning and are never reused.
\`shoal errors CODE\` prints an entry of this page; with \`--json\` commands print errors as
\`{"error": {"code", "message", "remedy", "details"}}\`.
`;

const overview = errorGroups.map((group) => {
  const links = codesOf(group).map((code) => `[${code}](#${code.toLowerCase()})`);
  return `- ${group.title}: ${links.join(', ')}`;
});

const sections = errorGroups.map(
  (group) => `## ${group.title}\n\n${group.about}\n\n${codesOf(group).map(entry).join('\n')}`,
);

const text = [introduction, `${overview.join('\n')}\n`, ...sections].join('\n');

if (process.argv.includes('--check')) {
  if (readFileSync(page, 'utf8') !== text) {
    console.error('docs/errors.md is not current: run `npm run generate:errors`');
    process.exit(1);
  }
} else {
  writeFileSync(page, text);
  record();
}

/** What is recorded stays, also when the sources say something else: then the test fails. */
function record() {
  const file = fileURLToPath(new URL('../test/fixtures/error-codes.json', import.meta.url));
  const status = readFileSync(new URL('../crates/abi/src/status.rs', import.meta.url), 'utf8');
  const numbers = [...status.matchAll(/^ {4}[A-Za-z]+ = (\d+), "([A-Z_]+)";$/gm)];
  const recorded = JSON.parse(readFileSync(file, 'utf8'));
  const codes = [...new Set([...recorded.codes, ...Object.keys(errorTable)])].sort();
  const current = Object.fromEntries(numbers.map(([, number, name]) => [name, Number(number)]));
  const nativeNumbers = { ...current, ...recorded.nativeNumbers };
  writeFileSync(file, `${JSON.stringify({ codes, nativeNumbers }, null, 2)}\n`);
}
