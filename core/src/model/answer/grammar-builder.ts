/** A grammar that is put together from rules in Lark and from parts in other languages (`crates/grammar`, kind `composed`). */
import type { Constraint } from '../../spec/engine.js';

interface Part {
  readonly name: string;
  readonly kind: string;
  readonly specification: string;
  /** Of the same kind; taken where the library cannot keep the specification. */
  readonly otherwise?: string;
}

/** Documents stand on one line: a model that may choose adds space for ever. */
export const onOneLine = {
  'x-guidance': { whitespace_flexible: false, item_separator: ', ', key_separator: ': ' },
};

/** Any text, also none. Special tokens are no text. */
export const anyText = 'TEXT';

export class GrammarBuilder {
  private readonly rules: string[] = [];
  private readonly parts: Part[] = [];
  private readonly named = new Set<string>();

  /** `tokenOf` gives the id of a special token: its text alone would not be that token. */
  constructor(private readonly tokenOf: (text: string) => number | undefined) {}

  isSpecial(text: string): boolean {
    return this.tokenOf(text) !== undefined;
  }

  /** A marker, whether it is a token of its own or text. */
  mark(text: string): string {
    const token = this.tokenOf(text);
    return token === undefined ? quoted(text) : `<[${token}]>`;
  }

  /** All text up to a marker's first place, and the marker. */
  until(marker: string, text: string = this.text()): string {
    if (this.isSpecial(marker)) return `${text} ${this.mark(marker)}`;
    const name = this.fresh('until');
    this.rules.push(`${name}[lazy]: ${text} ${quoted(marker)}`);
    return name;
  }

  text(): string {
    return this.terminal(anyText, '/(.|\\n)*/');
  }

  /** Text that a regular expression does not match from its beginning; gives its name. */
  textUnless(name: string, expression: string): string {
    return this.terminal(name, `/(.|\\n)*/ & ~/(${expression})(.|\\n)*/`);
  }

  terminal(name: string, body: string): string {
    return this.once(name, `${name}: ${body}`);
  }

  rule(name: string, body: string): string {
    return this.once(name, `${name}: ${body}`);
  }

  /** A JSON value that fits a schema. `isLenient`: any value of its type, where the library cannot keep the schema. */
  json(name: string, schema: Readonly<Record<string, unknown>>, isLenient: boolean): string {
    const text = (value: object) => JSON.stringify({ ...onOneLine, ...value });
    const otherwise = text(typeof schema.type === 'string' ? { type: schema.type } : {});
    return this.part({
      name,
      kind: 'json-schema',
      specification: text(schema),
      ...(isLenient ? { otherwise } : {}),
    });
  }

  part(part: Part): string {
    if (!this.named.has(part.name)) this.parts.push(part);
    this.named.add(part.name);
    return `@${part.name}`;
  }

  /** The whole, from what an answer begins with. */
  constraint(start: string): Constraint {
    const grammar = [`start: ${start}`, ...this.rules].join('\n');
    return { kind: 'composed', specification: JSON.stringify({ grammar, parts: this.parts }) };
  }

  private fresh(name: string): string {
    return `${name}_${this.rules.length}`;
  }

  private once(name: string, rule: string): string {
    if (!this.named.has(name)) this.rules.push(rule);
    this.named.add(name);
    return name;
  }
}

/** A text in Lark, whose escapes are JSON's. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A text in an expression between slashes. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/&~-]/g, '\\$&').replaceAll('\n', '\\n');
}
