// Members in processes of their own: what their native threads do while JavaScript cannot, and when a process dies.
import t from 'tap';
import { runtimes } from '../../../../test/src/support/runtimes.js';
import { endPipeline, startPipeline } from './support/processes.js';

const prompt = [256, 40, 71, 76, 76, 79];

t.test('event loops that are blocked for 5 s stall no token', async (t) => {
  const members = await startPipeline([1, 3]);
  t.teardown(() => endPipeline(members));
  const [head, last] = members as [(typeof members)[0], (typeof members)[0]];
  const tokens = 2_500;
  head.order({ kind: 'submit', id: 1, prompt, tokens });
  await head.waitForEvent('token');
  // Both: neither the head nor the one that samples needs its event loop, and heartbeats go on from native threads.
  for (const member of members) member.order({ kind: 'block', milliseconds: 5_000 });
  const [ofHead, ofLast] = await Promise.all([head.waitFor('unblocked'), last.waitFor('unblocked')]);
  t.comment(`${ofHead.stepsAfter - ofHead.stepsBefore} steps in 5 s without an event loop`);
  t.equal(ofHead.heard, 0, 'JavaScript heard nothing in the meantime');
  t.ok(ofHead.stepsAfter - ofHead.stepsBefore > 20, 'the head went on');
  t.ok(ofLast.stepsAfter - ofLast.stepsBefore > 20, 'so did the last stage');

  const end = await head.waitForEvent('request-finished');
  t.match(end, { reason: 'length', generatedTokens: tokens });
  t.notOk(
    [...head.events, ...last.events].some(({ kind }) => kind === 'member-failed'),
    'nobody counts as lost',
  );
});

t.test('a whole generation happens while JavaScript is blocked', async (t) => {
  const members = await startPipeline([3]);
  t.teardown(() => endPipeline(members));
  const [head] = members as [(typeof members)[0]];
  // Few enough for the busiest machine.
  const tokens = 40;
  head.order({ kind: 'submit', id: 1, prompt, tokens });
  head.order({ kind: 'block', milliseconds: 5_000 });
  const { stepsAfter, heard } = await head.waitFor('unblocked');
  t.ok(stepsAfter >= tokens, `${stepsAfter} steps before the event loop ran again`);
  t.equal(heard, 0);
  const end = await head.waitForEvent('request-finished');
  t.comment(`${end.decodeMicroseconds} µs by the clock of the native thread`);
  t.match(end, { generatedTokens: tokens });
  t.same(
    head.events.flatMap((event) => (event.kind === 'token' ? [event.index] : [])),
    Array.from({ length: tokens }, (_, index) => index),
    'all are heard afterwards, in order',
  );
});

t.test('kill -9 of a member names it to the others at once', async (t) => {
  const members = await startPipeline([1, 2, 3]);
  t.teardown(() => endPipeline(members));
  const [head, middle, last] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]];
  head.order({ kind: 'submit', id: 1, prompt, tokens: 12_000 });
  await head.waitForEvent('token');
  const begin = performance.now();
  middle.child.kill('SIGKILL');
  const [request, ofHead, ofLast] = await Promise.all([
    head.waitForEvent('request-failed'),
    head.waitForEvent('member-failed'),
    last.waitForEvent('member-failed'),
  ]);
  const milliseconds = performance.now() - begin;
  t.comment(`all knew after ${milliseconds.toFixed(1)} ms`);
  t.match(request, { requestId: 1, code: 'TRANSPORT_PEER_LOST', message: /stage 1 member 0/ });
  for (const event of [ofHead, ofLast]) {
    t.match(event, { code: 'TRANSPORT_PEER_LOST', lost: { stage: 1, member: 0 }, message: /stage 1 member 0/ });
    t.notMatch(event.message, /no sign of life/, 'its connection told, not its silence');
  }
  t.equal((await middle.exited).signal, 'SIGKILL');
});

t.test('a process may exit in the middle of a generation', async (t) => {
  const members = await startPipeline([1, 3]);
  t.teardown(() => endPipeline(members));
  const [head, last] = members as [(typeof members)[0], (typeof members)[0]];
  head.order({ kind: 'submit', id: 1, prompt, tokens: 12_000 });
  await head.waitForEvent('token');
  head.order({ kind: 'exit', code: 7 });
  t.same(await head.exited, { code: 7, signal: null }, 'with the code that was asked for');
  const failed = await last.waitForEvent('member-failed');
  t.match(failed, { code: 'TRANSPORT_ABORTED', message: /stage 0 member 0 gave up/ }, 'its peer hears of it');
  last.order({ kind: 'close' });
  t.same(await last.exited, { code: 0, signal: null }, 'and ends when asked to');
});

const others = runtimes().slice(1);

for (const { name, command, missing } of others) {
  t.test(
    `a head under ${name} and a stage under this Node`,
    { skip: command ? false : `it is ${missing}` },
    async (t) => {
      const members = await startPipeline([2, 3], [command ?? '']);
      t.teardown(() => endPipeline(members));
      const [head, last] = members as [(typeof members)[0], (typeof members)[0]];
      head.order({ kind: 'submit', id: 1, prompt, tokens: 24 });
      t.match(await head.waitForEvent('request-finished'), { reason: 'length', generatedTokens: 24 });
      t.same(
        head.events.flatMap((event) => (event.kind === 'token' ? [event.token] : [])).slice(0, 8),
        [28, 28, 28, 28, 28, 28, 305, 28],
        'the tokens of the fixture',
      );
      for (const member of [last, head]) member.order({ kind: 'close' });
      t.same(await Promise.all([head.exited, last.exited]), [
        { code: 0, signal: null },
        { code: 0, signal: null },
      ]);
    },
  );
}
