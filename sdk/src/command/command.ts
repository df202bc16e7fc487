import { parseArgs } from 'node:util';
import { ShoalError } from '@shoal/core';
import type { Terminal } from './terminal.js';

/** One option of a command. Every option has a long name; `value` names what follows it, absent means a switch. */
export interface OptionSpecification {
  readonly name: string;
  readonly short?: string;
  readonly value?: string;
  readonly multiple?: boolean;
  readonly description: string;
}

/** What a command is given: parsed arguments and the terminal to speak to. */
export interface CommandInvocation {
  readonly positionals: readonly string[];
  readonly options: ParsedOptions;
  readonly terminal: Terminal;
  /** Aborts on the first interrupt; the second one ends the process. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** Names of the positional arguments for the usage line, `[x]` for optional ones. */
  readonly arguments: string;
  readonly summary: string;
  readonly description?: string;
  readonly options: readonly OptionSpecification[];
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  run(invocation: CommandInvocation): Promise<void>;
}

/** Options as given, with typed access that names the option when its value is wrong. */
export class ParsedOptions {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
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

  /** A number within bounds, or undefined when the option is absent. */
  number(name: string, bounds: { minimum?: number; maximum?: number; integer?: boolean } = {}): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    const wrong =
      text.trim() === '' ||
      !Number.isFinite(value) ||
      (bounds.integer === true && !Number.isInteger(value)) ||
      (bounds.minimum !== undefined && value < bounds.minimum) ||
      (bounds.maximum !== undefined && value > bounds.maximum);
    if (wrong) {
      const kind = bounds.integer ? 'a whole number' : 'a number';
      const from = bounds.minimum === undefined ? '' : ` from ${bounds.minimum}`;
      const to = bounds.maximum === undefined ? '' : ` to ${bounds.maximum}`;
      throw new ShoalError('ARGUMENT_INVALID', `--${name} wants ${kind}${from}${to}, not "${text}"`);
    }
    return value;
  }
}

/** Splits a command line by the command's own options; throws ARGUMENT_INVALID with the offending word. */
export function parseCommandLine(
  command: Command,
  words: readonly string[],
): { positionals: readonly string[]; options: ParsedOptions } {
  const options = Object.fromEntries(
    command.options.map(({ name, short, value, multiple }) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    return { positionals, options: new ParsedOptions(values) };
  } catch (error) {
    const message = (error as Error).message.split('. ')[0] ?? 'the arguments are wrong';
    throw new ShoalError(
      'ARGUMENT_INVALID',
      `shoal ${command.name}: ${message} (see \`shoal ${command.name} --help\`)`,
    );
  }
}
