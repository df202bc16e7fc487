/** Calls written in Python, as of Llama 3.2 and 4: `[weather(city="Oslo", days=3), time()]`. Only names of tools count. */
import { type AnswerParser, type AnswerPieces, PieceCollector } from './parts.js';

/** Longer than any list of calls; what is not closed by then is text. */
const maximumCharacters = 65_536;

export class PythonicCalls implements AnswerParser {
  private readonly pieces = new PieceCollector();
  private pending = '';
  private isText = false;

  constructor(private readonly names: ReadonlySet<string>) {}

  push(text: string): AnswerPieces {
    this.pending += text;
    if (!this.isText) {
      const start = this.pending.trimStart();
      const calls = start === '' ? 'more' : readCalls(start);
      if (calls === 'none' || this.pending.length > maximumCharacters) this.isText = true;
      else if (calls !== 'more') this.end(calls, start);
    }
    if (this.isText) {
      this.pieces.say(this.pending);
      this.pending = '';
    }
    return this.pieces.take();
  }

  flush(): AnswerPieces {
    this.pieces.say(this.pending);
    this.pending = '';
    return this.pieces.take(true);
  }

  private end({ calls, length }: Calls, text: string): void {
    this.isText = true;
    if (calls.length === 0 || !calls.every(({ name }) => this.names.has(name))) return;
    for (const { name, values } of calls) {
      this.pieces.arguments(this.pieces.call(name), JSON.stringify(values));
    }
    this.pending = text.slice(length);
  }
}

interface Calls {
  readonly calls: readonly { readonly name: string; readonly values: Readonly<Record<string, unknown>> }[];
  /** Characters that they take. */
  readonly length: number;
}

/** `more`: it may become a list of calls; `none`: it cannot. */
function readCalls(text: string): Calls | 'more' | 'none' {
  const reader = new Reader(text);
  try {
    reader.expect('[');
    const calls: Calls['calls'][number][] = [];
    do {
      const name = reader.match(/[A-Za-z_][\w.]*/y);
      reader.expect('(');
      const values: Record<string, unknown> = {};
      while (!reader.take(')')) {
        if (Object.keys(values).length > 0) reader.expect(',');
        const key = reader.match(/[A-Za-z_]\w*/y);
        reader.expect('=');
        Object.defineProperty(values, key, { value: reader.value(), enumerable: true, configurable: true });
      }
      calls.push({ name, values });
    } while (reader.take(','));
    reader.expect(']');
    return { calls, length: reader.position };
  } catch (thrown) {
    return thrown === unfinished ? 'more' : 'none';
  }
}

const unfinished = new Error('the text ends within a call');
const wrong = new Error('this is no call');

const words: Readonly<Record<string, unknown>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};

class Reader {
  position = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  expect(character: string): void {
    if (!this.take(character)) throw wrong;
  }

  take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }

  /** What the expression finds here; more of it may come at the end of the text. */
  match(expression: RegExp): string {
    this.skipSpace();
    expression.lastIndex = this.position;
    const found = expression.exec(this.text)?.[0];
    if (found === undefined) throw wrong;
    this.position += found.length;
    if (this.position >= this.text.length) throw unfinished;
    return found;
  }

  value(): unknown {
    this.depth += 1;
    if (this.depth > 64) throw wrong;
    this.skipSpace();
    const first = this.text[this.position] as string;
    let value: unknown;
    if (first === '"' || first === "'") value = this.string(first);
    else if (first === '[') value = this.list('[', ']');
    else if (first === '(') value = this.list('(', ')');
    else if (first === '{') value = this.object();
    else if (/[A-Za-z]/.test(first)) {
      const word = this.match(/[A-Za-z]+/y);
      if (!Object.hasOwn(words, word)) throw wrong;
      value = words[word];
    } else value = this.number();
    this.depth -= 1;
    return value;
  }

  private number(): number {
    const value = Number(this.match(/[-+.\deE]+/y));
    if (!Number.isFinite(value)) throw wrong;
    return value;
  }

  private list(open: string, close: string): unknown[] {
    this.expect(open);
    const values: unknown[] = [];
    while (!this.take(close)) {
      if (values.length > 0) {
        this.expect(',');
        if (this.take(close)) break;
      }
      values.push(this.value());
    }
    return values;
  }

  private object(): Record<string, unknown> {
    this.expect('{');
    const entries: [string, unknown][] = [];
    while (!this.take('}')) {
      if (entries.length > 0) {
        this.expect(',');
        if (this.take('}')) break;
      }
      const key = this.value();
      this.expect(':');
      entries.push([String(key), this.value()]);
    }
    return Object.fromEntries(entries);
  }

  private string(quote: string): string {
    this.position += 1;
    let value = '';
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined) throw unfinished;
      this.position += 1;
      if (character === quote) return value;
      if (character !== '\\') {
        value += character;
        continue;
      }
      value += this.escape();
    }
  }

  private escape(): string {
    const character = this.text[this.position];
    if (character === undefined) throw unfinished;
    this.position += 1;
    if (character === 'u' || character === 'x') {
      const length = character === 'u' ? 4 : 2;
      const digits = this.text.slice(this.position, this.position + length);
      if (digits.length < length) throw unfinished;
      if (!/^[0-9A-Fa-f]+$/.test(digits)) throw wrong;
      this.position += length;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    return { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[character] ?? character;
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.position] ?? '')) this.position += 1;
    if (this.position >= this.text.length) throw unfinished;
  }
}
