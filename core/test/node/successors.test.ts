import type { InstanceSummary } from '@shoal/core';
import { currentOf, replicasOf } from '@shoal/core/internal/node/successors.js';
import t from 'tap';

const summary = (instance: string, state: InstanceSummary['state'], ...replaces: string[]): InstanceSummary => ({
  instance,
  state,
  epoch: 1,
  model: 'model',
  plan: {} as InstanceSummary['plan'],
  ...(replaces.length === 0 ? {} : { replaces }),
});

t.test('a name means what serves in its place', async (t) => {
  const ready = summary('a', 'ready');
  const cases = [
    { name: 'itself', all: [ready, summary('b', 'ready')], expected: 'a' },
    { name: 'nothing', all: [summary('b', 'ready')], expected: undefined },
    { name: 'what took its place', all: [summary('b', 'ready', 'a')], expected: 'b' },
    {
      name: 'the last of a chain',
      all: [ready, summary('b', 'ready', 'a'), summary('c', 'ready', 'b', 'a')],
      expected: 'c',
    },
    { name: 'itself while the next one loads', all: [summary('b', 'loading', 'a'), ready], expected: 'a' },
    {
      name: 'the one that loads, where it moved away',
      all: [ready, summary('b', 'loading', 'a')],
      except: 'a',
      expected: 'b',
    },
    {
      name: 'one that loads goes before one that failed',
      all: [summary('a', 'failed'), summary('b', 'loading', 'a')],
      expected: 'b',
    },
  ];
  for (const { name, all, except, expected } of cases) {
    t.equal(currentOf(all, 'a', new Set(except === undefined ? [] : [except]))?.instance, expected, name);
  }
});

t.test('instances that answer alike', async (t) => {
  const replica = (
    instance: string,
    plan: Partial<InstanceSummary['plan']> = {},
    rest: Partial<InstanceSummary> = {},
  ): InstanceSummary => ({
    ...summary(instance, 'ready'),
    plan: { modelDigest: 'digest', stateStorage: 'f16', contextLength: 1024, ...plan } as InstanceSummary['plan'],
    ...rest,
  });
  const predicted = (millisecondsPerToken: number) =>
    ({ predicted: { millisecondsPerToken } }) as Partial<InstanceSummary['plan']>;
  const one = replica('a');
  const names = (all: readonly InstanceSummary[], ...except: string[]) =>
    replicasOf(all, one, new Set(except)).map(({ instance }) => instance);
  t.same(names([one]), [], 'not itself');
  t.same(names([one, replica('c'), replica('b')]), ['b', 'c'], 'in a definite order');
  t.same(names([one, replica('c'), replica('b')], 'b'), ['c'], 'none that was tried');
  t.same(names([replica('b', { modelDigest: 'other' })]), [], 'not of other weights');
  t.same(names([replica('b', { stateStorage: 'f32' })]), [], 'not with another state');
  t.same(names([replica('b', { contextLength: 512 })]), [], 'not with less room');
  t.same(names([replica('b', { contextLength: 2048 })]), ['b'], 'with more room');
  t.same(
    names([replica('b', {}, { options: { storage: { matrix: 'q8_0', embedding: 'q8_0' } } })]),
    [],
    'not converted',
  );
  t.same(names([replica('b', {}, { state: 'failed' }), replica('c', {}, { state: 'unloaded' })]), [], 'not ended');
  const all = [
    replica('b'),
    replica('c', predicted(5)),
    replica('d', predicted(2), { state: 'loading' }),
    replica('e', predicted(3)),
  ];
  t.same(names(all), ['e', 'c', 'b', 'd'], 'ready ones first, by speed, those of unknown speed last');
});
