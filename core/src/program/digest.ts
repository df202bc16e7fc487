import { createHash } from 'node:crypto';
import type { MemberProgram, Program } from '../spec/program.js';

/**
 * JSON with sorted keys and no spaces: equal values give equal text whatever the order of their making. Of plain values, as
 * JSON has them. Written out by hand, for plans wait for it: a replacer that sorts takes three times as long.
 */
export function canonicalJson(value: unknown): string {
  const parts: string[] = [];
  write(value, parts);
  return parts.join('');
}

/** `known`: the text of an object, where there is one already. */
function write(value: unknown, parts: string[], known?: (value: object) => string | undefined): void {
  if (typeof value === 'string') writeQuoted(value, parts);
  else if (typeof value !== 'object' || value === null) parts.push(JSON.stringify(value));
  else if (Array.isArray(value)) writeArray(value, parts, known);
  else writeObject(value, parts, known);
}

function writeArray(
  values: readonly unknown[],
  parts: string[],
  known: ((value: object) => string | undefined) | undefined,
): void {
  parts.push('[');
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) parts.push(',');
    const value = values[index];
    if (value === undefined) parts.push('null');
    else write(value, parts, known);
  }
  parts.push(']');
}

function writeObject(value: object, parts: string[], known: ((value: object) => string | undefined) | undefined): void {
  const before = known?.(value);
  if (before !== undefined) {
    parts.push(before);
    return;
  }
  let opening = '{';
  for (const key of sortedKeys(value)) {
    const inner = (value as Readonly<Record<string, unknown>>)[key];
    if (inner === undefined) continue;
    parts.push(opening);
    writeQuoted(key, parts);
    parts.push(':');
    write(inner, parts, known);
    opening = ',';
  }
  parts.push(opening === '{' ? '{}' : '}');
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

/** Names in programs need no escapes. */
function writeQuoted(text: string, parts: string[]): void {
  if (/^[\w.\-/ ]*$/.test(text)) parts.push('"', text, '"');
  else parts.push(JSON.stringify(text));
}

/** Canonical texts of operations, which members of a stage have in common. */
export type OperationTexts = Map<object, string>;

/**
 * SHA-256 of the canonical JSON, in hex. What a plan pins, and members compare before they load. `texts`: kept from member
 * to member of a stage.
 */
export function programDigest(program: MemberProgram | Program, texts: OperationTexts = new Map()): string {
  const known = (value: object): string | undefined => {
    if (!('op' in value)) return undefined;
    let text = texts.get(value);
    if (text === undefined) {
      text = canonicalJson(value);
      texts.set(value, text);
    }
    return text;
  };
  const parts: string[] = [];
  write(program, parts, known);
  return createHash('sha256').update(parts.join('')).digest('hex');
}
