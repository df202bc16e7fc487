/** What channels carry: everything, in order, whole. */
import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.js';
import {
  addresses,
  assertSameBytes,
  later,
  pattern,
  rejectionOf,
  longEnoughMilliseconds as soon,
  type TransportUnderTest,
  withMembers,
  withPair,
} from './transport-harness.js';

/** Tags of tables have 64 bits; engines use all of them. */
const firstTag = 7n;
const secondTag = (1n << 63n) | 5n;

const sizes = [0, 1, 255, 4096, 65_535, 65_536, 65_537, 1 << 20];
const largeBytes = 8 << 20;

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export function messageCases(under: TransportUnderTest): ConformanceCase[] {
  const pairCase = (name: string, body: Parameters<typeof withPair>[1]): ConformanceCase => ({
    name,
    run: () => withPair(under, body),
  });
  return [
    {
      name: 'every member has one channel to every other, which says who is there and what it keeps',
      run: () =>
        withMembers(under, 3, async (members) => {
          for (const [index, { probes }] of members.entries()) {
            const peers = probes.channels.map(({ facts: { stage, member } }) => ({ stage, member }));
            const key = ({ stage, member }: { stage: number; member: number }) => `${stage}/${member}`;
            const expected = addresses.filter((_, other) => other !== index).map(key);
            assert.deepEqual(peers.map(key).sort(), expected.sort());
            for (const { facts } of probes.channels) {
              assert.ok(facts.reliable && facts.ordered, 'a channel of an engine is reliable and ordered');
              assert.ok(facts.largestMessageBytes >= largeBytes, `messages of ${largeBytes} bytes must fit`);
            }
          }
          // Every pair, both ways: a channel that leads elsewhere shows.
          for (const [from, sender] of members.entries()) {
            for (const [to, receiver] of members.entries()) {
              if (from === to) continue;
              await sender.to(to).send(firstTag, bytesOf(`${from}→${to}`), soon);
              assert.equal(textOf(await receiver.to(from).receive(firstTag, 100, soon)), `${from}→${to}`);
            }
          }
        }),
    },
    pairCase('messages of one tag arrive in order, each once; tags are apart', async (first, second) => {
      const count = 100;
      for (let number = 0; number < count; number += 1) {
        for (const tag of [firstTag, secondTag]) await first.send(tag, bytesOf(`${tag} ${number}`), soon);
      }
      // The tag that was sent second is received first, so that messages must be kept.
      for (const tag of [secondTag, firstTag]) {
        for (let number = 0; number < count; number += 1) {
          assert.equal(textOf(await second.receive(tag, 100, soon)), `${tag} ${number}`);
        }
      }
      assert.equal((await rejectionOf(second.receive(firstTag, 100, 50))).code, 'TRANSPORT_TIMEOUT');
    }),
    pairCase('messages that are sent at once keep the order of their sends', async (first, second) => {
      const messages = Array.from({ length: 40 }, (_, number) => pattern(number % 4 === 0 ? 200_000 : number, number));
      const sending = messages.map((message) => later(first.send(firstTag, message, soon)));
      for (const message of messages) {
        assertSameBytes(await second.receive(firstTag, 200_000, soon), message, 'a message of many');
      }
      await Promise.all(sending);
    }),
    pairCase('sizes from nothing to a megabyte arrive whole', async (first, second) => {
      for (const size of sizes) {
        const message = pattern(size, size);
        const receiving = later(second.receive(firstTag, size, soon));
        await first.send(firstTag, message, soon);
        assertSameBytes(await receiving, message, `a message of ${size} bytes`);
      }
    }),
    pairCase('large messages cross both ways at once', async (first, second) => {
      const messages = [pattern(largeBytes, 1), pattern(largeBytes, 2)] as const;
      const [atSecond, atFirst] = await Promise.all([
        second.receive(firstTag, largeBytes, soon),
        first.receive(firstTag, largeBytes, soon),
        first.send(firstTag, messages[0], soon),
        second.send(firstTag, messages[1], soon),
      ]);
      assertSameBytes(atSecond, messages[0], 'first to second');
      assertSameBytes(atFirst, messages[1], 'second to first');
    }),
    pairCase('a message that is longer than the buffer ends that receive, not the channel', async (first, second) => {
      await first.send(firstTag, pattern(9, 1), soon);
      await first.send(firstTag, pattern(8, 2), soon);
      assert.equal((await rejectionOf(second.receive(firstTag, 8, soon))).code, 'TRANSPORT_FRAME_TOO_LARGE');
      assertSameBytes(await second.receive(firstTag, 8, soon), pattern(8, 2), 'the next message');
    }),
    {
      name: 'one wait over several channels reports the one that has something',
      run: () =>
        withMembers(under, 3, async (members) => {
          const [first, , third] = members;
          assert.ok(first && third);
          const waiting = later(first.probes.receiveFirst(firstTag, 100, soon));
          await third.to(0).send(firstTag, bytesOf('from the third'), soon);
          const { index, bytes } = await waiting;
          assert.equal(textOf(bytes), 'from the third');
          assert.equal(first.probes.channels[index]?.facts.stage, 1);
        }),
    },
    pairCase('what was sent and received is counted', async (first, second) => {
      for (let number = 0; number < 5; number += 1) {
        await first.send(firstTag, pattern(100, number), soon);
        await second.receive(firstTag, 100, soon);
      }
      assert.ok(first.statistics().sentMessages >= 5, 'sent messages');
      assert.ok(second.statistics().receivedMessages >= 5, 'received messages');
    }),
    pairCase('a silent peer costs its deadline, not the channel', async (first, second) => {
      const { code, milliseconds } = await rejectionOf(second.receive(firstTag, 100, 200));
      assert.equal(code, 'TRANSPORT_TIMEOUT');
      assert.ok(milliseconds >= 150 && milliseconds < soon, `the deadline of 200 ms took ${milliseconds} ms`);
      // The receive that was given up must not swallow what comes later.
      await first.send(firstTag, bytesOf('late'), soon);
      assert.equal(textOf(await second.receive(firstTag, 100, soon)), 'late');
    }),
  ];
}
