import { ShoalError } from '../spec/errors.js';

/** Counted from 1, as editors do. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** A parsed JSON text that remembers where every value stood. */
export interface JsonSource {
  readonly value: unknown;
  /** Position of the value (of the key, for a member of an object) at a JSON pointer such as `/plugins/0/module`. */
  locate(pointer: string): SourcePosition;
}

export class JsonSyntaxError extends Error {
  readonly position: SourcePosition;

  constructor(message: string, position: SourcePosition) {
    super(message);
    this.name = 'JsonSyntaxError';
    this.position = position;
  }
}

const maximumDepth = 100;
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// Control characters and escapes are left to JSON.parse, which sees the literal afterwards.
const stringPattern = /"(?:[^"\\\r\n]|\\.)*"/y;
const whitespacePattern = /[ \t\r\n]*/y;

/**
 * Parses JSON. JSON.parse is not used because what it tells of an error's place differs between runtimes and versions,
 * and because places are also wanted for values that are valid JSON but not a valid configuration.
 */
export function parseJsonSource(text: string): JsonSource {
  const offsets = new Map<string, number>();
  const value = new JsonReader(text, offsets).read();
  return {
    value,
    locate: (pointer) => {
      // A missing value has no place of its own: its parent has.
      for (let path = pointer; ; path = path.slice(0, path.lastIndexOf('/'))) {
        const offset = offsets.get(path);
        if (offset !== undefined) return positionAt(text, offset);
        if (path === '') return { line: 1, column: 1 };
      }
    },
  };
}

/** One step of a JSON pointer, escaped. */
export function pointerStep(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function positionAt(text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

class JsonReader {
  readonly #text: string;
  readonly #offsets: Map<string, number>;
  #offset = 0;

  constructor(text: string, offsets: Map<string, number>) {
    // Editors on Windows may begin a file with a byte-order mark.
    this.#text = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
    this.#offsets = offsets;
  }

  read(): unknown {
    const value = this.#value('', 0);
    this.#skipWhitespace();
    if (this.#offset < this.#text.length) this.#fail('unexpected text after the end');
    return value;
  }

  #value(pointer: string, depth: number): unknown {
    if (depth > maximumDepth) this.#fail(`nested deeper than ${maximumDepth} levels`);
    this.#skipWhitespace();
    if (!this.#offsets.has(pointer)) this.#offsets.set(pointer, this.#offset);
    const first = this.#text[this.#offset];
    if (first === undefined) this.#fail('unexpected end of the text');
    if (first === '{') return this.#object(pointer, depth);
    if (first === '[') return this.#array(pointer, depth);
    if (first === '"') return this.#string();
    for (const [word, meaning] of literals) {
      if (this.#text.startsWith(word, this.#offset)) {
        this.#offset += word.length;
        return meaning;
      }
    }
    const number = this.#match(numberPattern);
    if (number === undefined) this.#fail(`unexpected ${JSON.stringify(first)}`);
    return Number(number);
  }

  #object(pointer: string, depth: number): unknown {
    const object: Record<string, unknown> = {};
    this.#offset += 1;
    this.#skipWhitespace();
    if (this.#take('}')) return object;
    do {
      this.#skipWhitespace();
      const keyOffset = this.#offset;
      if (this.#text[keyOffset] !== '"') this.#fail('a key in double quotes was expected');
      const key = this.#string();
      if (Object.hasOwn(object, key)) this.#fail(`the key ${JSON.stringify(key)} is given twice`, keyOffset);
      const memberPointer = `${pointer}/${pointerStep(key)}`;
      this.#offsets.set(memberPointer, keyOffset);
      this.#skipWhitespace();
      if (!this.#take(':')) this.#fail('":" was expected');
      const value = this.#value(memberPointer, depth + 1);
      // defineProperty: a key called __proto__ must not change the prototype.
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      this.#skipWhitespace();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('"," or "}" was expected');
    return object;
  }

  #array(pointer: string, depth: number): unknown {
    const array: unknown[] = [];
    this.#offset += 1;
    this.#skipWhitespace();
    if (this.#take(']')) return array;
    do {
      array.push(this.#value(`${pointer}/${array.length}`, depth + 1));
      this.#skipWhitespace();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('"," or "]" was expected');
    return array;
  }

  #string(): string {
    const start = this.#offset;
    const literal = this.#match(stringPattern);
    if (literal === undefined) this.#fail('this string is not closed on its line');
    try {
      return JSON.parse(literal) as string;
    } catch {
      return this.#fail('this string holds an illegal character or escape', start);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#offset += found.length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#text[this.#offset] !== character) return false;
    this.#offset += 1;
    return true;
  }

  #skipWhitespace(): void {
    this.#match(whitespacePattern);
  }

  #fail(message: string, offset: number = this.#offset): never {
    throw new JsonSyntaxError(message, positionAt(this.#text, offset));
  }
}

const literals: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** Turns a syntax error into `file:line:column: message` under the given code; passes everything else on. */
export function describeSyntaxError(thrown: unknown, file: string, code: 'PLUGIN_MANIFEST_INVALID'): ShoalError {
  if (!(thrown instanceof JsonSyntaxError)) return ShoalError.from(thrown, code);
  const { line, column } = thrown.position;
  const message = `${file}:${line}:${column}: ${thrown.message}`;
  return new ShoalError(code, message, { details: { file, line, column }, cause: thrown });
}
