import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError } from '@shoal/core';
import { memoryChannelPair } from '@shoal/core/internal/control/byte-channel.js';
import { encodeFrame, FrameDecoder, maximumFrameBytes } from '@shoal/core/internal/control/frame-codec.js';
import { messages } from '@shoal/core/internal/control/messages.js';
import { type ControlHandlers, RpcConnection } from '@shoal/core/internal/control/rpc.js';
import t from 'tap';

function connect(left: ControlHandlers, right: ControlHandlers): [RpcConnection, RpcConnection] {
  const [one, two] = memoryChannelPair();
  return [new RpcConnection(one, left), new RpcConnection(two, right)];
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(5);
  }
}

t.test('both sides call each other at once', async (t) => {
  const describe: ControlHandlers = { describe: ({ model }) => ({ factsJson: `facts of ${model}` }) };
  const [left, right] = connect(describe, describe);
  const answers = await Promise.all([
    left.call('describe', { model: 'a' }),
    right.call('describe', { model: 'b' }),
    left.call('describe', { model: 'c' }),
  ]);
  t.same(
    answers.map(({ factsJson }) => factsJson),
    ['facts of a', 'facts of b', 'facts of c'],
  );
});

t.test('a stream arrives in order and completes', async (t) => {
  const [left] = connect(
    {},
    {
      async *generate() {
        for (let index = 0; index < 500; index++) yield { token: { index, token: index * 3 } };
        yield { finished: { reason: 'length', generatedTokens: 500 } };
      },
    },
  );
  const tokens: number[] = [];
  let reason: string | null | undefined;
  for await (const event of left.stream('generate', { instance: 'x', prompt: 'hello' })) {
    if (event.token) tokens.push(event.token.token ?? 0);
    if (event.finished) reason = event.finished.reason;
  }
  t.equal(tokens.length, 500);
  t.same(tokens.slice(0, 3), [0, 3, 6]);
  t.equal(reason, 'length');
});

t.test('an error keeps its code, message and details', async (t) => {
  const [left] = connect(
    {},
    {
      describe: () => {
        throw new ShoalError('MODEL_NOT_FOUND', 'node b has no folder /x', { details: { path: '/x' } });
      },
    },
  );
  const error = await left.call('describe', { model: '/x' }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  t.ok(ShoalError.is(error));
  t.match(error, { code: 'MODEL_NOT_FOUND', message: 'node b has no folder /x', details: { path: '/x' } });
});

t.test('a code of a newer version becomes INTERNAL and is kept in the details', async (t) => {
  const [one, two] = memoryChannelPair();
  const left = new RpcConnection(one, {});
  two.start({
    bytes: () => two.send(encodeFrame({ call: 1, failure: { code: 'FROM_THE_FUTURE', message: 'later' } })),
    closed: () => undefined,
  });
  await t.rejects(left.call('ping', {}), { code: 'INTERNAL', message: 'FROM_THE_FUTURE: later' });
});

t.test('aborting a call ends it here at once and cancels it there', async (t) => {
  let cancelled: unknown;
  const [left] = connect(
    {},
    {
      async *generate(_request, { signal }) {
        yield { token: { index: 0, token: 1 } };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        cancelled = signal.reason;
      },
    },
  );
  const controller = new AbortController();
  const received: unknown[] = [];
  await t.rejects(
    async () => {
      for await (const event of left.stream('generate', { instance: 'x' }, { signal: controller.signal })) {
        received.push(event);
        controller.abort();
      }
    },
    { code: 'ABORTED' },
  );
  await until(() => cancelled !== undefined, 'the other end heard of it');
  t.equal(received.length, 1);
  t.match(cancelled, { code: 'ABORTED' });
});

t.test('leaving the loop cancels the call at the other end', async (t) => {
  let aborted = false;
  const [left] = connect(
    {},
    {
      async *generate(_request, { signal }) {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        for (let index = 0; ; index++) {
          signal.throwIfAborted();
          yield { token: { index, token: 0 } };
          await sleep(1);
        }
      },
    },
  );
  for await (const event of left.stream('generate', { instance: 'x' })) {
    if ((event.token?.index ?? 0) >= 2) break;
  }
  await until(() => aborted, 'the other end heard of it');
  t.ok(aborted);
});

t.test('a deadline fails the call here and ends the work there', async (t) => {
  let aborted = false;
  const [left] = connect(
    {},
    {
      describe: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason as Error);
          });
        }),
    },
  );
  await t.rejects(left.call('describe', {}, { deadlineMilliseconds: 30 }), { code: 'TIMEOUT' });
  await until(() => aborted, 'the other end heard of it');
});

t.test('every open call ends when the channel does', async (t) => {
  const [left, right] = connect({}, { describe: () => new Promise(() => undefined) });
  const call = left.call('describe', {});
  right.abort(new ShoalError('NODE_LOST', 'node b left'));
  await t.rejects(call, { code: 'NODE_LOST' });
  await t.rejects(left.call('ping', {}), { code: 'NODE_LOST' });
  t.equal((await left.closed).code, 'NODE_LOST');
});

t.test('a method that is not answered is refused by name', async (t) => {
  const [left] = connect({}, {});
  await t.rejects(left.call('describe', {}), { code: 'REQUEST_INVALID', message: /describe/ });
});

t.test('a length over the limit ends the connection without being allocated', async (t) => {
  const [one, two] = memoryChannelPair();
  const left = new RpcConnection(one, {});
  two.start({ bytes: () => undefined, closed: () => undefined });
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, maximumFrameBytes + 1, true);
  two.send(header);
  t.equal((await left.closed).code, 'TRANSPORT_FRAME_TOO_LARGE');
});

t.test('bytes that are no frame end the connection with a code', async (t) => {
  const [one, two] = memoryChannelPair();
  const left = new RpcConnection(one, {});
  two.start({ bytes: () => undefined, closed: () => undefined });
  two.send(Uint8Array.of(3, 0, 0, 0, 0xff, 0xff, 0xff));
  t.equal((await left.closed).code, 'TRANSPORT_PROTOCOL');
});

t.test('frames survive any cut of the byte stream, and unknown fields are kept', async (t) => {
  // Field 99 of a frame is not known to this version.
  const body = messages.Frame.encode({ call: 7, complete: {} })
    .uint32((99 << 3) | 0)
    .uint32(5)
    .finish();
  const known = encodeFrame({ call: 8, response: { describe: { factsJson: 'x'.repeat(5000) } } });
  const stream = Buffer.concat([Buffer.from(Uint32Array.of(body.length).buffer), body, known]);
  for (const size of [1, 2, 3, 7, 1000, stream.length]) {
    const decoder = new FrameDecoder();
    const frames: messages.Frame[] = [];
    for (let offset = 0; offset < stream.length; offset += size) {
      frames.push(...decoder.push(stream.subarray(offset, offset + size)));
    }
    t.equal(frames.length, 2, `cut into pieces of ${size}`);
    t.equal(frames[1]?.response?.describe?.factsJson?.length, 5000);
    t.same(Buffer.from(messages.Frame.encode(frames[0]!).finish()), Buffer.from(body));
  }
});
