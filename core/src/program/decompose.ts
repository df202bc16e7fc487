/**
 * Normative decomposition of macro operations into primitives. A backend runs a macro itself or this; the results agree
 * within rounding.
 */
import type {
  AttentionOperation,
  CausalConvolutionOperation,
  ExpertsOperation,
  GatedFeedForwardOperation,
  GatedLinearAttentionOperation,
  LatentAttentionOperation,
  MacroOperation,
  Operation,
  OperationName,
  PrimitiveOperation,
  RouterOperation,
} from '../spec/operations.js';
import type { MemberProgram, MemberValue, Segment } from '../spec/program.js';
import { fail } from './invalid.js';
import { operationPath } from './validate.js';
import { inferOutputs } from './widths.js';

/** Operations that have a decomposition. */
export const macroOperations: readonly MacroOperation['op'][] = [
  'attention',
  'gated-feed-forward',
  'latent-attention',
  'router',
  'experts',
  'causal-convolution',
  'gated-linear-attention',
];

/** What a decomposition may ask of its place. */
interface Place {
  /** A name for an intermediate value. */
  readonly name: (purpose: string) => string;
  readonly width: (value: string) => number;
  readonly shape: (weight: string) => readonly number[];
}

function attention(operation: AttentionOperation, place: Place): PrimitiveOperation[] {
  const { query, key, value, state, headSize, scale, window, sinks, output } = operation;
  const dots = place.name('dots');
  const weights = place.name('weights');
  return [
    { op: 'append-state', input: key, state, part: 'keys' },
    { op: 'append-state', input: value, state, part: 'values' },
    {
      op: 'visible-dots',
      query,
      state,
      part: 'keys',
      headSize,
      scale,
      ...(window === undefined ? {} : { window }),
      output: dots,
    },
    { op: 'visible-softmax', input: dots, ...(sinks === undefined ? {} : { sinks }), output: weights },
    { op: 'visible-sum', weights, state, part: 'values', headSize: operation.valueHeadSize ?? headSize, output },
  ];
}

function latentAttention(operation: LatentAttentionOperation, place: Place): PrimitiveOperation[] {
  const { query, latent, state, headSize, valueSize, scale, output } = operation;
  const dots = place.name('dots');
  const weights = place.name('weights');
  return [
    { op: 'append-state', input: latent, state, part: 'rows' },
    { op: 'visible-dots', query, state, part: 'rows', headSize, scale, output: dots },
    { op: 'visible-softmax', input: dots, output: weights },
    { op: 'visible-sum', weights, state, part: 'rows', headSize, take: valueSize, output },
  ];
}

const linear = (input: string, weight: string, bias: string | undefined, output: string): PrimitiveOperation =>
  bias === undefined ? { op: 'linear', input, weight, output } : { op: 'linear', input, weight, bias, output };

function gatedFeedForward(operation: GatedFeedForwardOperation, place: Place): PrimitiveOperation[] {
  const { input, gateBias, upBias, downBias, activation, output } = operation;
  const gate = place.name('gate');
  const up = place.name('up');
  const activated = place.name('activated');
  const product = place.name('product');
  return [
    linear(input, operation.gate, gateBias, gate),
    linear(input, operation.up, upBias, up),
    { op: 'elementwise', function: activation, input: gate, output: activated },
    { op: 'multiply', left: activated, right: up, output: product },
    linear(product, operation.down, downBias, output),
  ];
}

