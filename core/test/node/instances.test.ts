import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterEvent, type Plan, ShoalError } from '@shoal/core';
import { Instances, nodesOf } from '@shoal/core/internal/node/instances.js';
import t from 'tap';

const member = (nodeId: string) => ({
  nodeId,
  nodeName: nodeId,
  backend: 'cpu',
  deviceId: 'cpu',
  share: 1,
  programDigest: '',
  weightBytes: 1,
  stateBytes: 1,
});

const plan: Plan = {
  modelName: 'model',
  modelDigest: 'digest',
  strategy: 'llama',
  strategyVersion: '1',
  storage: { matrix: 'as-stored', embedding: 'as-stored' },
  stateStorage: 'f16',
  contextLength: 64,
  slotCount: 1,
  stages: [
    { layers: [0, 1], cuts: {}, members: [member('a')] },
    { layers: [1, 2], cuts: {}, members: [member('b'), member('c')] },
  ],
  reasons: [],
  leftOut: [],
};

function setUp() {
  const events: ClusterEvent[] = [];
  const failures: { code: string; evidence: string }[] = [];
  const instances = new Instances((event) => events.push(event));
  instances.onFailed({ failed: (_record, { code }, evidence) => failures.push({ code, evidence }) });
  instances.add({ id: 'one', epoch: 1, model: 'model', plan, coordinatorId: 'd' });
  return { instances, events, failures };
}

const lost = new ShoalError('TRANSPORT_PEER_LOST', 'b was lost from sight', { details: { nodeId: 'b' } });
const exited = new ShoalError('ENGINE_WORKER_EXITED', 'the worker on c was killed', { details: { nodeId: 'c' } });

t.test('an instance is loaded, then unloaded', async (t) => {
  const { instances, events } = setUp();
  instances.ready('one');
  instances.ready('one');
  instances.unloaded('one');
  t.same(
    events.map(({ kind }) => kind),
    ['instance-loaded', 'instance-unloaded'],
  );
  t.same(instances.list(), []);
});

t.test('a first-hand cause goes before a peer that was only lost from sight', async (t) => {
  const { instances, events, failures } = setUp();
  instances.ready('one');
  instances.fail('one', lost, 'second-hand');
  t.equal(instances.get('one')?.state, 'ready', 'not decided yet');
  instances.fail('one', exited, 'reported');
  t.equal(instances.get('one')?.failure, exited);
  await sleep(400);
  t.same(failures, [{ code: 'ENGINE_WORKER_EXITED', evidence: 'reported' }], 'the first cause wins, once');
  t.match(events.at(-1), { kind: 'instance-failed', nodeId: 'c', code: 'ENGINE_WORKER_EXITED' });
});

t.test('a peer that nobody explains is the cause after a short wait', async (t) => {
  const { instances, failures } = setUp();
  instances.ready('one');
  instances.fail('one', lost, 'second-hand');
  t.equal(await instances.failureOf('one'), lost);
  t.same(failures, [{ code: 'TRANSPORT_PEER_LOST', evidence: 'second-hand' }]);
});

t.test('a load that fails is no news to observers', async (t) => {
  const { instances, events, failures } = setUp();
  instances.fail('one', exited, 'first-hand');
  instances.ready('one');
  t.equal(instances.get('one')?.state, 'failed');
  t.equal(failures.length, 1, 'its members are freed all the same');
  t.same(events, []);
});

t.test('failed instances are remembered, but not without end', async (t) => {
  const { instances } = setUp();
  for (let index = 0; index < 300; index++) {
    instances.add({ id: `i${index}`, epoch: 1, model: 'model', plan, coordinatorId: 'd' });
    instances.fail(`i${index}`, exited, 'first-hand');
  }
  t.ok(instances.list().length <= 102);
  t.equal(instances.get('i299')?.state, 'failed');
});

t.test('the nodes of an instance are its members and who ordered it', async (t) => {
  t.same([...nodesOf({ plan, coordinatorId: 'd' })].sort(), ['a', 'b', 'c', 'd']);
});

t.test('an instance takes the place of others that were loaded beside it', async (t) => {
  const instances = new Instances(() => undefined);
  let changes = 0;
  instances.onChanged(() => changes++);
  instances.add({ id: 'stays', epoch: 1, model: 'model', plan, coordinatorId: 'a', replaces: ['first'] });
  t.throws(() => instances.adopt('stays', ['other']), { code: 'INSTANCE_NOT_FOUND' }, 'not while it loads');
  t.throws(() => instances.adopt('unknown', ['other']), { code: 'INSTANCE_NOT_FOUND' });
  instances.ready('stays');
  const before = changes;
  instances.adopt('stays', ['other', 'first', 'stays']);
  t.same(instances.get('stays')?.replaces, ['other', 'first'], 'each name once, and not its own');
  instances.adopt('stays', ['other']);
  t.equal(changes, before + 1, 'the same again is no news');
});
