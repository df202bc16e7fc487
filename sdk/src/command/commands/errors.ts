import { type ErrorCode, errorGroups, errorTable, ShoalError } from '@shoal/core';
import type { Command, CommandInvocation } from '../command.js';
import { definitionList, wrap } from '../layout.js';
import { nearest } from '../nearest.js';
import type { Terminal } from '../terminal.js';

interface Entry {
  readonly code: ErrorCode;
  readonly meaning: string;
  readonly raisedBy: string;
  readonly remedy: string;
  readonly documentation: string;
}

function entryOf(code: ErrorCode): Entry {
  const { meaning, raisedBy, remedy } = errorTable[code];
  return { code, meaning, raisedBy, remedy, documentation: `docs/errors.md#${code.toLowerCase()}` };
}

const codes = Object.keys(errorTable) as ErrorCode[];

function findCode(text: string): ErrorCode {
  const wanted = text.toUpperCase();
  const found = codes.find((code) => code === wanted);
  if (found) return found;
  const suggestion = nearest(wanted, codes);
  const hint = suggestion === undefined ? 'see `shoal errors`' : `did you mean ${suggestion}?`;
  throw new ShoalError('ARGUMENT_INVALID', `there is no error code "${text}"; ${hint}`, {
    details: { value: text, ...(suggestion === undefined ? {} : { suggestion }) },
  });
}

function printEntry(terminal: Terminal, entry: Entry): void {
  terminal.line(terminal.bold(entry.code));
  for (const line of wrap(entry.meaning, terminal.width)) terminal.line(line);
  terminal.line();
  const rows = [
    ['Raised by', `${entry.raisedBy}.`],
    ['What to do', entry.remedy],
    ['More', entry.documentation],
  ] as const;
  for (const line of definitionList(rows, terminal.width)) terminal.line(line);
}

function printList(terminal: Terminal): void {
  const prefixes = errorGroups.map(({ prefix }) => prefix).filter((prefix) => prefix !== '');
  for (const { prefix, title } of errorGroups) {
    const members = codes.filter((code) =>
      prefix === '' ? !prefixes.some((one) => code.startsWith(one)) : code.startsWith(prefix),
    );
    terminal.line(terminal.bold(title));
    const rows = members.map((code): [string, string] => [code, errorTable[code].meaning]);
    for (const line of definitionList(rows, terminal.width)) terminal.line(line);
    terminal.line();
  }
}

async function errors({ positionals, terminal }: CommandInvocation): Promise<void> {
  const [text] = positionals;
  const code = text === undefined ? undefined : findCode(text);
  if (terminal.isJson) terminal.json(code === undefined ? codes.map(entryOf) : entryOf(code));
  else if (code === undefined) printList(terminal);
  else printEntry(terminal, entryOf(code));
}

export const errorsCommand: Command = {
  name: 'errors',
  group: 'Look',
  arguments: [
    { name: 'CODE', description: 'Error code, such as PLAN_DOES_NOT_FIT.', optional: true, completes: 'error-code' },
  ],
  summary: 'Say what an error code means and what to do about it.',
  options: [],
  examples: [
    ['shoal errors PLAN_DOES_NOT_FIT', 'one code'],
    ['shoal errors', 'all of them'],
  ],
  run: errors,
};
