/**
 * Merges of a byte-pair encoding by the ids of their two tokens: a hash table in typed arrays, because vocabularies have
 * hundreds of thousands of merges and a long prompt asks millions of times.
 */
export class PairTable {
  readonly #mask: number;
  /** Slot → rank + 1; 0 is free. */
  readonly #slots: Uint32Array;
  readonly #left: Uint32Array;
  readonly #right: Uint32Array;
  readonly #merged: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    // At most half full.
    const size = 2 ** Math.ceil(Math.log2(Math.max(capacity, 1) * 2));
    this.#mask = size - 1;
    this.#slots = new Uint32Array(size);
    this.#left = new Uint32Array(capacity);
    this.#right = new Uint32Array(capacity);
    this.#merged = new Uint32Array(capacity);
  }

  /** Adds the next merge; its rank is the number of those before. A pair that is there already takes the new rank. */
  add(left: number, right: number, merged: number): void {
    const rank = this.#count;
    this.#count += 1;
    this.#left[rank] = left;
    this.#right[rank] = right;
    this.#merged[rank] = merged;
    this.#slots[this.#slot(left, right)] = rank + 1;
  }

  /** Rank of a pair; −1 when it is not merged. */
  find(left: number, right: number): number {
    return (this.#slots[this.#slot(left, right)] as number) - 1;
  }

  /** Id of the token that the merge of a rank makes. */
  merged(rank: number): number {
    return this.#merged[rank] as number;
  }

  /** Where the pair is, or the free slot where it would be. */
  #slot(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let slot = (hash ^ (hash >>> 13)) & this.#mask;
    for (;;) {
      const entry = this.#slots[slot] as number;
      if (entry === 0 || (this.#left[entry - 1] === left && this.#right[entry - 1] === right)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }
}