function router(operation: RouterOperation, place: Place): PrimitiveOperation[] {
  const { logits, scoring, correctionBias, groups, topK, normalize, normalizeEpsilon, factor, indices } = operation;
  const result: PrimitiveOperation[] = [];
  let scores = logits;
  if (scoring !== 'softmax-of-chosen') {
    scores = place.name('scores');
    result.push(
      scoring === 'softmax'
        ? { op: 'softmax', input: logits, output: scores }
        : { op: 'elementwise', function: 'sigmoid', input: logits, output: scores },
    );
  }
  let choice = scores;
  if (correctionBias !== undefined) {
    choice = place.name('corrected');
    result.push({ op: 'add-vector', input: scores, weight: correctionBias, output: choice });
  }
  if (groups !== undefined) {
    const groupSize = place.width(logits) / groups.count;
    const [best, groupScores, kept, ignored] = ['best', 'group-scores', 'kept-groups', 'kept-scores'].map(
      place.name,
    ) as [string, string, string, string];
    const [bestIndices, keep, keepExperts, limited] = ['best-indices', 'keep', 'keep-experts', 'limited'].map(
      place.name,
    ) as [string, string, string, string];
    result.push(
      { op: 'top-k', input: choice, k: 2, groupSize, indices: bestIndices, values: best },
      { op: 'sum-groups', input: best, groupSize: 2, output: groupScores },
      { op: 'top-k', input: groupScores, k: groups.kept, indices: kept, values: ignored },
      { op: 'keep-columns', indices: kept, width: groups.count, output: keep },
      { op: 'repeat', input: keep, groupSize: 1, times: groupSize, output: keepExperts },
      { op: 'add', left: choice, right: keepExperts, output: limited },
    );
    choice = limited;
  }
  const chosenValues = place.name('chosen');
  result.push({ op: 'top-k', input: choice, k: topK, indices, values: chosenValues });
  let weights = chosenValues;
  const next = (purpose: string, make: (input: string, output: string) => PrimitiveOperation): void => {
    const output = place.name(purpose);
    result.push(make(weights, output));
    weights = output;
  };
  // The choice was made on corrected scores; the weights are the plain ones.
  if (choice !== scores) next('plain', (_, output) => ({ op: 'gather-columns', input: scores, indices, output }));
  if (scoring === 'softmax-of-chosen') next('softmax', (input, output) => ({ op: 'softmax', input, output }));
  if (normalize) {
    const sum = place.name('sum');
    const inverse = place.name('inverse');
    result.push({ op: 'sum-groups', input: weights, groupSize: topK, output: sum });
    let divisor = sum;
    if (normalizeEpsilon !== undefined) {
      divisor = place.name('divisor');
      result.push({ op: 'scale', input: sum, factor: 1, offset: normalizeEpsilon, output: divisor });
    }
    result.push({ op: 'elementwise', function: 'reciprocal', input: divisor, output: inverse });
    next('normalized', (input, output) => ({
      op: 'multiply-groups',
      input,
      factors: inverse,
      groupSize: topK,
      output,
    }));
  }
  result.push({ op: 'scale', input: weights, factor, output: operation.weights });
  return result;
}

function experts(operation: ExpertsOperation, place: Place): PrimitiveOperation[] {
  const { input, indices, weights, activation, output } = operation;
  const expertLinear = (from: string, weight: string, bias: string | undefined, to: string): PrimitiveOperation => ({
    op: 'expert-linear',
    input: from,
    indices,
    weight,
    ...(bias === undefined ? {} : { bias }),
    output: to,
  });
  const [gate, up, product, down, weighted] = ['gate', 'up', 'product', 'down', 'weighted'].map(place.name) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const groupSize = place.shape(operation.down)[1] as number;
  return [
    expertLinear(input, operation.gate, operation.gateBias, gate),
    expertLinear(input, operation.up, operation.upBias, up),
    ...expertActivation(activation, gate, up, product, place),
    expertLinear(product, operation.down, operation.downBias, down),
    { op: 'multiply-groups', input: down, factors: weights, groupSize, output: weighted },
    { op: 'add-groups', input: weighted, groupSize, output },
  ];
}

function expertActivation(
  activation: ExpertsOperation['activation'],
  gate: string,
  up: string,
  output: string,
  place: Place,
): PrimitiveOperation[] {
  if (typeof activation === 'string') {
    const activated = place.name('activated');
    return [
      { op: 'elementwise', function: activation, input: gate, output: activated },
      { op: 'multiply', left: activated, right: up, output },
    ];
  }
  const { limit, alpha } = activation;
  const names = ['clamped-gate', 'clamped-up', 'steep', 'sigmoid', 'activated', 'lifted'].map(place.name);
  const [clampedGate, clampedUp, steep, sigmoid, activated, lifted] = names as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return [
    { op: 'clamp', input: gate, maximum: limit, output: clampedGate },
    { op: 'clamp', input: up, minimum: -limit, maximum: limit, output: clampedUp },
    { op: 'scale', input: clampedGate, factor: alpha, output: steep },
    { op: 'elementwise', function: 'sigmoid', input: steep, output: sigmoid },
    { op: 'multiply', left: clampedGate, right: sigmoid, output: activated },
    { op: 'scale', input: clampedUp, factor: 1, offset: 1, output: lifted },
    { op: 'multiply', left: activated, right: lifted, output },
  ];
}

function causalConvolution(operation: CausalConvolutionOperation, place: Place): PrimitiveOperation[] {
  const { input, weight, bias, activation, state, output } = operation;
  const count = place.shape(weight)[1] as number;
  const [recent, products] = ['recent', 'products'].map(place.name) as [string, string];
  const sum = bias === undefined && activation === undefined ? output : place.name('sum');
  const biased = bias === undefined ? sum : activation === undefined ? output : place.name('biased');
  const result: PrimitiveOperation[] = [
    { op: 'recent-rows', input, state, count, output: recent },
    { op: 'multiply-vector', input: recent, weight, output: products },
    { op: 'sum-groups', input: products, groupSize: count, output: sum },
  ];
  if (bias !== undefined) result.push({ op: 'add-vector', input: sum, weight: bias, output: biased });
  if (activation !== undefined) result.push({ op: 'elementwise', function: activation, input: biased, output });
  return result;
}

