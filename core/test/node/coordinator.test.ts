import { type Plan, ShoalError } from '@shoal/core';
import { Coordinator } from '@shoal/core/internal/node/coordinator.js';
import { Instances } from '@shoal/core/internal/node/instances.js';
import t from 'tap';

const plan = {
  modelName: 'model',
  stages: ['a', 'b'].map((nodeId) => ({ layers: [0, 1], cuts: {}, members: [{ nodeId, nodeName: nodeId }] })),
} as unknown as Plan;

/** A coordinator on node a, and what node b is told while it is connected. */
function setUp() {
  const told: string[] = [];
  const connection = {
    isClosed: false,
    call: async (method: string, { instance }: { instance: string | { instance: string } }) => {
      if (connection.isClosed) throw new ShoalError('NODE_LOST', 'the connection to b ended');
      told.push(`${method} ${typeof instance === 'string' ? instance : instance.instance}`);
      return {};
    },
  };
  let connected = false;
  const peers = { get: () => (connected ? { connection } : undefined), list: () => [] };
  const members = { release: async () => undefined };
  const instances = new Instances(() => undefined);
  const coordinator = new Coordinator(
    { nodeId: 'a', nodeName: 'a' } as never,
    peers as never,
    {} as never,
    instances,
    members as never,
    () => undefined,
    { write: () => undefined } as never,
  );
  return {
    coordinator,
    instances,
    told,
    connection,
    connect: (is: boolean) => {
      connected = is;
    },
    unload: (instance: string) =>
      coordinator.unload({ instance, epoch: 1, state: 'ready', model: 'model', plan } as never),
  };
}

t.test('a node that could not be told of a release is told when it is back', async (t) => {
  const { coordinator, told, connection, connect, unload } = setUp();
  await unload('one');
  connect(true);
  connection.isClosed = true;
  await unload('two');
  connection.isClosed = false;
  await unload('three');
  t.same(told, ['release three']);
  coordinator.nodeJoined('b');
  t.same(told, ['release three', 'release one', 'release two']);
  coordinator.nodeJoined('b');
  t.equal(told.length, 3, 'once');
});

t.test('a node that could not be told of a failure is told when it is back', async (t) => {
  const { coordinator, instances, told, connect } = setUp();
  const lost = new ShoalError('NODE_LOST', 'node b was lost', { details: { nodeId: 'b' } });
  for (const id of ['one', 'two']) instances.add({ id, epoch: 1, model: 'model', plan, coordinatorId: 'a' });
  instances.fail('one', lost, 'first-hand');
  await coordinator.reportFailure('one', lost);
  t.same(told, []);
  connect(true);
  coordinator.nodeJoined('b');
  t.same(told, ['report one']);
  coordinator.nodeJoined('c');
  t.equal(told.length, 1, 'who has no part in it hears nothing');
});

t.test('what nodes that never come back are owed is bounded', async (t) => {
  const { coordinator, told, connect, unload } = setUp();
  for (let index = 0; index < 300; index += 1) await unload(`i${index}`);
  connect(true);
  coordinator.nodeJoined('b');
  t.equal(told.length, 256);
  t.equal(told.at(-1), 'release i299');
});
