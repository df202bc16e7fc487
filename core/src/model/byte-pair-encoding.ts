import { ShoalError } from '../spec/errors.js';
import { PairTable } from './pair-table.js';
import { type BytePairModel, invalidTokenizer } from './tokenizer-definition.js';

/** Words are short and repeat; longer pieces are not worth remembering. */
const longestRememberedWord = 64;
const mostRememberedWords = 1 << 14;

const none = -1;

/**
 * Byte-pair encoding of one word: its characters become tokens, then the adjacent pair that comes first in the list of
 * merges is joined, again and again, the leftmost first among equals. Takes O(n log n) for a word of n characters: some
 * tokenizers cut nothing, so that a whole prompt is one word.
 */
export class BytePairEncoding {
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #model: BytePairModel;
  readonly #pairs: PairTable;
  readonly #unknown: number;
  /** Ids of `<0x00>` … `<0xFF>`, −1 for those that are not there; undefined when they are not wanted. */
  readonly #bytes: readonly number[] | undefined;
  readonly #remembered = new Map<string, readonly number[]>();

  /** Throws MODEL_TOKENIZER_INVALID for merges of what is not in the vocabulary. */
  constructor(model: BytePairModel) {
    this.#model = model;
    this.#vocabulary = model.vocabulary;
    this.#unknown = idOf(model, model.unknownToken);
    this.#bytes = model.byteFallback ? byteTokens(model) : undefined;
    this.#pairs = readMerges(model);
  }

  /** Adds the ids of a word to `into`. Throws ARGUMENT_INVALID for a character for which there is no token at all. */
  encode(word: string, into: number[]): void {
    if (word === '') return;
    if (this.#model.ignoreMerges) {
      const whole = this.#vocabulary.get(word);
      if (whole !== undefined) {
        into.push(whole);
        return;
      }
    }
    const isShort = word.length <= longestRememberedWord;
    const known = isShort ? this.#remembered.get(word) : undefined;
    const ids = known ?? this.#merge(this.#characters(word));
    if (isShort && known === undefined) this.#remember(word, ids);
    for (const id of ids) into.push(id);
  }

  #remember(word: string, ids: readonly number[]): void {
    if (this.#remembered.size >= mostRememberedWords) this.#remembered.clear();
    this.#remembered.set(word, ids);
  }

  #characters(word: string): number[] {
    const ids: number[] = [];
    let afterUnknown = false;
    for (const character of word) {
      const id = this.#vocabulary.get(character);
      const bytes = id === undefined ? this.#bytesOf(character) : undefined;
      if (id !== undefined) ids.push(id);
      else if (bytes) ids.push(...bytes);
      else if (this.#unknown === none) throw unspellable(character);
      else if (!(this.#model.fuseUnknown && afterUnknown)) ids.push(this.#unknown);
      afterUnknown = id === undefined && !bytes;
    }
    return ids;
  }

  #bytesOf(character: string): readonly number[] | undefined {
    const bytes = this.#bytes;
    if (!bytes) return undefined;
    const ids = Array.from(utf8.encode(character), (byte) => bytes[byte] as number);
    return ids.includes(none) ? undefined : ids;
  }

  /** The tokens form a list linked by `next` and `previous`; a heap holds the pairs that can be joined. */
  #merge(ids: number[]): number[] {
    const count = ids.length;
    if (count < 2) return ids;
    const pairs = this.#pairs;
    const next = Int32Array.from({ length: count }, (_, index) => (index + 1 < count ? index + 1 : none));
    const previous = Int32Array.from({ length: count }, (_, index) => index - 1);
    const heap = new MergeHeap(count);
    const offer = (left: number) => {
      const right = left === none ? none : (next[left] as number);
      if (right === none) return;
      const rank = pairs.find(ids[left] as number, ids[right] as number);
      if (rank !== none) heap.push(rank, left);
    };
    for (let left = 0; left + 1 < count; left += 1) offer(left);
    while (heap.size > 0) {
      const { rank, position: left } = heap.pop();
      const right = next[left] as number;
      // Stale when either side was joined with another token meanwhile.
      if (ids[left] === none || right === none) continue;
      if (pairs.find(ids[left] as number, ids[right] as number) !== rank) continue;
      ids[left] = pairs.merged(rank);
      ids[right] = none;
      const after = next[right] as number;
      next[left] = after;
      if (after !== none) previous[after] = left;
      offer(previous[left] as number);
      offer(left);
    }
    return ids.filter((id) => id !== none);
  }
}

const utf8 = new TextEncoder();

/** Smallest rank first, then smallest position: both in one exact double, `rank * 2^26 + position`. */
class MergeHeap {
  readonly #keys: number[] = [];
  static readonly #positions = 2 ** 26;

  constructor(positions: number) {
    if (positions > MergeHeap.#positions) throw new RangeError(`a word has ${positions} characters`);
  }

  get size(): number {
    return this.#keys.length;
  }

  push(rank: number, position: number): void {
    const keys = this.#keys;
    const key = rank * MergeHeap.#positions + position;
    let index = keys.length;
    keys.push(key);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = keys[parent] as number;
      if (above <= key) break;
      keys[index] = above;
      index = parent;
    }
    keys[index] = key;
  }

  pop(): { rank: number; position: number } {
    const keys = this.#keys;
    const top = keys[0] as number;
    const last = keys.pop() as number;
    const count = keys.length;
    let index = 0;
    while (2 * index + 1 < count) {
      let child = 2 * index + 1;
      if (child + 1 < count && (keys[child + 1] as number) < (keys[child] as number)) child += 1;
      if ((keys[child] as number) >= last) break;
      keys[index] = keys[child] as number;
      index = child;
    }
    if (count > 0) keys[index] = last;
    const rank = Math.floor(top / MergeHeap.#positions);
    return { rank, position: top - rank * MergeHeap.#positions };
  }
}

function idOf({ vocabulary }: BytePairModel, token: string | undefined): number {
  return token === undefined ? none : (vocabulary.get(token) ?? none);
}

function byteTokens(model: BytePairModel): readonly number[] {
  return Array.from({ length: 256 }, (_, byte) =>
    idOf(model, `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
}

function unspellable(character: string): ShoalError {
  const message = `The model's vocabulary has no token for ${JSON.stringify(character)}.`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { character } });
}

function readMerges({ vocabulary, merges }: BytePairModel): PairTable {
  const pairs = new PairTable(merges.length);
  for (let rank = 0; rank < merges.length; rank += 1) {
    const [left, right] = readPair(merges[rank], rank);
    const joined = left + right;
    const leftId = vocabulary.get(left);
    const rightId = vocabulary.get(right);
    const joinedId = vocabulary.get(joined);
    if (leftId === undefined || rightId === undefined || joinedId === undefined) {
      const token = leftId === undefined ? left : rightId === undefined ? right : joined;
      const message = `model.merges[${rank}] needs ${JSON.stringify(token)}, which is not in the vocabulary`;
      throw invalidTokenizer(message, { rank, token });
    }
    pairs.add(leftId, rightId, joinedId);
  }
  return pairs;
}

function readPair(merge: unknown, rank: number): readonly [string, string] {
  const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
  if (Array.isArray(parts) && parts.length === 2 && typeof parts[0] === 'string' && typeof parts[1] === 'string') {
    return parts as [string, string];
  }
  throw invalidTokenizer(`model.merges[${rank}] is not a pair of tokens`, { rank });
}
