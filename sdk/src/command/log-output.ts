import { isAtLeast, type LogLevel, type LogRecord, logLevels, ShoalError } from '@shoal/core';
import type { OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';
import type { Terminal } from './terminal.js';

export const logLevelOption: OptionSpecification = {
  name: 'log-level',
  value: 'LEVEL',
  description: 'Print log records to standard error from this level on.',
  default: 'SHOAL_LOG, else warn',
  choices: logLevels,
};

/** One line: time, level, area, message, and the fields as `name=value`. */
export function formatLogRecord({ time, level, area, message, fields }: LogRecord, terminal: Terminal): string {
  const styled = level === 'error' ? terminal.red(level) : level === 'warn' ? terminal.yellow(level) : level;
  const padding = ' '.repeat(5 - level.length);
  const values = Object.entries(fields ?? {}).map(([name, value]) => `${name}=${formatValue(value)}`);
  const rest = values.length === 0 ? '' : `  ${terminal.dim(values.join(' '))}`;
  return `${new Date(time).toISOString()} ${styled}${padding} ${area.padEnd(9)} ${message}${rest}`;
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

/** Prints records as they come: from `--log-level` on, else from SHOAL_LOG on, else from `otherwise` on. */
export function logPrinter(
  options: ParsedOptions,
  terminal: Terminal,
  otherwise?: LogLevel,
): ((record: LogRecord) => void) | undefined {
  const lowest = (options.text('log-level') as LogLevel | undefined) ?? levelOfEnvironment() ?? otherwise;
  if (lowest === undefined) return undefined;
  return (record) => {
    if (!isAtLeast(record.level, lowest)) return;
    terminal.clearProgress();
    terminal.diagnostics.write(`${formatLogRecord(record, terminal)}\n`);
  };
}

function levelOfEnvironment(): LogLevel | undefined {
  const text = process.env.SHOAL_LOG;
  if (text === undefined || text === '') return undefined;
  const level = logLevels.find((known) => known === text.toLowerCase());
  if (level) return level;
  throw new ShoalError('ARGUMENT_INVALID', `SHOAL_LOG wants one of ${logLevels.join(', ')}, not "${text}"`, {
    details: { variable: 'SHOAL_LOG', value: text, choices: logLevels },
  });
}

const unitMilliseconds: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m`, `2h`, or a date: milliseconds since 1970. Throws ARGUMENT_INVALID. */
export function parseSince(text: string, now: number = Date.now()): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * (unitMilliseconds[unit] ?? 0);
  const date = Date.parse(text);
  if (Number.isFinite(date) && /\d{4}-\d\d-\d\d/.test(text)) return date;
  throw new ShoalError(
    'ARGUMENT_INVALID',
    `--since wants a time such as 30s, 10m, 2h, 1d or 2026-01-31T12:00, not "${text}"`,
    {
      details: { option: '--since', value: text },
    },
  );
}
