import {
  memberStorage,
  type Program,
  programVersion,
  type Tensors,
  tensor,
  tensorStorages,
  type WeightExpression,
  type WeightRole,
} from '@shoal/core';
import t from 'tap';

const q4 = { matrix: 'q4_0', embedding: 'q8_0' } as const;

/** A program that does nothing but declare weights. */
function programWith(weights: Readonly<Record<string, readonly [WeightExpression, WeightRole]>>): Program {
  const declared = Object.entries(weights).map(([name, [source, role]]) => [
    name,
    { shape: [64, 64], source, role, shard: { kind: 'replicated' } as const },
  ]);
  return {
    programVersion,
    family: 'test',
    layers: [0, 1],
    cuts: {},
    memberCount: 1,
    input: { kind: 'tokens' },
    output: { kind: 'hidden', value: 'x' },
    weights: Object.fromEntries(declared),
    states: {},
    operations: [],
  };
}

t.test('tensors take the type of their role, where rows stay rows', async (t) => {
  const program = programWith({
    plain: [tensor('matrix'), 'matrix'],
    table: [tensor('table'), 'embedding'],
    norm: [tensor('norm'), 'vector'],
    fused: [{ kind: 'slice', axis: 0, range: [0, 64], input: tensor('fused') }, 'matrix'],
    experts: [{ kind: 'stack', inputs: [tensor('expert0'), tensor('expert1')] }, 'matrix'],
    turned: [{ kind: 'transpose', input: tensor('turned') }, 'matrix'],
    router: [tensor('router'), 'vector'],
  });
  t.same(Object.fromEntries(tensorStorages([program], q4)), {
    matrix: 'q4_0',
    table: 'q8_0',
    norm: undefined,
    fused: 'q4_0',
    expert0: 'q4_0',
    expert1: 'q4_0',
    turned: undefined,
    router: undefined,
  });
});

t.test('of a tensor with several uses the matrix decides, and one that cannot take blocks forbids them', async (t) => {
  const first = programWith({ embedding: [tensor('tied'), 'embedding'], a: [tensor('both'), 'matrix'] });
  const last = programWith({
    output: [tensor('tied'), 'matrix'],
    b: [{ kind: 'transpose', input: tensor('both') }, 'matrix'],
  });
  for (const programs of [
    [first, last],
    [last, first],
  ]) {
    const storages = tensorStorages(programs, q4);
    t.equal(storages.get('tied'), 'q4_0');
    t.ok(storages.has('both'));
    t.equal(storages.get('both'), undefined);
  }
  const asStored = { matrix: 'as-stored', embedding: 'as-stored' } as const;
  t.same([...tensorStorages([first], asStored).values()], [undefined, undefined]);
});

t.test('blocks of a checkpoint are cut between blocks only', async (t) => {
  const tensors: Tensors = new Map([['m', { storage: 'q4_0', shape: [8, 128], byteLength: 576 }]]);
  const asStored = { matrix: 'as-stored', embedding: 'as-stored' } as const;
  const columns = (from: number, to: number): WeightExpression => ({
    kind: 'slice',
    axis: 1,
    range: [from, to],
    input: tensor('m'),
  });
  const storageOf = (source: WeightExpression, width: number, choice: Parameters<typeof memberStorage>[3] = asStored) =>
    memberStorage('matrix', source, [8, width], choice, tensors, 'weights.w');
  t.equal(storageOf(tensor('m'), 128), 'q4_0');
  t.equal(storageOf(columns(32, 96), 64), 'q4_0');
  t.throws(() => storageOf(columns(16, 80), 64), {
    code: 'PROGRAM_STORAGE_BLOCK',
    message: /elements \[16, 80\) of rows of 'm' are no whole blocks of 32 of q4_0, as it is stored/,
  });
  // In another type the numbers are encoded anew, wherever they come from.
  t.equal(storageOf(columns(16, 80), 64, { matrix: 'q8_0', embedding: 'f16' }), 'q8_0');
  t.equal(storageOf(columns(3, 10), 7, { matrix: 'f32', embedding: 'f32' }), 'f32');
});
