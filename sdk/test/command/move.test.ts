import type { InstanceSummary } from '@shoal/core';
import { optionsAfter, servingInstance } from 'shoal/internal/command/commands/move.js';
import t from 'tap';

const summary = (instance: string, model: string, rest: Partial<InstanceSummary> = {}): InstanceSummary => ({
  instance,
  epoch: 1,
  state: 'ready',
  model,
  plan: { modelName: model.split('/').at(-1) } as InstanceSummary['plan'],
  ...rest,
});

t.test('the instance that is meant', async (t) => {
  const all = [
    summary('aaaaaaaaaaaaaaaa', '/models/small'),
    summary('bbbbbbbbbbbbbbbb', '/models/large', { replaces: ['cccccccccccccccc'] }),
    summary('dddddddddddddddd', '/models/large', { state: 'failed' }),
    summary('eeeeeeeeeeeeeeee', '/models/twice'),
    summary('ffffffffffffffff', '/models/twice'),
  ];
  const cases = [
    ['bbbbbbbbbbbbbbbb', 'bbbbbbbbbbbbbbbb', 'by id'],
    ['cccccccccccccccc', 'bbbbbbbbbbbbbbbb', 'by the id of what it replaced'],
    ['small', 'aaaaaaaaaaaaaaaa', 'by name'],
    ['/models/large', 'bbbbbbbbbbbbbbbb', 'by folder, the one that serves'],
    ['ffffffffffffffff', 'ffffffffffffffff', 'by id where the name is not enough'],
  ] as const;
  for (const [wanted, expected, name] of cases) t.equal(servingInstance(all, wanted).instance, expected, name);
  t.throws(() => servingInstance(all, 'twice'), {
    code: 'ARGUMENT_INVALID',
    message: /loaded 2 times.*eeeeeeeeeeeeeeee, ffffffffffffffff/,
  });
  for (const wanted of ['nothing', 'dddddddddddddddd']) {
    t.throws(() => servingInstance(all, wanted), { code: 'INSTANCE_NOT_FOUND', message: /small \(aaaaaaaaaaaaaaaa\)/ });
  }
  t.throws(() => servingInstance([], 'small'), { code: 'INSTANCE_NOT_FOUND', message: /serving: none/ });
});

t.test('what is not given stays', async (t) => {
  const before = { plan: 'pp=2', contextLength: 1024, wish: 'w' };
  t.equal(optionsAfter(before, {}), undefined);
  t.same(optionsAfter(before, { slotCount: 2 }), { ...before, slotCount: 2 });
  t.same(optionsAfter(before, { plan: 'tp=2' }), { plan: 'tp=2', contextLength: 1024, wish: 'w' });
  t.same(optionsAfter(before, { policy: 'fastest' }), { policy: 'fastest', contextLength: 1024, wish: 'w' });
  const manual = [{ members: [{ node: 'den' }] }];
  t.same(optionsAfter({ ...before, manual }, { plan: 'pp=1' }), { plan: 'pp=1', contextLength: 1024, wish: 'w' });
  t.same(optionsAfter(undefined, { manual }), { manual });
});
