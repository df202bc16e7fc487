/** Reads a call written as a JSON object while it comes, and passes its arguments on as they are written. */

/** Names under which models write the arguments. */
const argumentNames = new Set(['arguments', 'parameters']);

export type JsonCallState = 'open' | 'complete' | 'broken';

/** Finds the end of one JSON value, character by character. */
class ValueScanner {
  private depth = 0;
  private inText = false;
  private isEscaped = false;
  private hasBegun = false;
  /** A number, true, false or null: ends before what cannot belong to it. */
  private isBare = false;

  /** `ended`: the value is complete with this character; `before`: it was complete before it. */
  push(character: string): 'more' | 'ended' | 'before' {
    if (this.inText) {
      if (this.isEscaped) this.isEscaped = false;
      else if (character === '\\') this.isEscaped = true;
      else if (character === '"') {
        this.inText = false;
        if (this.depth === 0) return 'ended';
      }
      return 'more';
    }
    if (this.isBare) return /[\s,}\]]/.test(character) ? 'before' : 'more';
    if (/\s/.test(character)) return 'more';
    if (character === '"') this.inText = true;
    else if (character === '{' || character === '[') this.depth += 1;
    else if (character === '}' || character === ']') {
      this.depth -= 1;
      if (this.depth <= 0) return 'ended';
    } else if (!this.hasBegun) this.isBare = true;
    this.hasBegun = true;
    return 'more';
  }
}

type Expect = 'brace' | 'key' | 'colon' | 'value' | 'comma';

/** One object `{"name": …, "arguments": {…}}`; fields beside these are passed over. */
export class JsonCall {
  state: JsonCallState = 'open';
  /** Everything so far. */
  raw = '';
  name: string | undefined;
  /** Argument text that nobody has taken yet. */
  private pending = '';
  private hasArguments = false;
  private expect: Expect = 'brace';
  private key = '';
  private value = '';
  private scanner = new ValueScanner();

  /** Reads one character. What follows the object is not read: look at `state` after each. */
  push(character: string): void {
    if (this.state !== 'open') return;
    this.raw += character;
    this.step(character);
  }

  /** Whether it is known to be a call: it has a name, and its arguments have begun. */
  get isCall(): boolean {
    return this.name !== undefined && (this.hasArguments || this.state === 'complete');
  }

  /** Argument text that has come since the last time. */
  takeArguments(): string {
    const taken = this.pending;
    this.pending = '';
    if (this.state === 'complete' && !this.hasArguments) {
      this.hasArguments = true;
      return '{}';
    }
    return taken;
  }

  private step(character: string): void {
    switch (this.expect) {
      case 'brace':
        if (character === '{') this.begin('key');
        else if (!/\s/.test(character)) this.state = 'broken';
        return;
      case 'key':
        if (this.value === '' && /\s/.test(character)) return;
        if (this.value === '' && character === '}') {
          this.state = 'complete';
          return;
        }
        if (this.value === '' && character !== '"') {
          this.state = 'broken';
          return;
        }
        this.value += character;
        if (this.scanner.push(character) === 'ended') {
          this.key = textOf(this.value) ?? '';
          this.begin('colon');
        }
        return;
      case 'colon':
        if (character === ':') this.begin('value');
        else if (!/\s/.test(character)) this.state = 'broken';
        return;
      case 'value':
        this.stepValue(character);
        return;
      case 'comma':
        if (character === ',') this.begin('key');
        else if (character === '}') this.state = 'complete';
        else if (!/\s/.test(character)) this.state = 'broken';
    }
  }

  private stepValue(character: string): void {
    if (this.value === '' && /\s/.test(character)) return;
    const isArguments = argumentNames.has(this.key) && (this.value !== '' || character === '{');
    const result = this.scanner.push(character);
    if (result !== 'before') {
      this.value += character;
      if (isArguments && this.value.startsWith('{')) {
        this.hasArguments = true;
        this.pending += character;
      }
    }
    if (result === 'more') return;
    this.endValue();
    this.begin('comma');
    if (result === 'before') this.step(character);
  }

  private endValue(): void {
    if (this.key === 'name') this.name = textOf(this.value);
    // Some models write the arguments as JSON text within a text.
    if (argumentNames.has(this.key) && this.value.startsWith('"')) {
      const inner = textOf(this.value);
      if (inner?.trimStart().startsWith('{')) {
        this.hasArguments = true;
        this.pending += inner;
      }
    }
  }

  private begin(expect: Expect): void {
    this.expect = expect;
    this.value = '';
    this.scanner = new ValueScanner();
  }
}

/** A JSON object by itself, of which only the end is looked for. */
export class JsonObjectText {
  state: JsonCallState = 'open';
  private hasBegun = false;
  private readonly scanner = new ValueScanner();

  /** Whether the character belongs to the object. */
  push(character: string): boolean {
    if (!this.hasBegun) {
      if (/\s/.test(character)) return false;
      if (character !== '{') {
        this.state = 'broken';
        return false;
      }
      this.hasBegun = true;
    }
    if (this.scanner.push(character) === 'ended') this.state = 'complete';
    return true;
  }
}

function textOf(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
