/** What a command is: one table from which parsing, help and shell completion are made. */
import type { ParsedOptions } from './options.js';
import type { Terminal } from './terminal.js';

/** What a shell offers for a value that is not one of a fixed list. */
export type Completion = 'model' | 'file' | 'directory' | 'command' | 'error-code';

export interface NumberBounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly integer?: boolean;
  readonly list?: boolean;
}

/** One option of a command. Every option has a long name; `value` names what follows it, absent means a switch. */
export interface OptionSpecification {
  readonly name: string;
  readonly short?: string;
  readonly value?: string;
  readonly multiple?: boolean;
  readonly description: string;
  /** What holds when it is not given, for people. */
  readonly default?: string;
  /** The only legal values. */
  readonly choices?: readonly string[];
  /** Some of the legal values, for completion. */
  readonly suggestions?: readonly string[];
  readonly completes?: Completion;
  /** The value is a number, or with `list` numbers between commas, within bounds. */
  readonly number?: NumberBounds;
  /** Throws ARGUMENT_INVALID for a value that can be seen to be wrong at once. */
  readonly check?: (value: string) => unknown;
  /** Heading in the help; default "Options". */
  readonly section?: string;
}

export interface ArgumentSpecification {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Takes all words that are left. */
  readonly repeated?: boolean;
  readonly choices?: readonly string[];
  readonly completes?: Completion;
}

/** What a command is given: parsed arguments and the terminal to speak to. */
export interface CommandInvocation {
  readonly positionals: readonly string[];
  readonly options: ParsedOptions;
  readonly terminal: Terminal;
  /** Aborts on the first interrupt; the second one ends the process. */
  readonly signal: AbortSignal;
}

/** Headings of the first page, in its order. */
export const commandGroups = ['Ask a model', 'Look', 'Nodes', 'This command'] as const;

export interface Command {
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  readonly arguments: readonly ArgumentSpecification[];
  readonly summary: string;
  readonly description?: string;
  readonly options: readonly OptionSpecification[];
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Exit codes that mean something of their own here. */
  readonly exitCodes?: readonly (readonly [code: number, meaning: string])[];
  readonly run: (invocation: CommandInvocation) => Promise<void>;
}

export const exitCodes = {
  success: 0,
  failure: 1,
  usage: 2,
  interrupted: 130,
} as const;

/** Options that every command has. */
export const commonOptions: readonly OptionSpecification[] = [
  { name: 'json', description: 'Print JSON for programs, errors too; see docs/command.md.', section: 'Output' },
  { name: 'quiet', short: 'q', description: 'No progress and no remarks on standard error.', section: 'Output' },
  { name: 'no-color', description: 'No colours, also on a terminal.', section: 'Output' },
  { name: 'help', short: 'h', description: 'Show this text.', section: 'Output' },
];

/** All options of a command: its own first. */
export function optionsOf(command: Pick<Command, 'options'>): readonly OptionSpecification[] {
  return [...command.options, ...commonOptions];
}
