import { ClusterContainer, inject, injectable, Lifecycle, type Startable, token, tokens } from '@shoal/core';
import t from 'tap';

const clockToken = token<{ now(): number }>('test-clock');
const serviceToken = token<Service>('test-service');

@injectable()
class Service {
  constructor(
    @inject(tokens.clusterId) readonly clusterId: string,
    @inject(clockToken) readonly clock: { now(): number },
  ) {}
}

t.test('each cluster has its own instances, made once', async (t) => {
  const clusters = ['one', 'two'].map((name, index) => {
    const container = new ClusterContainer(name);
    container.registerFactory(clockToken, () => ({ now: () => index }));
    container.registerClass(serviceToken, Service);
    return container;
  });
  const [one, two] = clusters.map((container) => container.resolve(serviceToken));
  t.equal(one?.clusterId, 'one');
  t.equal(two?.clusterId, 'two');
  t.equal(two?.clock.now(), 1);
  t.equal(clusters[0]?.resolve(serviceToken), one, 'the same each time');
  await clusters[0]?.close();
  t.throws(() => clusters[0]?.resolve(serviceToken), { code: 'CLUSTER_CLOSED' });
  t.equal(clusters[1]?.resolve(serviceToken), two, 'the other one lives on');
  await clusters[1]?.close();
});

t.test('an unknown token is named', async (t) => {
  await using container = new ClusterContainer('x');
  t.throws(() => container.resolve(token('nobody')), { code: 'INTERNAL', message: /shoal\.nobody/ });
});

t.test('closing runs in reverse, and failures do not hide each other', async (t) => {
  const order: string[] = [];
  const container = new ClusterContainer('x');
  container.onClose('first', async () => void order.push('first'));
  container.onClose('second', () => {
    throw new Error('second is stuck');
  });
  container.onClose('third', async () => {
    order.push('third');
    throw new Error('third is stuck');
  });
  await t.rejects(container.close(), { name: 'AggregateError', message: /third is stuck; second is stuck/ });
  t.same(order, ['third', 'first']);
  await t.rejects(container.close(), /third is stuck/, 'a second close is the first');
});

function recorder(name: string, events: string[], overrides: Startable = {}): Startable {
  const record = (phase: string) => () => void events.push(`${name} ${phase}`);
  return {
    start: record('start'),
    afterStart: record('afterStart'),
    beforeStop: record('beforeStop'),
    stop: record('stop'),
    ...overrides,
  };
}

t.test('phases run over all components before the next begins', async (t) => {
  const events: string[] = [];
  const lifecycle = new Lifecycle();
  lifecycle.add('a', recorder('a', events));
  lifecycle.add('b', recorder('b', events));
  await lifecycle.start();
  t.equal(lifecycle.state, 'started');
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  t.same(events, [
    'a start',
    'b start',
    'a afterStart',
    'b afterStart',
    'b beforeStop',
    'a beforeStop',
    'b stop',
    'a stop',
  ]);
  t.throws(() => lifecycle.add('c', {}), { code: 'INTERNAL' });
});

t.test('a start that fails stops what had started', async (t) => {
  const events: string[] = [];
  const lifecycle = new Lifecycle();
  lifecycle.add('a', recorder('a', events));
  lifecycle.add('b', recorder('b', events, { start: () => Promise.reject(new Error('port taken')) }));
  await t.rejects(lifecycle.start(), /port taken/);
  t.equal(lifecycle.state, 'stopped');
  t.ok(events.includes('a stop'));
});

t.test('a start can be aborted', async (t) => {
  const events: string[] = [];
  const controller = new AbortController();
  const lifecycle = new Lifecycle();
  lifecycle.add('a', recorder('a', events, { start: () => controller.abort() }));
  lifecycle.add('b', recorder('b', events));
  await t.rejects(lifecycle.start(controller.signal), { name: 'AbortError' });
  t.notOk(events.includes('b start'));
});

t.test('a component that hangs does not keep the others', async (t) => {
  const events: string[] = [];
  const lifecycle = new Lifecycle({ stopDeadlineMilliseconds: 20 });
  lifecycle.add('a', recorder('a', events));
  lifecycle.add('hanging', { stop: () => new Promise(() => undefined) });
  await lifecycle.start();
  await t.rejects(lifecycle.stop(), { code: 'TIMEOUT', message: /hanging did not finish stop within 20 ms/ });
  t.ok(events.includes('a stop'));
});
