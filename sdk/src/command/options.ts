import { parseArgs } from 'node:util';
import { ShoalError } from '@shoal/core/client';
import {
  type ArgumentSpecification,
  type Command,
  type NumberBounds,
  type OptionSpecification,
  optionsOf,
} from './command.js';
import { nearest } from './nearest.js';

/** Options as given, with typed access that names the option when its value is wrong. */
export class ParsedOptions {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** The same options with one of them set. */
  with(name: string, value: string): ParsedOptions {
    return new ParsedOptions({ ...this.#values, [name]: value });
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** A number, or undefined when the option is absent. Bounds are checked when the line is parsed. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** Numbers between commas, or undefined when the option is absent. */
  numbers(name: string): readonly number[] | undefined {
    return this.text(name)?.split(',').map(Number);
  }
}

function isWithin(text: string, { minimum, maximum, integer }: NumberBounds): boolean {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (integer === true && !Number.isSafeInteger(value))) return false;
  return (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum);
}

function describeBounds({ minimum, maximum, integer, list }: NumberBounds): string {
  const kind = integer ? 'whole number' : 'number';
  const from = minimum === undefined ? '' : ` from ${minimum}`;
  const to = maximum === undefined ? '' : ` to ${maximum}`;
  return list ? `${kind}s${from}${to} with commas between them` : `a ${kind}${from}${to}`;
}

export interface ParsedCommandLine {
  readonly positionals: readonly string[];
  readonly options: ParsedOptions;
}

/** Splits a command line by the command's own options; throws ARGUMENT_INVALID that says what is legal instead. */
export function parseCommandLine(command: Command, words: readonly string[]): ParsedCommandLine {
  const known = new Map(optionsOf(command).map((option) => [option.name, option]));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries([...known.values()].map((option) => [option.name, parserOption(option)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string | true | string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known.get(token.name);
    if (!option) throw unknownOption(command, token.rawName, known.values());
    if (option.value === undefined) {
      if (token.value !== undefined)
        throw invalid(command, `${token.rawName} takes no value`, { option: token.rawName });
      values[option.name] = true;
      continue;
    }
    const value = checkValue(command, option, token.rawName, token.value, token.inlineValue === true);
    if (option.multiple) values[option.name] = [...((values[option.name] as string[] | undefined) ?? []), value];
    else values[option.name] = value;
  }
  checkPositionals(command, positionals);
  return { positionals, options: new ParsedOptions(values) };
}

function parserOption({ value, short, multiple }: OptionSpecification) {
  return {
    type: value === undefined ? ('boolean' as const) : ('string' as const),
    ...(short === undefined ? {} : { short }),
    ...(multiple === undefined ? {} : { multiple }),
  };
}

function checkValue(
  command: Command,
  option: OptionSpecification,
  rawName: string,
  value: string | undefined,
  isInline: boolean,
): string {
  // A word that looks like an option is one, unless it is a number or was written with `=`.
  if (value === undefined || (!isInline && /^-(?!\d|$)/.test(value))) {
    const legal = option.choices === undefined ? '' : `: one of ${option.choices.join(', ')}`;
    throw invalid(command, `${rawName} wants a value ${option.value}${legal}`, { option: rawName });
  }
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw notAChoice(command, rawName, value, option.choices);
  }
  const { number } = option;
  if (number !== undefined && !(number.list ? value.split(',') : [value]).every((part) => isWithin(part, number))) {
    throw invalid(command, `${rawName} wants ${describeBounds(number)}, not "${value}"`, { option: rawName, value });
  }
  option.check?.(value);
  return value;
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  for (const [index, argument] of command.arguments.entries()) {
    const value = positionals[index];
    if (value === undefined) {
      if (argument.optional) break;
      throw invalid(command, `${argument.name} is missing`, { argument: argument.name });
    }
    if (argument.choices !== undefined && !argument.choices.includes(value)) {
      throw notAChoice(command, argument.name, value, argument.choices);
    }
  }
  const last = command.arguments.at(-1);
  const extra = last?.repeated ? undefined : positionals[command.arguments.length];
  if (extra !== undefined) {
    const takes = command.arguments.length === 0 ? 'no arguments' : command.arguments.map(usageOf).join(' ');
    throw invalid(command, `"${extra}" is one argument too many; it takes ${takes}`, { value: extra });
  }
}

/** An argument in a usage line. */
export function usageOf({ name, optional, repeated }: ArgumentSpecification): string {
  const word = `${name}${repeated ? '…' : ''}`;
  return optional ? `[${word}]` : word;
}

function unknownOption(command: Command, rawName: string, known: Iterable<OptionSpecification>): ShoalError {
  const names = [...known].map(({ name }) => `--${name}`);
  const suggestion = nearest(rawName, names);
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return invalid(command, `there is no option ${rawName}${hint}`, {
    option: rawName,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

function notAChoice(command: Command, what: string, value: string, choices: readonly string[]): ShoalError {
  const suggestion = nearest(value, choices);
  const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
  return invalid(command, `${what} wants one of ${choices.join(', ')}, not "${value}"${hint}`, {
    option: what,
    value,
    choices,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

function invalid(command: Command, what: string, details: Readonly<Record<string, unknown>>): ShoalError {
  const message = `shoal ${command.name}: ${what} (see \`shoal ${command.name} --help\`)`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { command: command.name, ...details } });
}
