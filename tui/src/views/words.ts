/** Numbers as people read them: three digits, and always a unit. What is not known is a dash; the reason stands elsewhere. */
import { formatBytes, formatMilliseconds, formatRate } from '@shoal/core/client';
import type { Figure } from '../state/figure.js';
import type { Cell, Fact, Tone } from './blocks.js';

export { formatLayers as layers } from '@shoal/core/client';

export const dash = '–';

export function cell(text: string, tone: Tone = 'plain'): Cell {
  return { text, tone };
}

export function fact(label: string, text: string, tone: Tone = 'plain'): Fact {
  return { label, text, tone };
}

function written(figure: Figure, write: (value: number) => string): string {
  return 'unknown' in figure ? dash : write(figure.value);
}

/** A figure as a cell; what was not measured is marked, as in plans. */
export function figureCell(figure: Figure, write: (figure: Figure) => string, tone: Tone = 'plain'): Cell {
  if ('unknown' in figure) return cell(dash, 'dim');
  return figure.source === 'table' ? cell(`~${write(figure)}`, tone) : cell(write(figure), tone);
}

/** A figure as a fact, which has room for the reason why it is not known. */
export function figureFact(
  label: string,
  figure: Figure,
  write: (figure: Figure) => string,
  tone: Tone = 'plain',
): Fact {
  if ('unknown' in figure) return fact(label, whyUnknown(figure), 'dim');
  return { label, ...figureCell(figure, write, tone) };
}

export const bytes = (figure: Figure): string => written(figure, formatBytes);
export const milliseconds = (figure: Figure): string => written(figure, duration);
export const microseconds = (figure: Figure): string => written(figure, (value) => duration(value / 1000));
export const rate = (figure: Figure): string => written(figure, formatRate);
export const percent = (figure: Figure): string => written(figure, (value) => `${Math.round(value * 100)} %`);
export const celsius = (figure: Figure): string => written(figure, (value) => `${Math.round(value)} °C`);
export const watts = (figure: Figure): string => written(figure, (value) => `${digits(value)} W`);
export const tokenRate = (figure: Figure): string => written(figure, (value) => `${digits(value)} tok/s`);
export const whole = (figure: Figure): string => written(figure, (value) => String(Math.round(value)));

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return Math.abs(value) < 0.01 ? value.toFixed(4) : value.toPrecision(3);
}

function duration(value: number): string {
  if (value === 0) return '0 ms';
  if (value < 1) return `${digits(value * 1000)} µs`;
  return value >= 60_000 ? age(value) : formatMilliseconds(value);
}

/** `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function age(value: number): string {
  const seconds = Math.max(0, Math.floor(value / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (seconds < 60) return `${seconds} s`;
  if (minutes < 60) return withRest(minutes, 'min', seconds % 60, 's');
  return hours < 24 ? withRest(hours, 'h', minutes % 60, 'min') : withRest(days, 'd', hours % 24, 'h');
}

function withRest(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `14:05:09`, in the zone of whoever looks, or in the given one. */
export function clock(at: number, minutesAheadOfUtc = -new Date(at).getTimezoneOffset()): string {
  return new Date(at + minutesAheadOfUtc * 60_000).toISOString().slice(11, 19);
}

export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** Why a figure is not known, where there is room for it. */
export function whyUnknown(figure: Figure): string {
  return 'unknown' in figure ? `not known: ${figure.unknown}` : dash;
}
