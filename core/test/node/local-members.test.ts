// Members whose instance ends while their workers start: nobody frees them later, so that they must not stay.
import { type Plan, ShoalError } from '@shoal/core';
import { Instances } from '@shoal/core/internal/node/instances.js';
import { LocalMembers } from '@shoal/core/internal/node/local-members.js';
import t from 'tap';

const plan = {
  modelName: 'model',
  strategy: 'llama',
  stages: [{ layers: [0, 1], cuts: {}, members: [{ nodeId: 'a', nodeName: 'a', backend: 'cpu' }] }],
} as unknown as Plan;

function setUp(beforePrepare: (instances: Instances, members: LocalMembers) => void = () => undefined) {
  const instances = new Instances(() => undefined);
  const engine = { name: 'native', isolation: 'process', host: { unavailableReason: async () => undefined } };
  // What a member needs before its worker is told anything; the worker is a real process.
  const members: LocalMembers = new LocalMembers(
    { nodeId: 'a', nodeName: 'a' } as never,
    { all: [], get: () => engine, of: () => [engine] } as never,
    {} as never,
    instances,
    {} as never,
    { write: () => undefined } as never,
    {
      dataAddresses: async () => {
        beforePrepare(instances, members);
        return ['127.0.0.1'];
      },
    } as never,
  );
  const credentials = { instance: 'one', epoch: 1, secret: '' };
  const order = {
    credentials,
    self: { stage: 0, member: 0 },
    plan,
    transport: 'tcp',
    model: '/model',
    coordinatorId: 'b',
  };
  return { instances, members, order };
}

t.test('a failure while the worker starts', async (t) => {
  const { instances, members, order } = setUp();
  const preparing = members.prepare(order, new AbortController().signal);
  instances.fail('one', new ShoalError('NODE_LOST', 'node c was lost'), 'first-hand');
  await t.rejects(preparing, { code: 'NODE_LOST', message: /node c was lost/ });
  t.ok(members.isEmpty);
});

t.test('an unload while the worker starts', async (t) => {
  const { members, order } = setUp();
  const preparing = members.prepare(order, new AbortController().signal);
  await members.release('one');
  await t.rejects(preparing, { code: 'INSTANCE_NOT_FOUND', message: /while it was prepared/ });
  t.ok(members.isEmpty);
});

t.test('an unload while the worker has an order, which ends with the worker', async (t) => {
  const { members, order } = setUp((_instances, members) => void members.release('one'));
  const preparing = members.prepare(order, new AbortController().signal);
  await t.rejects(preparing, { code: 'INSTANCE_NOT_FOUND', message: /unloaded while it was prepared/ });
  t.ok(members.isEmpty);
});

t.test('a failure while the worker has an order, which ends with the worker', async (t) => {
  const { members, order } = setUp((instances) =>
    instances.fail('one', new ShoalError('NODE_LOST', 'node c was lost'), 'first-hand'),
  );
  const preparing = members.prepare(order, new AbortController().signal);
  await t.rejects(preparing, { code: 'NODE_LOST', message: /node c was lost/ });
  t.ok(members.isEmpty);
});

t.test('a request to an instance whose members have ended before it', async (t) => {
  const { instances, members } = setUp();
  const record = instances.add({ id: 'one', epoch: 1, plan, model: '/model', coordinatorId: 'a' });
  instances.ready('one');
  record.successor = 'two';
  const asking = members.generate('one', {} as never, undefined).next();
  await t.rejects(asking, { code: 'INSTANCE_MOVED', details: { successor: 'two' } });
});
