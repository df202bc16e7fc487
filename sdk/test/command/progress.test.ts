import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { LoadProgressed } from 'shoal';
import { formatDuration, LoadProgressDisplay } from 'shoal/internal/command/progress.js';
import { Terminal } from 'shoal/internal/command/terminal.js';
import t from 'tap';

const mebibyte = 1024 * 1024;

function progressed(...loadedMebibytes: number[]): LoadProgressed {
  const members = loadedMebibytes.map((loaded, stage) => ({
    nodeId: `id-${stage}`,
    nodeName: `node-${stage}`,
    stage,
    member: 0,
    loadedBytes: loaded * mebibyte,
    totalBytes: 100 * mebibyte,
  }));
  const sum = (field: 'loadedBytes' | 'totalBytes') => members.reduce((total, one) => total + one[field], 0);
  return { loadedBytes: sum('loadedBytes'), totalBytes: sum('totalBytes'), members };
}

/** A display whose clock is set by hand, and everything that it writes. */
function display({ isTerminal = false, columns = 120, json = false, quiet = false } = {}) {
  const diagnostics = Object.assign(new PassThrough(), { isTTY: isTerminal, columns });
  const terminal = new Terminal({
    output: new PassThrough(),
    diagnostics,
    environment: { TERM: 'xterm' },
    json,
    quiet,
  });
  const clock = { now: 0 };
  const shown = new LoadProgressDisplay(terminal, 'a-model', () => clock.now);
  const written = () => ((diagnostics.read() as Buffer | null) ?? '').toString();
  return { shown, clock, written };
}

t.test('a terminal shows a bar for all and one for each member, redrawn in place', async (t) => {
  const { shown, clock, written } = display({ isTerminal: true });
  t.equal(written(), 'planning a-model …');
  shown.update(progressed(0, 0));
  written();
  clock.now = 2000;
  shown.update(progressed(30, 10));
  const text = written();
  t.ok(text.startsWith('\r\u001b[2K\u001b[1A\u001b[2K\u001b[1A\u001b[2K'), 'three lines are erased first');
  const lines = text.split('\n');
  t.equal(lines.length, 3);
  t.match(lines[0], 'loading a-model █████░░░░░░░░░░░░░░░░░░░  20 %  40.0 MiB of 200 MiB, 20.0 MiB/s, 8 s left');
  t.match(lines[1], 'node-0 (stage 0, member 0) ███████░░░░░░░░░░░░░░░░░  30 %  30.0 MiB of 100 MiB');
  t.match(lines[2], 'node-1 (stage 1, member 0) ██░░░░░░░░░░░░░░░░░░░░░░  10 %  10.0 MiB of 100 MiB');
  clock.now = 2050;
  shown.update(progressed(31, 11));
  t.equal(written(), '', 'not redrawn more often than anybody sees');
  shown.update(progressed(100, 100));
  t.match(written(), '100 %  200 MiB of 200 MiB', 'the end is always shown');
  shown.close();
  t.equal(written(), '\r\u001b[2K\u001b[1A\u001b[2K\u001b[1A\u001b[2K');
  shown.close();
  t.equal(written(), '');
});

t.test('lines are cut to the width, so that none wraps', async (t) => {
  const { shown, written } = display({ isTerminal: true, columns: 40 });
  written();
  shown.update(progressed(50, 50, 50));
  for (const line of stripVTControlCharacters(written()).replaceAll('\r', '').split('\n')) t.ok(line.length < 40, line);
});

t.test('many members are cut short', async (t) => {
  const { shown, written } = display({ isTerminal: true });
  shown.update(progressed(...Array.from({ length: 20 }, () => 1)));
  t.match(written(), 'and 8 more');
});

t.test('elsewhere there is a line now and then, only for loads that take long', async (t) => {
  const { shown, clock, written } = display();
  shown.update(progressed(0));
  shown.update(progressed(100));
  t.equal(written(), '');
  clock.now = 5000;
  shown.update(progressed(25));
  t.equal(written(), 'loading a-model: 25.0 MiB of 100 MiB\n');
  clock.now = 7000;
  shown.update(progressed(35));
  t.equal(written(), '');
  clock.now = 10_000;
  shown.update(progressed(50));
  t.equal(written(), 'loading a-model: 50.0 MiB of 100 MiB, 5.00 MiB/s, 10 s left\n');
});

t.test('nothing with --json or --quiet', async (t) => {
  for (const options of [{ json: true }, { quiet: true }]) {
    const { shown, clock, written } = display({ ...options, isTerminal: true });
    clock.now = 60_000;
    shown.update(progressed(50));
    shown.close();
    t.equal(written(), '');
  }
});

t.test('durations are rounded up', async (t) => {
  t.same([0, 0.2, 59, 60, 200, 3900].map(formatDuration), [
    '0 s',
    '1 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '1 h 5 min',
  ]);
});
