/** Calls between tags with each argument as it is, as grammars (see xml-calls.ts), with arguments that fit their schemas. */
import type { ToolDefinition } from '../chat-message.js';
import {
  alternativesOf,
  argumentsByName,
  choicesOf,
  definitionsOf,
  isByName,
  isObject,
  kindsOf,
  resolved,
  type Schema,
} from './argument-schemas.js';
import { escaped, type GrammarBuilder, quoted } from './grammar-builder.js';
import { functionClose, functionOpen, parameterClose, parameterOpen } from './xml-calls.js';

const argumentName = /^[^<>\n]{1,128}$/;
/** What of a text's schema is kept, or says nothing about it. */
const textKeywords = new Set(
  'type enum const minLength maxLength pattern description title default examples $defs definitions $comment'.split(
    ' ',
  ),
);
const onItsOwnLine = `\n${parameterClose}`;

class XmlFunctions {
  constructor(
    private readonly builder: GrammarBuilder,
    private readonly isLenient: boolean,
  ) {}

  /**
   * One function's call, from its tag to the end of it. Undefined for one that cannot be written so with arguments that fit.
   */
  call({ name, parameters = {} }: ToolDefinition, index: number): string | undefined {
    const body = this.body(parameters, `xml_${index}`);
    return body === undefined ? undefined : `${quoted(`${functionOpen}${name}>\n`)} ${body} ${quoted(functionClose)}`;
  }

  private body(parameters: Schema, prefix: string): string | undefined {
    const { properties, required } = argumentsByName(parameters);
    if (!isByName(parameters) && !this.isLenient) return undefined;
    if (properties.length === 0 && required.size === 0) {
      return parameters.additionalProperties === false ? '' : this.anyArguments();
    }
    const known = new Set<unknown>(properties.map(([name]) => name));
    const further = [...required].filter((name) => !known.has(name)).map((name) => [String(name), {}] as const);
    const all = [...properties, ...further];
    if (all.some(([name]) => required.has(name) && !argumentName.test(name))) return undefined;
    // From the last; in their order, and those that are not required may be left out.
    let rest = '""';
    for (const [number, [name, schema]] of [...all.entries()].reverse()) {
      if (!argumentName.test(name)) continue;
      const value = this.value(`${prefix}_${number}`, schema, parameters);
      if (value === undefined) return undefined;
      const one = `${quoted(`${parameterOpen}${name}>\n`)} ${value} "\\n" ${rest}`;
      rest = this.builder.rule(`${prefix}_${number}_on`, required.has(name) ? one : `${one} | ${rest}`);
    }
    return rest;
  }

  private anyArguments(): string {
    const { builder } = this;
    const head = `${quoted(parameterOpen)} /[^<>\\n]{1,128}/ ">\\n"`;
    return `${builder.rule('any_parameter', `${head} ${builder.until(parameterClose)} "\\n"`)}*`;
  }

  /** A value and the tag behind it; undefined where its schema cannot be kept and has to be. */
  private value(name: string, schema: Schema, root: Schema, depth = 0): string | undefined {
    const { builder, isLenient } = this;
    const own = resolved(schema, root);
    const kinds = kindsOf(own, root);
    const choices = choicesOf(own);
    if (choices) {
      const texts = choices.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
      // A text that holds the tag would end before its end.
      const writable = texts.filter((text) => !text.includes(parameterClose));
      if (writable.length === 0) return undefined;
      return `(${writable.map(quoted).join(' | ')}) ${quoted(onItsOwnLine)}`;
    }
    if (!kinds?.has('string') && kinds) {
      return `${builder.json(name, { ...definitionsOf(root), ...own }, isLenient)} ${quoted(onItsOwnLine)}`;
    }
    const several = alternativesOf(own);
    if (several && depth < 8) {
      const values = several.map((one, index) => this.value(`${name}_${index}`, one, root, depth + 1));
      return values.includes(undefined) ? undefined : `(${values.join(' | ')})`;
    }
    return this.text(name, own);
  }

  private text(name: string, schema: Schema): string | undefined {
    const { builder } = this;
    const { type, minLength, maxLength, pattern } = schema;
    if (!this.isLenient && !Object.keys(schema).every((keyword) => textKeywords.has(keyword))) return undefined;
    if (type !== 'string') return builder.until(parameterClose);
    const bounds = [];
    if (minLength !== undefined || maxLength !== undefined) {
      bounds.push(`/(.|\\n){${lengthOf(minLength) ?? 0},${lengthOf(maxLength) ?? ''}}/`);
    }
    if (pattern !== undefined) {
      const expression = typeof pattern === 'string' ? expressionOf(pattern) : undefined;
      if (expression === undefined && !this.isLenient) return undefined;
      if (expression !== undefined) bounds.push(`/${expression}/`);
    }
    if (bounds.length === 0) return builder.until(parameterClose);
    const within = `~/(.|\\n)*${escaped(parameterClose)}(.|\\n)*/`;
    const terminal = builder.terminal(name.toUpperCase(), [...bounds, within].join(' & '));
    return builder.until(onItsOwnLine, terminal);
  }
}

function lengthOf(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/** What only ECMAScript has, or only means there: looking around, references back, bounds of words. */
const foreign = /\(\?|\\[1-9bBkpPcux]|\\$/;

/** The pattern of a whole text, as the grammar's expressions write it; undefined where they cannot say it. */
function expressionOf(pattern: string): string | undefined {
  if (foreign.test(pattern.replaceAll('(?:', '('))) return undefined;
  const begins = pattern.startsWith('^');
  const ends = /(?<!\\)(?:\\\\)*\$$/.test(pattern);
  const inner = pattern.slice(begins ? 1 : 0, ends ? -1 : undefined);
  // An anchor of one of several alternatives only.
  if ((begins || ends) && hasAlternatives(inner)) return undefined;
  if (/(?<!\\|\[)[\^$]/.test(inner)) return undefined;
  const slashed = inner.replaceAll(/(?<!\\)\//g, '\\/');
  return `${begins ? '' : '(.|\\n)*'}(${slashed})${ends ? '' : '(.|\\n)*'}`;
}

/** Whether a bar stands outside of all brackets. */
function hasAlternatives(expression: string): boolean {
  let rest = expression.replaceAll(/\\./g, '').replaceAll(/\[[^\]]*\]/g, '');
  for (let before = ''; rest !== before; ) {
    before = rest;
    rest = rest.replaceAll(/\([^()]*\)/g, '');
  }
  return rest.includes('|');
}

/** Of functions that take what is left to them, whether calls of all can be had. */
export function xmlFunctions(
  builder: GrammarBuilder,
  tools: readonly ToolDefinition[],
  isLenient: boolean,
): readonly string[] | undefined {
  const writer = new XmlFunctions(builder, isLenient);
  const written = tools.map((tool, index) =>
    writer.call(isObject(tool.parameters) ? tool : { name: tool.name }, index),
  );
  const had = written.filter((one) => one !== undefined);
  return had.length === 0 || (!isLenient && had.length < tools.length) ? undefined : had;
}
