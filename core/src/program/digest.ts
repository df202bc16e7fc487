import { createHash } from 'node:crypto';
import type { MemberProgram, Program } from '../spec/program.js';

/**
 * JSON with sorted keys and no spaces: equal values give equal text whatever the order of their making. Of plain values, as
 * JSON has them. Written out by hand, for plans wait for it: a replacer that sorts takes three times as long.
 */
export function canonicalJson(value: unknown): string {
  return new CanonicalTexts().of(value);
}

/**
 * Canonical texts. What programs of a stage's members have in common, operations, tensors and names, is written once; it
 * must not change meanwhile.
 */
export class CanonicalTexts {
  readonly #shared = new Map<object, string>();
  readonly #quoted = new Map<string, string>();

  of(value: unknown): string {
    if (typeof value === 'string') return this.#quote(value);
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (Array.isArray(value)) return this.#array(value);
    return 'op' in value || 'name' in value ? this.#once(value) : this.#object(value);
  }

  #once(value: object): string {
    let text = this.#shared.get(value);
    if (text === undefined) {
      text = this.#object(value);
      // The engine keeps added texts as a tree of them, to be walked at each use; whoever reads one makes it one piece.
      Number(text);
      this.#shared.set(value, text);
    }
    return text;
  }

  #array(values: readonly unknown[]): string {
    let text = '[';
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (index > 0) text += ',';
      text += value === undefined ? 'null' : this.of(value);
    }
    return `${text}]`;
  }

  #object(value: object): string {
    let text = '';
    for (const key of sortedKeys(value)) {
      const inner = (value as Readonly<Record<string, unknown>>)[key];
      if (inner === undefined) continue;
      text += `${text === '' ? '{' : ','}${this.#quote(key)}:${this.of(inner)}`;
    }
    return text === '' ? '{}' : `${text}}`;
  }

  #quote(text: string): string {
    let quoted = this.#quoted.get(text);
    if (quoted === undefined) {
      quoted = JSON.stringify(text);
      this.#quoted.set(text, quoted);
    }
    return quoted;
  }
}

/** Numbers first, in their order, as every object of JavaScript has them. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  if (keys.length > fewKeys) keys.sort();
  else sortFew(keys);
  return keys.some(isNumeral) ? Object.keys(Object.fromEntries(keys.map((key) => [key, true]))) : keys;
}

/** Up to so many are sorted in place, without the copy that the engine's own sort makes. */
const fewKeys = 16;

function sortFew(keys: string[]): void {
  for (let index = 1; index < keys.length; index += 1) {
    const key = keys[index] as string;
    let place = index;
    while (place > 0 && (keys[place - 1] as string) > key) {
      keys[place] = keys[place - 1] as string;
      place -= 1;
    }
    keys[place] = key;
  }
}

const isNumeral = (key: string): boolean => key.charCodeAt(0) >= 0x30 && key.charCodeAt(0) <= 0x39;

/**
 * SHA-256 of the canonical JSON, in hex. What a plan pins, and members compare before they load. `texts`: kept from member
 * to member of a stage.
 */
export function programDigest(program: MemberProgram | Program, texts = new CanonicalTexts()): string {
  return createHash('sha256').update(texts.of(program)).digest('hex');
}
