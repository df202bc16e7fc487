import { setTimeout as sleep } from 'node:timers/promises';
import { errorTable, NodeLog, ShoalError } from '@shoal/core';
import { memoryChannelPair } from '@shoal/core/internal/control/byte-channel.js';
import { encodeFrame, FrameDecoder } from '@shoal/core/internal/control/frame-codec.js';
import type { messages } from '@shoal/core/internal/control/messages.js';
import { type ControlHandlers, RpcConnection } from '@shoal/core/internal/control/rpc.js';
import { consensusFromMessage, consensusToMessage } from '@shoal/core/internal/node/consensus-wire.js';
import { Instances } from '@shoal/core/internal/node/instances.js';
import { peerHandlers } from '@shoal/core/internal/node/peer-handlers.js';
import t from 'tap';
import { consensusMessages } from '../consensus/consensus-messages.js';
import { together } from '../consensus/together.js';
import { randomNumbers } from '../program/random.js';

const credentials = { instance: '0'.repeat(16), epoch: 1, secret: '0'.repeat(64) };

const seeds: messages.Frame.$Properties[] = [
  { call: 1, request: { describe: { model: 'model' } } },
  { call: 2, request: { deadlineMilliseconds: 5, prepare: { credentials, self: { stage: 1 }, planJson: '{}' } } },
  { call: 3, request: { load: { instance: credentials.instance, endpointsJson: '[]', threads: 2 } } },
  { call: 4, request: { release: { instance: credentials.instance } } },
  { call: 5, request: { report: { instance: { instance: credentials.instance, state: 2, planJson: '{' } } } },
  {
    call: 6,
    request: {
      generate: {
        instance: credentials.instance,
        conversation: { messages: [{ role: 'user', content: 'x' }] },
        sampling: { temperature: 1, topK: 3, topP: 0.5 },
        maximumTokens: 3,
      },
    },
  },
  { call: 7, request: { listInstances: { everywhere: true } } },
  { call: 8, response: { generate: { token: { index: 1, token: 2, text: 'x' } } } },
  { call: 9, failure: { code: 'INTERNAL', message: 'x', detailsJson: '{"a":1}' } },
  { call: 10, cancel: {} },
  { call: 11, complete: {} },
  { call: 12, request: { consensus: { messages: consensusMessages.map(consensusToMessage) } } },
];

function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const mutated = Uint8Array.from(bytes);
  const count = 1 + Math.floor(random() * 4);
  for (let index = 0; index < count; index++) {
    // The length is left alone most of the time: what it guards is to be reached.
    const from = random() < 0.9 ? 4 : 0;
    const at = from + Math.floor(random() * Math.max(1, mutated.length - from));
    mutated[at] = random() < 0.5 ? Math.floor(random() * 256) : (mutated[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  }
  return random() < 0.1 ? mutated.subarray(0, Math.floor(random() * mutated.length)) : mutated;
}

t.test('a decoder of frames takes any bytes or refuses them with a code', async (t) => {
  const random = randomNumbers(1);
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const seed = seeds[round % seeds.length];
    if (!seed) continue;
    try {
      new FrameDecoder().push(mutate(encodeFrame(seed), random));
    } catch (thrown) {
      refused += 1;
      if (!ShoalError.is(thrown) || !thrown.code.startsWith('TRANSPORT_')) t.fail(String(thrown));
    }
  }
  t.ok(refused > 100, `${refused} were refused`);
});

t.test('a node answers whatever a peer sends, or ends the connection with a code', async (t) => {
  const random = randomNumbers(2);
  // What lies behind the handlers is not reached without a valid instance; it must not be reached with a broken one.
  const reached = () => {
    throw new ShoalError('INSTANCE_NOT_FOUND', 'not here');
  };
  const { nodes } = together(1);
  const agree = (from: string, request: messages.ConsensusRequest.$Properties) => {
    for (const message of (request.messages ?? []).map(consensusFromMessage)) {
      if (message) nodes[0]?.consensus.receive(from || 'n2', message);
    }
  };
  const handlers: ControlHandlers = peerHandlers({
    describer: { describe: async () => ({}) } as never,
    links: { report: reached } as never,
    instances: new Instances(() => undefined),
    members: { prepare: reached, load: async () => reached(), release: reached, generate: reached } as never,
    operations: { obey: reached },
    agreement: {
      receive: (from: string, request: messages.ConsensusRequest.$Properties) => agree(from, request),
    } as never,
    log: new NodeLog(),
    listNodes: () => [],
  });
  const ends = new Map<string, number>();
  for (let round = 0; round < 300; round++) {
    const [near, far] = memoryChannelPair();
    const connection = new RpcConnection(near, handlers);
    const answers = new FrameDecoder();
    const codes: string[] = [];
    far.start({
      bytes: (chunk) => {
        for (const { failure } of answers.push(chunk)) if (failure) codes.push(failure.code ?? '');
      },
      closed: () => undefined,
    });
    for (const seed of seeds) far.send(mutate(encodeFrame(seed), random));
    await sleep(0);
    await sleep(0);
    // INTERNAL would be a defect of ours: what a peer sends is the peer's fault.
    for (const code of codes)
      if (!(code in errorTable) || code === 'INTERNAL') t.fail(`an answer has the code ${code}`);
    if (connection.isClosed) {
      const { code } = await connection.closed;
      ends.set(code, (ends.get(code) ?? 0) + 1);
    }
    connection.close();
  }
  t.same(
    [...ends.keys()].filter((code) => !code.startsWith('TRANSPORT_')),
    [],
    'connections end because of what came, not because of what broke here',
  );
});
