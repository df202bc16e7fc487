/**
 * Widths and rows of values: one set of rules for logical programs and for member programs, because an operation means
 * the same in whole and in local widths.
 */
import type { ProgramOperation, StatePart } from '../spec/operations.js';
import type { MemberState, MemberValue, ValueRows } from '../spec/program.js';
import { ensure, fail, listed } from './invalid.js';

/** What the rules need to know of the program around an operation. */
export interface WidthContext {
  readonly path: string;
  value(name: string): MemberValue;
  /** Shape of a weight. */
  weight(name: string): readonly number[];
  state(name: string): MemberState;
}

const elementsOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

type Outputs = Readonly<Record<string, MemberValue>>;

/**
 * Checks that the operation's operands fit together, and gives the width and rows of each value it makes.
 * Throws PROGRAM_INVALID with the path of the operation.
 */
export function inferOutputs(operation: ProgramOperation, context: WidthContext): Outputs {
  const { path } = context;
  const check = (condition: boolean, problem: () => string): void => ensure(condition, path, problem);
  const one = (name: string, width: number, rows: ValueRows): Outputs => ({ [name]: { width, rows } });
  const plain = (name: string): MemberValue => {
    const value = context.value(name);
    check(
      value.perPosition === undefined,
      () => `'${name}' has lists per position; only visible-* operations take them`,
    );
    return value;
  };
  const groupsOf = (width: number, groupSize: number, what: string): number => {
    check(
      Number.isInteger(groupSize) && groupSize > 0,
      () => `group size ${groupSize} of ${what} is not a positive integer`,
    );
    check(width % groupSize === 0, () => `${what} has ${width} columns, not a multiple of its group size ${groupSize}`);
    return width / groupSize;
  };
  const vector = (name: string | undefined, length: number): void => {
    if (name === undefined) return;
    const shape = context.weight(name);
    check(
      shape.length === 1 && shape[0] === length,
      () => `weight '${name}' is ${listed(shape)}, expected [${length}]`,
    );
  };
  const shaped = (name: string | undefined, expected: readonly (number | undefined)[]): readonly number[] => {
    if (name === undefined) return [];
    const shape = context.weight(name);
    const fits =
      shape.length === expected.length && expected.every((size, axis) => (size ?? shape[axis]) === shape[axis]);
    check(
      fits,
      () => `weight '${name}' is ${listed(shape)}, expected ${listed(expected.map((size) => size ?? 'any'))}`,
    );
    return shape;
  };
  const sameRows = (...names: readonly string[]): ValueRows => {
    const rows = names.map((name) => plain(name).rows);
    check(new Set(rows).size <= 1, () => `${names.map((name) => `'${name}'`).join(', ')} have different rows`);
    return rows[0] as ValueRows;
  };
  const partWidth = (name: string, part: StatePart): number => {
    const state = context.state(name);
    if (state.kind === 'key-value' && part === 'keys') return state.keyWidth;
    if (state.kind === 'key-value' && part === 'values') return state.valueWidth;
    if (state.kind === 'latent' && part === 'rows') return state.width;
    return fail('PROGRAM_INVALID', path, `state '${name}' is of kind ${state.kind} and has no part '${part}'`);
  };
  const stateKind = <Kind extends MemberState['kind']>(name: string, kind: Kind): MemberState & { kind: Kind } => {
    const state = context.state(name);
    check(state.kind === kind, () => `state '${name}' is of kind ${state.kind}, expected ${kind}`);
    return state as MemberState & { kind: Kind };
  };
  const recurrent = (name: string, expected: readonly number[]): void => {
    const { shape } = stateKind(name, 'recurrent');
    const fits = shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);
    check(fits, () => `state '${name}' is ${listed(shape)}, expected ${listed(expected)}`);
  };
  const perStep = (name: string): MemberValue => {
    const value = plain(name);
    check(value.rows === 'tokens', () => `'${name}' holds output rows only; states need a row per token`);
    return value;
  };
  const shares = (heads: number, sharedHeads: number, what: string): void =>
    check(
      sharedHeads > 0 && heads % sharedHeads === 0,
      () => `${heads} ${what} cannot share ${sharedHeads} heads equally`,
    );

  switch (operation.op) {
    case 'embedding':
      return one(operation.output, shaped(operation.weight, [undefined, undefined])[1] as number, 'tokens');
    case 'linear': {
      const { width, rows } = plain(operation.input);
      const outputs = shaped(operation.weight, [undefined, width])[0] as number;
      vector(operation.bias, outputs);
      return one(operation.output, outputs, rows);
    }
    case 'add':
    case 'multiply': {
      const left = plain(operation.left);
      const right = plain(operation.right);
      check(
        left.width === right.width,
        () => `'${operation.left}' has ${left.width} columns, '${operation.right}' ${right.width}`,
      );
      return one(operation.output, left.width, sameRows(operation.left, operation.right));
    }
    case 'multiply-groups': {
      const { width } = plain(operation.input);
      const groups = groupsOf(width, operation.groupSize, `'${operation.input}'`);
      const factors = plain(operation.factors).width;
      check(factors === groups, () => `'${operation.factors}' has ${factors} columns for ${groups} groups`);
      return one(operation.output, width, sameRows(operation.input, operation.factors));
    }
    case 'multiply-vector':
    case 'add-vector': {
      const { width, rows } = plain(operation.input);
      groupsOf(width, elementsOf(context.weight(operation.weight)), `'${operation.input}'`);
      return one(operation.output, width, rows);
    }
    case 'scale':
    case 'clamp':
    case 'elementwise':
    case 'replicate': {
      const { width, rows } = plain(operation.input);
      return one(operation.output, width, rows);
    }
    case 'rms-norm':
    case 'layer-norm':
    case 'l2-norm':
    case 'softmax': {
      const { width, rows } = plain(operation.input);
      const groupSize = operation.groupSize ?? width;
      groupsOf(width, groupSize, `'${operation.input}'`);
      if ('weight' in operation) vector(operation.weight, groupSize);
      if ('bias' in operation) vector(operation.bias, groupSize);
      return one(operation.output, width, rows);
    }
    case 'rotary': {
      const { width } = perStep(operation.input);
      const { headSize, rotatedSize, inverseFrequencies } = operation;
      groupsOf(width, headSize, `'${operation.input}'`);
      check(
        rotatedSize <= headSize && rotatedSize % 2 === 0,
        () => `cannot rotate ${rotatedSize} of ${headSize} columns`,
      );
      check(
        inverseFrequencies.length === rotatedSize / 2,
        () => `${inverseFrequencies.length} inverse frequencies for ${rotatedSize} rotated columns`,
      );
      return one(operation.output, width, 'tokens');
    }
    case 'slice': {
      const { width, rows } = plain(operation.input);
      const groupSize = operation.groupSize ?? width;
      const groups = groupsOf(width, groupSize, `'${operation.input}'`);
      const { from, to } = operation;
      check(
        from >= 0 && from < to && to <= groupSize,
        () => `slice [${from}, ${to}) leaves groups of ${groupSize} columns`,
      );
      return one(operation.output, groups * (to - from), rows);
    }
    case 'concat': {
      check(operation.inputs.length > 0, () => 'concat has no inputs');
      const widths = operation.inputs.map((name) => plain(name).width);
      const sizes = operation.groupSizes ?? widths;
      check(sizes.length === widths.length, () => `${sizes.length} group sizes for ${widths.length} inputs`);
      const groups = widths.map((width, index) =>
        groupsOf(width, sizes[index] as number, `'${operation.inputs[index]}'`),
      );
      check(new Set(groups).size === 1, () => `the inputs have ${groups.join(', ')} groups, expected equally many`);
      return one(
        operation.output,
        widths.reduce((sum, width) => sum + width, 0),
        sameRows(...operation.inputs),
      );
    }
    case 'repeat': {
      const { width, rows } = plain(operation.input);
      if (operation.groupSize !== undefined) groupsOf(width, operation.groupSize, `'${operation.input}'`);
      check(Number.isInteger(operation.times) && operation.times > 0, () => `cannot repeat ${operation.times} times`);
      return one(operation.output, width * operation.times, rows);
    }
    case 'select-outputs':
      return one(operation.output, perStep(operation.input).width, 'outputs');
    case 'sum-groups': {
      const { width, rows } = plain(operation.input);
      return one(operation.output, groupsOf(width, operation.groupSize, `'${operation.input}'`), rows);
    }
    case 'add-groups': {
      const { width, rows } = plain(operation.input);
      groupsOf(width, operation.groupSize, `'${operation.input}'`);
      return one(operation.output, operation.groupSize, rows);
    }
    case 'zeros':
      check(Number.isInteger(operation.width) && operation.width > 0, () => `width ${operation.width} is not positive`);
      return one(operation.output, operation.width, 'tokens');
    case 'broadcast':
      return one(operation.output, shaped(operation.weight, [undefined])[0] as number, 'tokens');
    case 'group-linear': {
      const { width, rows } = plain(operation.input);
      const [groups, outputs, inputs] = shaped(operation.weight, [undefined, undefined, undefined]) as [
        number,
        number,
        number,
      ];
      check(
        width === groups * inputs,
        () => `'${operation.input}' has ${width} columns, expected ${groups} × ${inputs}`,
      );
      return one(operation.output, groups * outputs, rows);
    }
    case 'expert-linear': {
      const { width } = plain(operation.input);
      const choices = plain(operation.indices).width;
      const [experts, outputs, inputs] = shaped(operation.weight, [undefined, undefined, undefined]) as [
        number,
        number,
        number,
      ];
      check(
        width === inputs || width === choices * inputs,
        () => `'${operation.input}' has ${width} columns, expected ${inputs} or ${choices} × ${inputs}`,
      );
      shaped(operation.bias, [experts, outputs]);
      return one(operation.output, choices * outputs, sameRows(operation.input, operation.indices));
    }
    case 'top-k': {
      const { width, rows } = plain(operation.input);
      const groupSize = operation.groupSize ?? width;
      const groups = groupsOf(width, groupSize, `'${operation.input}'`);
      check(operation.k > 0 && operation.k <= groupSize, () => `cannot choose ${operation.k} of ${groupSize} columns`);
      const chosen: MemberValue = { width: groups * operation.k, rows };
      return { [operation.indices]: chosen, [operation.values]: chosen };
    }
    case 'gather-columns':
      return one(operation.output, plain(operation.indices).width, sameRows(operation.input, operation.indices));
    case 'keep-columns':
      return one(operation.output, operation.width, plain(operation.indices).rows);
    case 'localize-experts': {
      const { width } = plain(operation.indices);
      check(
        width === plain(operation.weights).width,
        () => `'${operation.indices}' and '${operation.weights}' differ in width`,
      );
      check(operation.range[0] < operation.range[1], () => 'the range of local experts is empty');
      const value: MemberValue = { width, rows: sameRows(operation.indices, operation.weights) };
      return { [operation.localIndices]: value, [operation.localWeights]: value };
    }
    case 'append-state': {
      const expected = partWidth(operation.state, operation.part);
      const { width } = perStep(operation.input);
      check(
        width === expected,
        () => `'${operation.input}' has ${width} columns, the state's ${operation.part} ${expected}`,
      );
      return {};
    }
    case 'visible-dots': {
      const heads = groupsOf(perStep(operation.query).width, operation.headSize, `'${operation.query}'`);
      const stateWidth = partWidth(operation.state, operation.part);
      shares(heads, groupsOf(stateWidth, operation.headSize, `state '${operation.state}'`), 'query heads');
      return { [operation.output]: { width: heads, rows: 'tokens', perPosition: true } };
    }
    case 'visible-softmax': {
      const value = context.value(operation.input);
      check(value.perPosition === true, () => `'${operation.input}' has no lists per position`);
      vector(operation.sinks, value.width);
      return { [operation.output]: value };
    }
    case 'visible-sum': {
      const weights = context.value(operation.weights);
      check(weights.perPosition === true, () => `'${operation.weights}' has no lists per position`);
      const stateWidth = partWidth(operation.state, operation.part);
      shares(weights.width, groupsOf(stateWidth, operation.headSize, `state '${operation.state}'`), 'columns');
      const take = operation.take ?? operation.headSize;
      check(take > 0 && take <= operation.headSize, () => `cannot take ${take} of ${operation.headSize} columns`);
      return one(operation.output, weights.width * take, 'tokens');
    }
    case 'recent-rows': {
      const { width } = perStep(operation.input);
      check(Number.isInteger(operation.count) && operation.count > 1, () => `count ${operation.count} is not above 1`);
      recurrent(operation.state, [operation.count - 1, width]);
      return one(operation.output, operation.count * width, 'tokens');
    }
    case 'delta-rule': {
      const { keySize, valueSize } = operation;
      const heads = groupsOf(perStep(operation.value).width, valueSize, `'${operation.value}'`);
      for (const name of [operation.query, operation.key]) {
        const { width } = perStep(name);
        check(width === heads * keySize, () => `'${name}' has ${width} columns, expected ${heads} × ${keySize}`);
      }
      for (const name of [operation.decay, operation.rate]) {
        const { width } = perStep(name);
        check(width === heads, () => `'${name}' has ${width} columns, expected ${heads}`);
      }
      recurrent(operation.state, [heads, keySize, valueSize]);
      return one(operation.output, heads * valueSize, 'tokens');
    }
    case 'attention': {
      const { headSize } = operation;
      const valueHeadSize = operation.valueHeadSize ?? headSize;
      const heads = groupsOf(perStep(operation.query).width, headSize, `'${operation.query}'`);
      const keyWidth = perStep(operation.key).width;
      const valueWidth = perStep(operation.value).width;
      const keyHeads = groupsOf(keyWidth, headSize, `'${operation.key}'`);
      const valueHeads = groupsOf(valueWidth, valueHeadSize, `'${operation.value}'`);
      check(keyHeads === valueHeads, () => `${keyHeads} key heads but ${valueHeads} value heads`);
      shares(heads, keyHeads, 'query heads');
      const state = stateKind(operation.state, 'key-value');
      check(
        state.keyWidth === keyWidth && state.valueWidth === valueWidth,
        () =>
          `state '${operation.state}' holds ${state.keyWidth} + ${state.valueWidth} columns, not ${keyWidth} + ${valueWidth}`,
      );
      vector(operation.sinks, heads);
      return one(operation.output, heads * valueHeadSize, 'tokens');
    }
    case 'gated-feed-forward': {
      const { width, rows } = plain(operation.input);
      const inner = shaped(operation.gate, [undefined, width])[0] as number;
      shaped(operation.up, [inner, width]);
      const outputs = shaped(operation.down, [undefined, inner])[0] as number;
      vector(operation.gateBias, inner);
      vector(operation.upBias, inner);
      vector(operation.downBias, outputs);
      return one(operation.output, outputs, rows);
    }
    case 'latent-attention': {
      const { headSize, valueSize } = operation;
      const heads = groupsOf(perStep(operation.query).width, headSize, `'${operation.query}'`);
      const latent = perStep(operation.latent).width;
      const state = stateKind(operation.state, 'latent');
      check(latent === headSize, () => `'${operation.latent}' has ${latent} columns, expected ${headSize}`);
      check(
        state.width === headSize,
        () => `state '${operation.state}' has ${state.width} columns, expected ${headSize}`,
      );
      check(valueSize > 0 && valueSize <= headSize, () => `cannot take ${valueSize} of ${headSize} columns`);
      return one(operation.output, heads * valueSize, 'tokens');
    }
    case 'router': {
      const { width, rows } = plain(operation.logits);
      const { groups, topK } = operation;
      let choosable = width;
      if (groups !== undefined) {
        check(width % groups.count === 0, () => `${width} experts cannot be ${groups.count} equal groups`);
        check(
          groups.kept > 0 && groups.kept <= groups.count,
          () => `cannot keep ${groups.kept} of ${groups.count} groups`,
        );
        check(width / groups.count >= 2, () => 'a group of experts needs two of them');
        choosable = (width / groups.count) * groups.kept;
      }
      check(topK > 0 && topK <= choosable, () => `cannot choose ${topK} of ${choosable} experts`);
      vector(operation.correctionBias, width);
      const chosen: MemberValue = { width: topK, rows };
      return { [operation.indices]: chosen, [operation.weights]: chosen };
    }
    case 'experts': {
      const { width } = plain(operation.input);
      const choices = plain(operation.indices).width;
      check(
        choices === plain(operation.weights).width,
        () => `'${operation.indices}' and '${operation.weights}' differ in width`,
      );
      const [experts, inner] = shaped(operation.gate, [undefined, undefined, width]) as [number, number];
      shaped(operation.up, [experts, inner, width]);
      const outputs = shaped(operation.down, [experts, undefined, inner])[1] as number;
      shaped(operation.gateBias, [experts, inner]);
      shaped(operation.upBias, [experts, inner]);
      shaped(operation.downBias, [experts, outputs]);
      return one(operation.output, outputs, sameRows(operation.input, operation.indices, operation.weights));
    }
    case 'causal-convolution': {
      const { width } = perStep(operation.input);
      const kernel = shaped(operation.weight, [width, undefined])[1] as number;
      check(kernel > 1, () => `a kernel of ${kernel} looks at no earlier row`);
      vector(operation.bias, width);
      recurrent(operation.state, [kernel - 1, width]);
      return one(operation.output, width, 'tokens');
    }
    case 'gated-linear-attention': {
      const { keySize, valueSize } = operation;
      const heads = groupsOf(perStep(operation.value).width, valueSize, `'${operation.value}'`);
      const keyHeads = groupsOf(perStep(operation.query).width, keySize, `'${operation.query}'`);
      const keyWidth = perStep(operation.key).width;
      check(
        keyWidth === keyHeads * keySize,
        () => `'${operation.key}' has ${keyWidth} columns, expected ${keyHeads} × ${keySize}`,
      );
      shares(heads, keyHeads, 'value heads');
      for (const name of [operation.logDecay, operation.rate]) {
        const { width } = perStep(name);
        check(width === heads, () => `'${name}' has ${width} columns, expected ${heads}`);
      }
      recurrent(operation.state, [heads, keySize, valueSize]);
      return one(operation.output, heads * valueSize, 'tokens');
    }
    default: {
      const unknown: never = operation;
      return fail('PROGRAM_INVALID', path, `unknown operation '${(unknown as { op: string }).op}'`);
    }
  }
}
