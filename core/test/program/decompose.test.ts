import {
  decompose,
  lowerProgram,
  type MemberProgram,
  macroOperations,
  missingOperations,
  type OperationName,
  operationFields,
  printMemberProgram,
  printProgram,
  propagate,
} from '@shoal/core';
import t from 'tap';
import { declare, programOf, tensorsOf } from './programs.js';

/** A member program with a router, experts and attention. */
function memberProgram(): MemberProgram {
  const program = programOf({
    weights: {
      router: declare([8, 12]),
      correction: declare([8]),
      gate: declare([8, 6, 12]),
      up: declare([8, 6, 12]),
      down: declare([8, 12, 6]),
      sinks: declare([3]),
    },
    states: {
      kv: { kind: 'key-value', layer: 0, keyWidth: 12, valueWidth: 12, window: 5, shard: { kind: 'replicated' } },
    },
    operations: [
      { op: 'linear', input: 'x', weight: 'router', output: 'logits' },
      {
        op: 'router',
        logits: 'logits',
        scoring: 'sigmoid',
        correctionBias: 'correction',
        groups: { count: 4, kept: 2 },
        topK: 2,
        normalize: true,
        normalizeEpsilon: 1e-20,
        factor: 2.5,
        indices: 'i',
        weights: 'w',
      },
      {
        op: 'experts',
        input: 'x',
        indices: 'i',
        weights: 'w',
        gate: 'gate',
        up: 'up',
        down: 'down',
        activation: { kind: 'clamped-swiglu', limit: 7, alpha: 1.7 },
        output: 'e',
      },
      {
        op: 'attention',
        query: 'e',
        key: 'x',
        value: 'x',
        state: 'kv',
        headSize: 4,
        scale: 0.5,
        window: 5,
        sinks: 'sinks',
        output: 'y',
      },
    ],
  });
  return lowerProgram(propagate(program), 0, { matrix: 'f32', embedding: 'f32' }, tensorsOf(program));
}

const primitives = new Set(
  Object.keys(operationFields).filter(
    (name) => name !== 'replicate' && !(macroOperations as readonly string[]).includes(name),
  ),
) as Set<OperationName>;

t.test('macros become primitives, results keep their names, new values their widths', async (test) => {
  const whole = memberProgram();
  const small = decompose(whole, primitives);
  const operations = small.segments.flatMap((segment) => segment.operations);
  test.ok(operations.every(({ op }) => primitives.has(op)));
  test.same(small.values.y, whole.values.y);
  test.same(small.values['router.1.limited'], { width: 8, rows: 'tokens' });
  test.same(small.values['experts.2.gate'], { width: 12, rows: 'tokens' }, 'two choices of six columns');
  test.same(small.values['attention.3.dots'], { width: 3, rows: 'tokens', perPosition: true });
  test.same(small.weights, whole.weights, 'a weight source knows no others');
});

t.test('what a backend runs itself stays', async (test) => {
  const supported = new Set<OperationName>([...primitives, 'attention']);
  const names = decompose(memberProgram(), supported).segments.flatMap(({ operations }) =>
    operations.map(({ op }) => op),
  );
  test.ok(names.includes('attention'));
  test.notOk(names.includes('visible-dots'));
});

t.test('a primitive that is missing is named', async (test) => {
  const supported = new Set([...primitives].filter((name) => name !== 'top-k'));
  test.throws(() => decompose(memberProgram(), supported), {
    code: 'PROGRAM_OPERATION_UNSUPPORTED',
    message: /top-k → router\.1\.best-indices/,
  });
});

t.test('what a backend lacks is told in the words of the program', async (test) => {
  test.same(missingOperations(memberProgram(), primitives), []);
  const withoutChoice = new Set([...primitives].filter((name) => name !== 'top-k' && name !== 'linear'));
  test.same(missingOperations(memberProgram(), withoutChoice), ['linear', 'router']);
});

t.test('programs can be read', async (test) => {
  const program = programOf({
    weights: {
      up: declare([12, 12], { kind: 'split', axis: 0, cut: 'inner', unit: 2 }),
      down: declare([12, 12], { kind: 'split', axis: 1, cut: 'inner', unit: 2 }),
      scale: declare([12]),
    },
    operations: [
      { op: 'linear', input: 'x', weight: 'up', output: 's' },
      { op: 'linear', input: 's', weight: 'down', output: 'p' },
      { op: 'add', left: 's', right: 'p', output: 'z' },
      { op: 'rms-norm', input: 'z', weight: 'scale', epsilon: 0.5, output: 'y' },
    ],
  });
  const propagated = propagate(program);
  test.equal(
    printProgram(propagated),
    [
      'test layers 0–1, input hidden x: 12',
      'members 3',
      'cut heads: 0–1 | 1–1 | 1–4',
      'cut inner: 0–3 | 3–5 | 5–6',
      '@up: [12, 12] matrix split(axis 0, inner × 2) = up',
      '@down: [12, 12] matrix split(axis 1, inner × 2) = down',
      '@scale: [12] vector replicated = scale',
      '  s: 12 split(inner × 2) = linear(x, @up)',
      '  p: 12 partial = linear(s, @down)',
      '── all-reduce p',
      '── all-gather s.gathered from s',
      '  z: 12 replicated = add(s.gathered, p)',
      '  y: 12 replicated = rms-norm(z, @scale) epsilon=0.5',
      'output hidden y',
      '',
    ].join('\n'),
  );
  const member = lowerProgram(propagated, 1, { matrix: 'f16', embedding: 'f16' }, tensorsOf(program));
  test.equal(
    printMemberProgram(member),
    [
      'test layers 0–1, input hidden x: 12',
      'member 1 of 3',
      '@up: [4, 12] f16 = up[axis 0: 6–10]',
      '@down: [12, 4] f16 = down[axis 1: 6–10]',
      '@scale: [12] f32 = scale',
      'segment 0',
      '  s: 4 = linear(x, @up)',
      '  p: 12 = linear(s, @down)',
      '── all-reduce p',
      'segment 1',
      '── all-gather s.gathered from s: 6 + 4 + 2 columns',
      'segment 2',
      '  z: 12 = add(s.gathered, p)',
      '  y: 12 = rms-norm(z, @scale) epsilon=0.5',
      'output hidden y',
      '',
    ].join('\n'),
  );
});
