import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord } from 'shoal';
import { LogFile } from 'shoal/internal/command/log-file.js';
import { formatLogRecord, parseSince } from 'shoal/internal/command/log-output.js';
import { Terminal } from 'shoal/internal/command/terminal.js';
import t from 'tap';

const record: LogRecord = {
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  level: 'warn',
  area: 'worker',
  message: 'it is hot',
  fields: { degrees: 90, worker: 'stage 0, member 1' },
};

t.test('a record is one line', async (t) => {
  const terminal = new Terminal({ environment: {}, colours: false });
  t.equal(
    formatLogRecord(record, terminal),
    '2026-01-02T03:04:05.006Z warn  worker    it is hot  degrees=90 worker="stage 0, member 1"',
  );
});

t.test('--since takes an age or a date', async (t) => {
  const now = Date.UTC(2026, 5, 1);
  for (const [text, expected] of [
    ['30s', now - 30_000],
    ['1.5m', now - 90_000],
    ['2h', now - 7_200_000],
    ['1d', now - 86_400_000],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ] as const) {
    t.equal(parseSince(text, now), expected, text);
  }
  for (const text of ['', 'yesterday', '10', '10w', '-5m'])
    t.throws(() => parseSince(text), { code: 'ARGUMENT_INVALID' });
});

t.test('a log file is turned over before it grows beyond its limit', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-log-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const line = `${JSON.stringify(record)}\n`;
  const file = new LogFile(home, 3 * line.length);
  for (let count = 0; count < 7; count++) file.write(record);
  t.equal(readFileSync(file.path, 'utf8'), line);
  t.equal(readFileSync(`${file.path}.1`, 'utf8'), line.repeat(3));
  if (process.platform !== 'win32') t.equal(statSync(file.path).mode & 0o077, 0, 'private to its user');
  new LogFile(home, 3 * line.length).write(record);
  t.equal(readFileSync(file.path, 'utf8'), line.repeat(2), 'the next run goes on with it');
  rmSync(home, { recursive: true });
  file.write(record);
  t.match(file.failure, /ENOENT/, 'a file that cannot be written stops nobody');
});