function gatedLinearAttention(operation: GatedLinearAttentionOperation, place: Place): PrimitiveOperation[] {
  const { value, logDecay, rate, state, keySize, valueSize, scale, normalizeEpsilon, output } = operation;
  const times = (place.width(value) / valueSize) * (keySize / place.width(operation.key));
  const result: PrimitiveOperation[] = [];
  const prepare = (input: string, name: string): string => {
    let current = input;
    if (normalizeEpsilon !== undefined) {
      const normalized = place.name(`${name}-normalized`);
      result.push({ op: 'l2-norm', input: current, epsilon: normalizeEpsilon, groupSize: keySize, output: normalized });
      current = normalized;
    }
    if (times === 1) return current;
    const repeated = place.name(`${name}-repeated`);
    result.push({ op: 'repeat', input: current, groupSize: keySize, times, output: repeated });
    return repeated;
  };
  const query = prepare(operation.query, 'query');
  const key = prepare(operation.key, 'key');
  const [scaled, decay] = ['query-scaled', 'decay'].map(place.name) as [string, string];
  result.push(
    { op: 'scale', input: query, factor: scale, output: scaled },
    { op: 'elementwise', function: 'exp', input: logDecay, output: decay },
    { op: 'delta-rule', query: scaled, key, value, decay, rate, state, keySize, valueSize, output },
  );
  return result;
}

function decomposeOperation(operation: MacroOperation, place: Place): PrimitiveOperation[] {
  switch (operation.op) {
    case 'attention':
      return attention(operation, place);
    case 'gated-feed-forward':
      return gatedFeedForward(operation, place);
    case 'latent-attention':
      return latentAttention(operation, place);
    case 'router':
      return router(operation, place);
    case 'experts':
      return experts(operation, place);
    case 'causal-convolution':
      return causalConvolution(operation, place);
    case 'gated-linear-attention':
      return gatedLinearAttention(operation, place);
  }
}

const isMacro = (operation: Operation): operation is MacroOperation =>
  (macroOperations as readonly string[]).includes(operation.op);

/** The segments with every macro operation that `supported` lacks replaced by primitives. */
function replaceMacros(program: MemberProgram, supported: ReadonlySet<OperationName>): Segment[] {
  let index = -1;
  const expand = (operation: Operation): Operation[] => {
    index += 1;
    if (supported.has(operation.op) || !isMacro(operation)) return [operation];
    const prefix = `${operation.op}.${index}`;
    return decomposeOperation(operation, {
      name: (purpose) => `${prefix}.${purpose}`,
      width: (value) => program.values[value]?.width ?? 0,
      shape: (weight) => program.weights[weight]?.shape ?? [],
    });
  };
  return program.segments.map((segment) => ({ ...segment, operations: segment.operations.flatMap(expand) }));
}

/**
 * Operations of the program that a backend can run neither itself nor as the primitives that make them up; empty: it
 * runs the program.
 */
export function missingOperations(program: MemberProgram, supported: ReadonlySet<OperationName>): OperationName[] {
  const missing = program.segments.flatMap(({ operations }) =>
    operations.filter((operation) => {
      const alone: MemberProgram = { ...program, segments: [{ operations: [operation] }] };
      return replaceMacros(alone, supported).some((segment) => segment.operations.some(({ op }) => !supported.has(op)));
    }),
  );
  return [...new Set(missing.map(({ op }) => op))];
}

/**
 * The program with every macro operation that `supported` lacks replaced by primitives; widths of the new values are
 * filled in. Throws PROGRAM_OPERATION_UNSUPPORTED for a primitive that is missing too.
 */
export function decompose(program: MemberProgram, supported: ReadonlySet<OperationName>): MemberProgram {
  const values: Record<string, MemberValue> = { ...program.values };
  const segments = replaceMacros(program, supported);
  for (const [position, operation] of segments.flatMap(({ operations }) => operations).entries()) {
    const path = operationPath(operation, position);
    if (!supported.has(operation.op)) {
      fail('PROGRAM_OPERATION_UNSUPPORTED', path, 'the backend does not run this operation');
    }
    const outputs = inferOutputs(operation, {
      path,
      value: (name) => values[name] as MemberValue,
      weight: (name) => program.weights[name]?.shape ?? [],
      state: (name) => program.states[name] ?? fail('PROGRAM_INVALID', path, `state '${name}' is not declared`),
    });
    for (const [name, value] of Object.entries(outputs)) values[name] ??= value;
  }
  return { ...program, values, segments };
}
