/** Calls as Python writes them, with arguments that fit their schemas: `weather(city="Oslo", days=3)`. */
import type { ToolDefinition } from '../chat-message.js';
import {
  alternativesOf,
  argumentsByName,
  choicesOf,
  definitionsOf,
  isByName,
  type Schema,
} from './argument-schemas.js';
import { type GrammarBuilder, quoted } from './grammar-builder.js';

const functionName = /^[A-Za-z_][\w.]*$/;
const argumentName = /^[A-Za-z_]\w*$/;
export class PythonCalls {
  constructor(
    private readonly builder: GrammarBuilder,
    private readonly isLenient: boolean,
  ) {}

  /**
   * What stands between the parentheses. Undefined for a function that cannot be written so, or not with arguments that
   * fit: a name that is none in Python, or a schema that says more of all arguments together than which there are.
   */
  arguments({ name, parameters = {} }: ToolDefinition, index: number): string | undefined {
    if (!functionName.test(name)) return undefined;
    const { properties, required } = argumentsByName(parameters);
    const writable = properties.filter(([property]) => argumentName.test(property));
    const isWhole = [...required].every((property) => writable.some(([written]) => written === property));
    if (!isWhole || (!isByName(parameters) && !this.isLenient)) return undefined;
    const prefix = `python_${index}`;
    return properties.length === 0 && parameters.additionalProperties !== false
      ? this.anyArguments()
      : this.listed(prefix, parameters, writable, required);
  }

  private anyArguments(): string {
    const value = this.builder.json('any_value', {}, false);
    const argument = this.builder.rule('any_argument', `/[A-Za-z_][A-Za-z0-9_]*/ "=" ${value}`);
    return `(${argument} (", " ${argument})*)?`;
  }

  /** In their order; those that are not required may be left out. */
  private listed(
    prefix: string,
    root: Schema,
    properties: readonly (readonly [string, Schema])[],
    required: ReadonlySet<unknown>,
  ): string {
    const { builder } = this;
    // From the last: what may follow when something stands before it, and when nothing does.
    let behind = '""';
    let first = '""';
    for (let number = properties.length - 1; number >= 0; number -= 1) {
      const [name, schema] = properties[number] as readonly [string, Schema];
      const value = this.value(`${prefix}_${number}`, schema, root);
      const argument = builder.rule(`${prefix}_${number}_argument`, `${quoted(`${name}=`)} ${value}`);
      const begun = `${argument} ${behind}`;
      first = builder.rule(`${prefix}_${number}_first`, required.has(name) ? begun : `${begun} | ${first}`);
      const next = `", " ${argument} ${behind}`;
      behind = builder.rule(`${prefix}_${number}_behind`, required.has(name) ? next : `${next} | ${behind}`);
    }
    return first;
  }

  /** JSON is what Python reads, too, but for three words. */
  private value(name: string, schema: Schema, root: Schema): string {
    const { type, enum: values } = schema;
    const alternatives = (list: readonly Schema[]) =>
      `(${list.map((one, index) => this.value(`${name}_${index}`, one, root)).join(' | ')})`;
    if (Array.isArray(type)) return alternatives(alternativesOf(schema) ?? []);
    if (type === 'boolean' && values === undefined) return '("True" | "False")';
    if (type === 'null') return '"None"';
    const choices = choicesOf(schema);
    if (choices) return `(${choices.map((one) => quoted(literal(one))).join(' | ')})`;
    const several = alternativesOf(schema);
    if (several) return alternatives(several);
    return this.builder.json(name, { ...definitionsOf(root), ...schema }, this.isLenient);
  }
}

function literal(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}
