import type { InstanceSummary } from '@shoal/core';
import { currentOf } from '@shoal/core/internal/node/successors.js';
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
