import { type LogRecord, NodeLog } from '@shoal/core';
import t from 'tap';

function clockedLog(options: { capacity?: number; sink?: (record: LogRecord) => void } = {}) {
  const clock = { now: 1000 };
  return { clock, log: new NodeLog({ ...options, now: () => clock.now }) };
}

const messages = (records: readonly LogRecord[]) => records.map(({ message }) => message);

t.test('records are kept up to a limit, and found by level and time', async (t) => {
  const heard: LogRecord[] = [];
  const { clock, log } = clockedLog({ capacity: 3, sink: (record) => heard.push(record) });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    log.write(level, 'test', level, { at: clock.now });
    clock.now += 10;
  }
  t.same(messages(heard), ['debug', 'info', 'warn', 'error'], 'the sink hears everything');
  t.same(messages(log.records({ level: 'debug' })), ['info', 'warn', 'error'], 'the oldest went');
  t.same(messages(log.records({ level: 'warn' })), ['warn', 'error']);
  t.same(messages(log.records({ since: 1030 })), ['error']);
  t.same(log.records({ level: 'error' }), [
    { time: 1030, level: 'error', area: 'test', message: 'error', fields: { at: 1030 } },
  ]);
});

t.test('a follower gets what is kept, then what comes', async (t) => {
  const { log } = clockedLog();
  log.write('info', 'test', 'first');
  const controller = new AbortController();
  const seen: string[] = [];
  for await (const { message } of log.follow({ level: 'info' }, controller.signal)) {
    seen.push(message);
    if (seen.length === 1) {
      log.write('debug', 'test', 'too low');
      log.write('warn', 'test', 'second');
    }
    if (seen.length === 2) controller.abort();
  }
  t.same(seen, ['first', 'second']);
  log.write('warn', 'test', 'third');
  t.same(seen, ['first', 'second']);
  for await (const _record of log.follow({}, AbortSignal.abort())) seen.push('after the end');
  t.same(
    seen.slice(2),
    ['first', 'second', 'third'].map(() => 'after the end'),
    'what is kept is still told',
  );
});

t.test('records are of bounded size, whatever is written', async (t) => {
  const { log } = clockedLog();
  log.write('info', 'test', 'x'.repeat(100_000), { long: 'y'.repeat(100_000) });
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  log.write('info', 'test', 'a loop', loop);
  const [long, looped] = log.records();
  t.ok(JSON.stringify(long).length < 20_000);
  t.match(looped?.fields, { unreadable: String });
});
