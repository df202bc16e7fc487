/** Evaluates weight expressions over an open checkpoint, for backends in TypeScript. */
import { concatParts, expressionShape, flatBounds } from '../program/weights.js';
import type { WeightSource } from '../spec/backend.js';
import { ShoalError } from '../spec/errors.js';
import type { MemberProgram, WeightExpression } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { SafetensorsCheckpoint } from './safetensors.js';

const length = ([from, to]: Range): number => to - from;
const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1);
const replaceAt = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((old, i) => (i === index ? value : old));

/** The box `ranges` of an expression's result, row-major, as F32. */
export function evaluateExpression(
  expression: WeightExpression,
  ranges: readonly Range[],
  checkpoint: SafetensorsCheckpoint,
): Float32Array {
  const shape = ranges.map(length);
  const result = new Float32Array(product(shape));
  if (result.length === 0) return result;
  switch (expression.kind) {
    case 'tensor':
      readBox(expression.name, ranges, checkpoint, result);
      return result;
    case 'slice': {
      const [from, to] = ranges[expression.axis] as Range;
      const offset = expression.range[0];
      return evaluateExpression(
        expression.input,
        replaceAt(ranges, expression.axis, [offset + from, offset + to] as const),
        checkpoint,
      );
    }
    case 'concat': {
      let start = 0;
      for (const { input, range } of concatParts(expression, ranges[expression.axis] as Range, checkpoint.tensors)) {
        const part = evaluateExpression(input, replaceAt(ranges, expression.axis, range), checkpoint);
        copyAlongAxis(part, result, shape, expression.axis, length(range), start);
        start += length(range);
      }
      return result;
    }
    case 'stack': {
      const [from, to] = ranges[0] as Range;
      const size = product(shape.slice(1));
      for (const [index, input] of expression.inputs.slice(from, to).entries()) {
        result.set(evaluateExpression(input, ranges.slice(1), checkpoint), index * size);
      }
      return result;
    }
    case 'stride': {
      const { axis, start, step } = expression;
      const [from, to] = ranges[axis] as Range;
      const covering: Range = [start + from * step, start + (to - 1) * step + 1];
      const dense = evaluateExpression(expression.input, replaceAt(ranges, axis, covering), checkpoint);
      const inner = product(shape.slice(axis + 1));
      const outer = product(shape.slice(0, axis));
      for (let row = 0; row < outer; row += 1) {
        for (let index = 0; index < to - from; index += 1) {
          const source = (row * length(covering) + index * step) * inner;
          result.set(dense.subarray(source, source + inner), (row * (to - from) + index) * inner);
        }
      }
      return result;
    }
    case 'transpose':
    case 'permute': {
      const order = expression.kind === 'permute' ? expression.order : transposedOrder(ranges.length);
      const inputRanges: Range[] = [...ranges];
      for (const [axis, range] of ranges.entries()) inputRanges[order[axis] as number] = range;
      permute(evaluateExpression(expression.input, inputRanges, checkpoint), inputRanges.map(length), order, result);
      return result;
    }
    case 'reshape': {
      const inputShape = expressionShape(expression.input, checkpoint.tensors);
      const [first, last] = flatBounds(ranges, expression.shape);
      const rowSize = product(inputShape.slice(1));
      const rows: Range = [Math.floor(first / rowSize), Math.floor(last / rowSize) + 1];
      const covering = [rows, ...inputShape.slice(1).map((size): Range => [0, size])];
      const dense = evaluateExpression(expression.input, covering, checkpoint);
      let written = 0;
      forEachRun(ranges, expression.shape, (start, count) => {
        const source = start - rows[0] * rowSize;
        result.set(dense.subarray(source, source + count), written);
        written += count;
      });
      return result;
    }
    case 'convert':
      // A conversion changes how a weight is kept, not what it means.
      return evaluateExpression(expression.input, ranges, checkpoint);
  }
}

const transposedOrder = (rank: number): number[] => {
  const order = Array.from({ length: rank }, (_, axis) => axis);
  return [...order.slice(0, -2), rank - 1, rank - 2];
};

/** Calls back for each contiguous run of a box of an array of the given shape. */
function forEachRun(
  ranges: readonly Range[],
  shape: readonly number[],
  callback: (start: number, count: number) => void,
): void {
  const last = ranges.length - 1;
  const visit = (axis: number, offset: number): void => {
    const [from, to] = ranges[axis] ?? [0, 1];
    const base = offset * (shape[axis] ?? 1);
    if (axis >= last) {
      callback(base + from, to - from);
      return;
    }
    for (let index = from; index < to; index += 1) visit(axis + 1, base + index);
  };
  visit(0, 0);
}

function readBox(
  name: string,
  ranges: readonly Range[],
  checkpoint: SafetensorsCheckpoint,
  result: Float32Array,
): void {
  const shape = checkpoint.tensors.get(name)?.shape ?? [];
  const wholeRows = ranges.slice(1).every(([from, to], axis) => from === 0 && to === shape[axis + 1]);
  if (wholeRows) {
    const [from, to] = ranges[0] ?? [0, 1];
    const rowSize = product(shape.slice(1));
    checkpoint.readElements(name, [from * rowSize, to * rowSize], result);
    return;
  }
  let written = 0;
  forEachRun(ranges, shape, (start, count) => {
    checkpoint.readElements(name, [start, start + count], result, written);
    written += count;
  });
}

function copyAlongAxis(
  part: Float32Array,
  into: Float32Array,
  shape: readonly number[],
  axis: number,
  count: number,
  start: number,
): void {
  const inner = product(shape.slice(axis + 1));
  const outer = product(shape.slice(0, axis));
  const size = shape[axis] as number;
  for (let row = 0; row < outer; row += 1) {
    const source = row * count * inner;
    into.set(part.subarray(source, source + count * inner), (row * size + start) * inner);
  }
}

function permute(
  input: Float32Array,
  inputShape: readonly number[],
  order: readonly number[],
  result: Float32Array,
): void {
  const inputStrides = inputShape.map((_, axis) => product(inputShape.slice(axis + 1)));
  const shape = order.map((axis) => inputShape[axis] as number);
  const strides = order.map((axis) => inputStrides[axis] as number);
  const index = shape.map(() => 0);
  let source = 0;
  for (let position = 0; position < result.length; position += 1) {
    result[position] = input[source] as number;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] as number) + 1;
      source += strides[axis] as number;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      source -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
}

/** The local weights of a member program, read from an open checkpoint as they are asked for. */
export function checkpointWeightSource(program: MemberProgram, checkpoint: SafetensorsCheckpoint): WeightSource {
  return {
    read(weightName, rows, into) {
      const weight = program.weights[weightName];
      if (weight === undefined) throw new ShoalError('PROGRAM_INVALID', `the program has no weight '${weightName}'`);
      const [first, ...rest] = weight.shape as [number, ...number[]];
      const ranges: Range[] = rest.length === 0 ? [[0, first]] : [rows, ...rest.map((size): Range => [0, size])];
      const values = evaluateExpression(weight.source, ranges, checkpoint);
      if (values.length !== into.length) {
        throw new ShoalError(
          'INTERNAL',
          `weight '${weightName}': ${into.length} elements asked for, ${values.length} there`,
        );
      }
      into.set(values);
    },
  };
}
