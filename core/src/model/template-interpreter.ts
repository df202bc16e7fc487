/** Runs Jinja templates of checkpoints within limits: a template is a program of strangers. */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { formatTime } from './format-time.js';

/**
 * How much a template may do, in steps of about a microsecond: a node of the template that is evaluated is one, a turn
 * of a loop is worth twenty. A conversation of a thousand messages takes some hundred thousand.
 */
const maximumSteps = 2_000_000;
const stepsPerBlock = 20;
const itemsPerStep = 64;
const charactersPerStep = 1024;

/** Longest list and text that a template may make on its way; a text in UTF-16 code units. */
const maximumItems = 100_000;
const maximumCharacters = 8 * 1024 * 1024;

export type TemplateProgram = ReturnType<typeof parse>;

/** Throws an error that says what is wrong with the template. */
export function parseTemplate(source: string): TemplateProgram {
  // As transformers does.
  return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
}

/**
 * Runs a template with these variables beside the functions that transformers gives templates. Throws what the template
 * raises, and an error when it goes beyond the limits.
 */
export function runTemplate(
  program: TemplateProgram,
  variables: Readonly<Record<string, unknown>>,
  now: () => Date,
): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...globals(now), ...variables })) environment.set(name, value);
  const result = new LimitedInterpreter(environment).run(program);
  return String(result.value);
}

function globals(now: () => Date): Readonly<Record<string, unknown>> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
    strftime_now: (format: unknown) => formatTime(now(), String(format)),
  };
}

function range(start: number, stop?: number, step = 1): number[] {
  const [first, end] = stop === undefined ? [0, start] : [start, stop];
  const count = Math.max(0, Math.ceil((end - first) / step));
  if (!(count <= maximumItems)) throw new Error(`it makes a range of ${count} numbers`);
  return Array.from({ length: count }, (_, index) => first + index * step);
}

/** What is used of the library's interpreter, whose own types do not resolve in ES modules. */
interface BaseInterpreter {
  run(program: TemplateProgram): RuntimeValue;
  /** Called for every node of the template, by the interpreter itself, too. */
  evaluate(statement: unknown, environment: unknown): RuntimeValue;
  /** Called for every turn of a loop, branch and macro, with the nodes in it. */
  evaluateBlock(statements: unknown, environment: unknown): RuntimeValue;
}

/** A text, list, map, number … of a template. */
interface RuntimeValue {
  readonly value: unknown;
}

const LibraryInterpreter = Interpreter as unknown as new (environment: Environment) => BaseInterpreter;

class LimitedInterpreter extends LibraryInterpreter {
  #stepsLeft = maximumSteps;

  override evaluate(statement: unknown, environment: unknown): RuntimeValue {
    this.#spend(1);
    const result = super.evaluate(statement, environment);
    const { value } = result;
    if (typeof value === 'string') {
      if (value.length > maximumCharacters) throw new Error(`it makes a text of ${value.length} characters`);
      this.#spend(value.length / charactersPerStep);
    } else if (Array.isArray(value)) {
      if (value.length > maximumItems) throw new Error(`it makes a list of ${value.length} values`);
      this.#spend(value.length / itemsPerStep);
    }
    return result;
  }

  override evaluateBlock(statements: unknown, environment: unknown): RuntimeValue {
    this.#spend(stepsPerBlock);
    return super.evaluateBlock(statements, environment);
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new Error(`it takes more than ${maximumSteps} steps`);
  }
}
