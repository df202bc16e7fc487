import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
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
  const limit = { limitBytes: 3 * line.length };
  const file = new LogFile(home, limit);
  for (let count = 0; count < 7; count++) file.write(record);
  t.equal(readFileSync(file.path, 'utf8'), line);
  t.equal(readFileSync(`${file.path}.1`, 'utf8'), line.repeat(3));
  if (process.platform !== 'win32') t.equal(statSync(file.path).mode & 0o077, 0, 'private to its user');
  new LogFile(home, limit).write(record);
  t.equal(readFileSync(file.path, 'utf8'), line.repeat(2), 'the next run goes on with it');
});

t.test('records that cannot be written stop nobody, and are counted when there is room again', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-log-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const reasons: string[] = [];
  let now = 0;
  const file = new LogFile(home, { now: () => now, onFailure: (reason) => reasons.push(reason) });
  file.write(record);
  const folder = join(home, 'logs');
  renameSync(folder, `${folder}-away`);
  for (let count = 0; count < 3; count++) file.write(record);
  now += 60_000;
  file.write(record);
  t.equal(reasons.length, 1, 'it is said once');
  t.match(reasons[0], /ENOENT/);

  renameSync(`${folder}-away`, folder);
  // As a full disk leaves it.
  appendFileSync(file.path, '{"time":1,');
  file.write(record);
  t.equal(readFileSync(file.path, 'utf8').split('\n').length, 2, 'it is not tried with every record');
  now += 60_000;
  file.write(record);
  const [first, part, gap, last, end] = readFileSync(file.path, 'utf8').split('\n');
  t.same([first, last], [JSON.stringify(record), JSON.stringify(record)]);
  t.equal(part, '{"time":1,');
  t.match(JSON.parse(gap ?? ''), { level: 'warn', area: 'log', message: /^5 records .*ENOENT/, fields: { lost: 5 } });
  t.equal(end, '');
});
