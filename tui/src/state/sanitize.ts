/**
 * The border of the dashboard: nodes of other versions, broken sensors and nodes that lie all come through here. What comes
 * out is of the type that it says, bounded, and harmless on a terminal.
 */
import { certainty } from '@shoal/core/client';
import { type Figure, type FigureSource, type Known, known, unknown } from './figure.js';

/** Longest text of a field, in characters as the eye counts them, or nearly. */
export const longestText = 200;

/**
 * Control characters (a terminal would obey them), marks that turn the direction of writing around, separators of lines, and
 * halves of characters. Joiners stay: emoji are made with them.
 */
const harmful = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufff9-\ufffb\ufffe\uffff]/gu;
const harmfulButLineBreaks =
  /[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]/gu;
/** Words of ASCII with single spaces, as nearly everything is. */
const harmless = /^[!-~]+( [!-~]+)*$/;
const halves = /\p{Cs}/gu;

/** One line of clean text; '' for what is no text. */
export function text(value: unknown, longest = longestText): string {
  if (typeof value !== 'string' || value === '') return '';
  if (value.length <= longest && harmless.test(value)) return value;
  // Cut before anything looks at each character: some fields are megabytes of nothing.
  const most = longest * longestCharacter;
  const short = value.slice(0, most).replace(halves, '\ufffd').replace(harmful, ' ');
  return cut(short.replace(/\s+/g, ' ').trim(), longest, value.length > most);
}

/** Code units of a long one: a family of four. */
const longestCharacter = 12;

/** Clean text that keeps its line breaks and spaces. */
export function paragraphs(value: unknown, longest: number): string {
  if (typeof value !== 'string') return '';
  const unbroken = value
    .slice(0, longest)
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, '    ');
  return unbroken.replace(halves, '\ufffd').replace(harmfulButLineBreaks, '');
}

/** `isCut`: it was longer, and its last character may be half of one. */
function cut(value: string, longest: number, isCut: boolean): string {
  if (value.length <= longest && !isCut) return value;
  const characters = Array.from(segmenter.segment(value), ({ segment }) => segment);
  if (isCut) characters.pop();
  else if (characters.length <= longest) return value;
  return `${characters.slice(0, longest - 1).join('')}…`;
}

/** So that no emoji is cut in two. */
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A finite number within bounds; undefined for everything else. */
export function number(value: unknown, { minimum = -Infinity, maximum = Infinity }: Bounds = {}): number | undefined {
  const isWithin = typeof value === 'number' && Number.isFinite(value) && value >= minimum && value <= maximum;
  return isWithin ? value : undefined;
}

/** A count or a size: an integer from 0 that a double holds exactly. */
export function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/** Milliseconds since 1970 that a calendar knows. */
export function moment(value: unknown): number | undefined {
  return number(value, { minimum: 0, maximum: 4e15 });
}

/** What nodes call `Measured`. */
export function figure(value: unknown, bounds: Bounds = { minimum: 0 }): Figure {
  const fields = record(value);
  if (fields === undefined) return unknown('it is not told');
  if (fields.unknown !== undefined) return unknown(text(fields.unknown) || 'no reason is given');
  const found = number(fields.value, bounds);
  const source = oneOf(fields.source, certainty, 'table');
  if (found === undefined) return unknown('what is told is not a possible number');
  return { value: found, source };
}

/** A plain number as a figure. */
export function plainFigure(
  value: unknown,
  source: FigureSource,
  reason: string,
  bounds: Bounds = { minimum: 0 },
): Figure {
  const found = number(value, bounds);
  return found === undefined ? unknown(reason) : known(found, source);
}

export function knownBoolean(value: unknown): Known<boolean> {
  const fields = record(value);
  if (typeof fields?.value === 'boolean') return { value: fields.value };
  return unknown(text(fields?.unknown) || 'it is not told');
}

export function knownText(value: unknown): Known<string> {
  const found = text(record(value)?.value);
  return found === '' ? unknown(text(record(value)?.unknown) || 'it is not told') : { value: found };
}

export function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** At most so many; empty for what is no list. */
export function list(value: unknown, longest: number): readonly unknown[] {
  return Array.isArray(value) ? (value.length > longest ? value.slice(0, longest) : value) : [];
}

/** The records of a list; what is none is left out. */
export function records(value: unknown, longest: number): readonly Readonly<Record<string, unknown>>[] {
  return list(value, longest)
    .map(record)
    .filter((one) => one !== undefined);
}

export function oneOf<Name extends string>(value: unknown, names: readonly Name[], otherwise: Name): Name {
  return names.find((name) => name === value) ?? otherwise;
}

/** `{ name: value }`, or nothing where it is empty: optional fields stay absent. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined | '',
): { readonly [Key in Name]?: Value } {
  return (value === undefined || value === '' ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}
