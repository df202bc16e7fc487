/** How channels begin and end: with proof, within deadlines, by name, and without a trace. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import type { LoadCredentials } from '../spec/transport.js';
import type { ConformanceCase } from './case.js';
import {
  endpointsOf,
  type JoinedMember,
  join,
  later,
  listen,
  newCredentials,
  rejectionOf,
  longEnoughMilliseconds as soon,
  type TransportUnderTest,
  withMembers,
  withPair,
} from './transport-harness.js';
import { startPeerProcess } from './transport-peer-process.js';

const tag = 1n;
const transportCode = /^TRANSPORT_/;

/** What a loss may look like to a receive that waits: all say that nothing more will come. */
const endCodes = ['TRANSPORT_PEER_LOST', 'TRANSPORT_CLOSED', 'TRANSPORT_ABORTED'];

export function endingCases(under: TransportUnderTest): ConformanceCase[] {
  return [...joiningCases(under), ...leavingCases(under), ...(under.peerModule ? [lossCase(under)] : [])];
}

/** Two members of different credentials try to join; neither may get a channel. */
async function assertRefused(
  under: TransportUnderTest,
  change: (credentials: LoadCredentials) => LoadCredentials,
  expected: readonly string[],
): Promise<void> {
  const credentials = newCredentials();
  const listeners = [await listen(under, 0, credentials), await listen(under, 1, change(credentials))];
  try {
    const endpoints = endpointsOf(listeners);
    const outcomes = await Promise.all(
      listeners.map(async (listener) => {
        const outcome = await listener.connect(endpoints, { deadlineMilliseconds: soon }).then(
          async (set) => {
            await set.close();
            return 'connected';
          },
          (thrown: { readonly code?: string }) => String(thrown.code),
        );
        // The other one may wait for somebody better until its deadline.
        if (expected.includes(outcome)) await Promise.all(listeners.map((one) => one.close()));
        return outcome;
      }),
    );
    assert.ok(!outcomes.includes('connected'), 'a stranger got a channel');
    for (const code of outcomes) assert.match(code, transportCode);
    assert.ok(
      outcomes.some((code) => expected.includes(code)),
      `one side has to say ${expected.join(' or ')}; they said ${outcomes.join(' and ')}`,
    );
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

function joiningCases(under: TransportUnderTest): ConformanceCase[] {
  return [
    {
      name: 'a member with another secret is refused',
      run: () =>
        assertRefused(under, (credentials) => ({ ...credentials, secret: newCredentials().secret }), [
          'TRANSPORT_UNAUTHENTICATED',
        ]),
    },
    {
      name: 'a member of another epoch is refused',
      run: () =>
        assertRefused(under, (credentials) => ({ ...credentials, epoch: credentials.epoch - 1 }), [
          'TRANSPORT_EPOCH_MISMATCH',
          'TRANSPORT_UNAUTHENTICATED',
        ]),
    },
    {
      name: 'a member of another instance is refused',
      run: () =>
        assertRefused(under, (credentials) => ({ ...credentials, instance: newCredentials().instance }), [
          'TRANSPORT_EPOCH_MISMATCH',
          'TRANSPORT_UNAUTHENTICATED',
        ]),
    },
    {
      name: 'a member that does not come is named, within the deadline',
      run: async () => {
        const credentials = newCredentials();
        const listeners = await Promise.all([0, 1].map((index) => listen(under, index, credentials)));
        try {
          // Each waits alone: whoever of a pair connects to the other, both ways of waiting are tried.
          const endpoints = endpointsOf(listeners);
          for (const [index, listener] of listeners.entries()) {
            const connecting = listener.connect(endpoints, { deadlineMilliseconds: 400 });
            const { code, message, milliseconds } = await rejectionOf(connecting);
            assert.match(code, transportCode);
            assert.ok(milliseconds < soon, `the deadline of 400 ms took ${milliseconds} ms`);
            assert.match(
              message,
              new RegExp(`stage 0,? member ${1 - index}`),
              `who is missing is not named: ${message}`,
            );
          }
        } finally {
          await Promise.all(listeners.map((listener) => listener.close()));
        }
      },
    },
    {
      name: 'closing a listener gives up its connect, and ends it for good',
      run: async () => {
        const credentials = newCredentials();
        const listeners = await Promise.all([0, 1].map((index) => listen(under, index, credentials)));
        const [first] = listeners;
        assert.ok(first);
        const endpoints = endpointsOf(listeners);
        const connecting = later(rejectionOf(first.connect(endpoints, { deadlineMilliseconds: 30_000 })));
        await new Promise((resolve) => setTimeout(resolve, 50));
        await first.close();
        const { code, milliseconds } = await connecting;
        assert.match(code, transportCode);
        assert.ok(milliseconds < soon, `giving up took ${milliseconds} ms`);
        await first.close();
        const again = await rejectionOf(first.connect(endpoints, { deadlineMilliseconds: 1000 }));
        assert.match(again.code, transportCode);
        await Promise.all(listeners.map((listener) => listener.close()));
      },
    },
  ];
}

function leavingCases(under: TransportUnderTest): ConformanceCase[] {
  return [
    {
      name: 'a clean leave ends what waits; what was sent before still arrives',
      run: () =>
        withPair(under, async (first, second, members) => {
          const waiting = later(rejectionOf(second.receive(2n, 100, soon)));
          await first.send(tag, Uint8Array.of(1, 2, 3), soon);
          const [leaving] = members as [JoinedMember];
          leaving.probes.close();
          await leaving.set.close();
          assert.deepEqual([...(await second.receive(tag, 100, soon))], [1, 2, 3]);
          assert.equal((await waiting).code, 'TRANSPORT_CLOSED');
          assert.match((await rejectionOf(second.send(tag, Uint8Array.of(4), soon))).code, transportCode);
          await leaving.set.close();
        }),
    },
    {
      name: 'an abort ends what waits on both sides',
      run: () =>
        withPair(under, async (first, second) => {
          const waiting = [first, second].map((channel) => later(rejectionOf(channel.receive(tag, 100, soon))));
          await new Promise((resolve) => setTimeout(resolve, 20));
          await first.abort();
          const [here, there] = await Promise.all(waiting);
          assert.equal(here?.code, 'TRANSPORT_ABORTED');
          assert.ok(endCodes.includes(there?.code ?? ''), `the peer saw ${there?.code}`);
          assert.match((await rejectionOf(first.send(tag, Uint8Array.of(1), soon))).code, transportCode);
        }),
    },
    {
      name: 'loads leave nothing behind',
      run: async () => {
        const round = () => withMembers(under, 3, async () => {});
        // The first rounds may start what stays, such as threads of a pool.
        for (let warm = 0; warm < 2; warm += 1) await round();
        const before = openHandles();
        for (let number = 0; number < 10; number += 1) await round();
        // A closed socket may be reported closed a moment later.
        for (let patience = 0; patience < 1000 && openHandles() > before; patience += 1) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.ok(openHandles() <= before, `${openHandles()} handles are open, ${before} before ten loads`);
      },
    },
  ];
}

/** Open files and sockets of this process, where the system tells; else what keeps the event loop alive. */
function openHandles(): number {
  const folder = ['/proc/self/fd', '/dev/fd'].find((one) => existsSync(one));
  const active = process.getActiveResourcesInfo?.().filter((name) => name !== 'Timeout').length ?? 0;
  return folder === undefined ? active : readdirSync(folder).length;
}

function lossCase(under: TransportUnderTest): ConformanceCase {
  return {
    name: 'a peer whose process is killed is lost, in seconds',
    run: async () => {
      const { peerModule } = under;
      assert.ok(peerModule);
      const credentials = newCredentials();
      const listener = await listen(under, 0, credentials);
      const peer = await startPeerProcess(peerModule, credentials, { stage: 0, member: 1 });
      let member: JoinedMember | undefined;
      try {
        const endpoints = endpointsOf([listener, { endpoint: peer.endpoint } as typeof listener]);
        const [set] = await Promise.all([
          listener.connect(endpoints, { deadlineMilliseconds: soon }),
          peer.connect(endpoints, soon),
        ]);
        member = join(under, set);
        const waiting = later(rejectionOf(member.to(1).receive(tag, 100, soon)));
        await new Promise((resolve) => setTimeout(resolve, 50));
        peer.kill();
        const { code, message } = await waiting;
        assert.equal(code, 'TRANSPORT_PEER_LOST', message);
        assert.ok(message.length > 0, 'a loss is explained');
      } finally {
        peer.kill();
        member?.probes.close();
        await member?.set.close();
        await listener.close();
      }
    },
  };
}
