/** Mutations of inputs: bytes, numbers in binary, and tokens of JSON, because most inputs here are one or the other. */

/** Repeatable random numbers in [0, 1) (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const numbers = [0n, 1n, 2n, 7n, 8n, 127n, 128n, 255n, 256n, 4096n, 65535n, 0x7fff_ffffn, 0xffff_ffffn, 1n << 53n, ~0n];

/** JSON in place of a JSON token: values of other kinds, at the borders of number formats, and names with a meaning. */
const tokens = [
  ...['null', 'true', 'false', '{}', '[]', '""', '0', '-1', '-0', '1.5', '1e999', '1e-400', '4294967296'],
  ...[
    '9007199254740993',
    '18446744073709551616',
    '"__proto__"',
    '"constructor"',
    '"toString"',
    '"\\ud800"',
    '"\\u0000"',
  ],
  ...['"../x"', '"/etc/passwd"', '"C:\\\\x"', '[[[[[[[[]]]]]]]]', '{"__proto__":{"polluted":1}}', '"🦊"'],
];
const tokenPattern = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/g;

const mostInputBytes = 1 << 14;

export class Mutator {
  constructor(
    private readonly random: () => number,
    private readonly corpus: readonly Buffer[],
  ) {}

  /** One input made of one of the corpus by one to eight changes. */
  next(): Buffer {
    let input = this.pick(this.corpus);
    const changes = 1 << this.below(4);
    for (let change = 0; change < changes; change++) input = this.change(input);
    return input.subarray(0, mostInputBytes);
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  private change(input: Buffer): Buffer {
    const at = this.below(input.length + 1);
    const length = 1 + this.below(Math.min(32, input.length - at + 1));
    switch (this.below(10)) {
      case 0:
        return this.overwrite(input, at, Buffer.from([(input[at] ?? 0) ^ (1 << this.below(8))]));
      case 1:
        return this.overwrite(input, at, Buffer.from([this.below(256)]));
      case 2:
        return this.overwrite(input, at, this.number());
      case 3:
        return Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
      case 4:
        return Buffer.concat([input.subarray(0, at + length), input.subarray(at)]);
      case 5: {
        const bytes = Buffer.from(Array.from({ length }, () => this.below(256)));
        return Buffer.concat([input.subarray(0, at), bytes, input.subarray(at)]);
      }
      case 6: {
        const other = this.pick(this.corpus);
        const from = this.below(other.length + 1);
        const part = other.subarray(from, from + 1 + this.below(other.length - from + 1));
        return Buffer.concat([input.subarray(0, at), part, input.subarray(at + this.below(2) * part.length)]);
      }
      default:
        return this.changeToken(input);
    }
  }

  private overwrite(input: Buffer, at: number, bytes: Buffer): Buffer {
    return Buffer.concat([input.subarray(0, at), bytes, input.subarray(at + bytes.length)]);
  }

  private number(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, this.pick(numbers)));
    return bytes.subarray(0, this.pick([2, 4, 8]));
  }

  /** Replaces, removes, doubles or exchanges a token of JSON, wherever in the input such a thing stands. */
  private changeToken(input: Buffer): Buffer {
    // Latin-1 keeps every byte as it is.
    const text = input.toString('latin1');
    const found = [...text.matchAll(tokenPattern)];
    if (found.length === 0) return this.overwrite(input, this.below(input.length + 1), this.number());
    const token = this.pick(found);
    const other = this.pick(found)[0];
    const replacement = this.pick([this.pick(tokens), '', `${token[0]},${token[0]}`, other, `[${token[0]}]`]);
    const end = token.index + token[0].length;
    const bytes = Buffer.from(replacement, replacement === other ? 'latin1' : 'utf8');
    return Buffer.concat([input.subarray(0, token.index), bytes, input.subarray(end)]);
  }
}
