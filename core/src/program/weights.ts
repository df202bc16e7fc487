/**
 * Algebra of weight expressions: shapes, slices pushed to the leaves, and which parts of which checkpoint tensors an
 * expression reads. No I/O.
 */

import { ShoalError } from '../spec/errors.js';
import type { CheckpointTensor } from '../spec/model.js';
import type { WeightExpression } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { ensure, fail, listed } from './invalid.js';

/** Tensors of a checkpoint by name. */
export type Tensors = ReadonlyMap<string, Pick<CheckpointTensor, 'shape' | 'storage' | 'byteLength'>>;

const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1);
const replaceAt = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((old, i) => (i === index ? value : old));

/** Throws MODEL_TENSOR_MISSING when the checkpoint lacks the tensor. */
export function tensorShape(name: string, tensors: Tensors): readonly number[] {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new ShoalError('MODEL_TENSOR_MISSING', `the checkpoint has no tensor '${name}'`, {
      details: { tensor: name },
    });
  }
  return tensor.shape;
}

/** Shape of the expression's result. Throws PROGRAM_INVALID where the expression does not fit its tensors. */
export function expressionShape(expression: WeightExpression, tensors: Tensors, path = 'weight'): readonly number[] {
  const shapeOf = (input: WeightExpression): readonly number[] => expressionShape(input, tensors, path);
  const axisOf = (shape: readonly number[], axis: number): number => {
    ensure(
      Number.isInteger(axis) && axis >= 0 && axis < shape.length,
      path,
      () => `axis ${axis} is not an axis of ${listed(shape)}`,
    );
    return shape[axis] as number;
  };
  switch (expression.kind) {
    case 'tensor':
      return tensorShape(expression.name, tensors);
    case 'slice': {
      const shape = shapeOf(expression.input);
      const size = axisOf(shape, expression.axis);
      const [from, to] = expression.range;
      ensure(
        from >= 0 && from <= to && to <= size,
        path,
        () => `slice [${from}, ${to}) leaves axis ${expression.axis} of ${listed(shape)}`,
      );
      return replaceAt(shape, expression.axis, to - from);
    }
    case 'concat': {
      const shapes = expression.inputs.map(shapeOf);
      const [first] = shapes;
      ensure(first !== undefined, path, () => 'concat has no inputs');
      axisOf(first, expression.axis);
      const total = shapes.reduce((sum, shape) => sum + axisOf(shape, expression.axis), 0);
      for (const shape of shapes) {
        const fits =
          shape.length === first.length &&
          shape.every((size, axis) => axis === expression.axis || size === first[axis]);
        ensure(fits, path, () => `concat along axis ${expression.axis} of ${listed(first)} and ${listed(shape)}`);
      }
      return replaceAt(first, expression.axis, total);
    }
    case 'stack': {
      const shapes = expression.inputs.map(shapeOf);
      const [first] = shapes;
      ensure(first !== undefined, path, () => 'stack has no inputs');
      for (const shape of shapes)
        ensure(String(shape) === String(first), path, () => `stack of ${listed(first)} and ${listed(shape)}`);
      return [shapes.length, ...first];
    }
    case 'stride': {
      const shape = shapeOf(expression.input);
      const size = axisOf(shape, expression.axis);
      const { start, step } = expression;
      ensure(
        step > 0 && start >= 0 && start < size,
        path,
        () => `stride from ${start} by ${step} over axis ${expression.axis} of ${listed(shape)}`,
      );
      return replaceAt(shape, expression.axis, Math.ceil((size - start) / step));
    }
    case 'transpose': {
      const shape = shapeOf(expression.input);
      ensure(shape.length >= 2, path, () => `transpose of ${listed(shape)}`);
      return [...shape.slice(0, -2), shape.at(-1) as number, shape.at(-2) as number];
    }
    case 'permute': {
      const shape = shapeOf(expression.input);
      const sorted = [...expression.order].sort((a, b) => a - b);
      ensure(
        sorted.length === shape.length && sorted.every((axis, i) => axis === i),
        path,
        () => `permute of ${listed(shape)} by ${listed(expression.order)}`,
      );
      return expression.order.map((axis) => shape[axis] as number);
    }
    case 'reshape': {
      const shape = shapeOf(expression.input);
      ensure(
        product(shape) === product(expression.shape),
        path,
        () => `reshape of ${listed(shape)} to ${listed(expression.shape)}`,
      );
      return expression.shape;
    }
    case 'convert':
      return shapeOf(expression.input);
    default:
      return fail('PROGRAM_INVALID', path, `unknown weight expression '${(expression as { kind: string }).kind}'`);
  }
}

/** The axis of the input that is the axis of the result, for the operations that only reorder axes. */
function inputAxis(
  expression: WeightExpression & { kind: 'transpose' | 'permute' },
  axis: number,
  rank: number,
): number {
  if (expression.kind === 'permute') return expression.order[axis] as number;
  if (axis === rank - 1) return rank - 2;
  return axis === rank - 2 ? rank - 1 : axis;
}

/**
 * Elements `range` along `axis` of an expression, with the slice pushed towards the tensors: slices of slices are
 * merged, full slices dropped, parts of a concat or stack that are not needed left out.
 */
export function sliceExpression(
  expression: WeightExpression,
  axis: number,
  range: Range,
  tensors: Tensors,
): WeightExpression {
  const shape = expressionShape(expression, tensors);
  const [from, to] = range;
  if (from === 0 && to === shape[axis]) return expression;
  switch (expression.kind) {
    case 'slice': {
      if (expression.axis === axis) {
        const offset = expression.range[0];
        return sliceExpression(expression.input, axis, [offset + from, offset + to], tensors);
      }
      const { input, ...slice } = expression;
      // Slices of one tensor are ordered by axis, so that equal parts are equal expressions.
      if (input.kind === 'tensor' && expression.axis < axis) return { kind: 'slice', input: expression, axis, range };
      return { ...slice, input: sliceExpression(input, axis, range, tensors) };
    }
    case 'concat': {
      if (expression.axis !== axis) {
        return {
          ...expression,
          inputs: expression.inputs.map((input) => sliceExpression(input, axis, range, tensors)),
        };
      }
      const parts: WeightExpression[] = [];
      let start = 0;
      for (const input of expression.inputs) {
        const size = expressionShape(input, tensors)[axis] as number;
        const part: Range = [Math.max(from - start, 0), Math.min(to - start, size)];
        if (part[0] < part[1]) parts.push(sliceExpression(input, axis, part, tensors));
        start += size;
      }
      const [only] = parts;
      if (only === undefined) return { kind: 'slice', input: expression, axis, range };
      return parts.length === 1 ? only : { ...expression, inputs: parts };
    }
    case 'stack':
      if (axis > 0) {
        return {
          ...expression,
          inputs: expression.inputs.map((input) => sliceExpression(input, axis - 1, range, tensors)),
        };
      }
      if (from === to) return { kind: 'slice', input: expression, axis, range };
      return { ...expression, inputs: expression.inputs.slice(from, to) };
    case 'stride': {
      if (expression.axis !== axis)
        return { ...expression, input: sliceExpression(expression.input, axis, range, tensors) };
      if (from === to) return { kind: 'slice', input: expression, axis, range };
      const first = expression.start + from * expression.step;
      const last = expression.start + (to - 1) * expression.step;
      return { ...expression, start: 0, input: sliceExpression(expression.input, axis, [first, last + 1], tensors) };
    }
    case 'transpose':
    case 'permute':
      return {
        ...expression,
        input: sliceExpression(expression.input, inputAxis(expression, axis, shape.length), range, tensors),
      };
    case 'convert':
      return { ...expression, input: sliceExpression(expression.input, axis, range, tensors) };
    case 'tensor':
    case 'reshape':
      return { kind: 'slice', input: expression, axis, range };
  }
}

/** A box of a checkpoint tensor: one range per axis. */
export interface TensorRegion {
  readonly tensor: string;
  readonly ranges: readonly Range[];
}

/** The boxes of checkpoint tensors from which `ranges` (one per axis) of the expression's result come. */
export function expressionRegions(
  expression: WeightExpression,
  ranges: readonly Range[],
  tensors: Tensors,
): TensorRegion[] {
  if (ranges.some(([from, to]) => from === to)) return [];
  const into = (input: WeightExpression, inputRanges: readonly Range[]): TensorRegion[] =>
    expressionRegions(input, inputRanges, tensors);
  switch (expression.kind) {
    case 'tensor':
      return [{ tensor: expression.name, ranges }];
    case 'slice': {
      const [from, to] = ranges[expression.axis] as Range;
      const offset = expression.range[0];
      return into(expression.input, replaceAt(ranges, expression.axis, [offset + from, offset + to] as const));
    }
    case 'concat':
      return concatParts(expression, ranges[expression.axis] as Range, tensors).flatMap(({ input, range }) =>
        into(input, replaceAt(ranges, expression.axis, range)),
      );
    case 'stack': {
      const [from, to] = ranges[0] as Range;
      return expression.inputs.slice(from, to).flatMap((input) => into(input, ranges.slice(1)));
    }
    case 'stride': {
      const [from, to] = ranges[expression.axis] as Range;
      const { start, step } = expression;
      return into(
        expression.input,
        replaceAt(ranges, expression.axis, [start + from * step, start + (to - 1) * step + 1] as const),
      );
    }
    case 'transpose':
    case 'permute': {
      const reordered: Range[] = [...ranges];
      for (const [axis, range] of ranges.entries()) reordered[inputAxis(expression, axis, ranges.length)] = range;
      return into(expression.input, reordered);
    }
    case 'reshape': {
      const inputShape = expressionShape(expression.input, tensors);
      const [first, last] = flatBounds(ranges, expression.shape);
      const rowSize = product(inputShape.slice(1));
      const rows: Range = [Math.floor(first / rowSize), Math.floor(last / rowSize) + 1];
      return into(expression.input, [rows, ...inputShape.slice(1).map((size): Range => [0, size])]);
    }
    case 'convert':
      return into(expression.input, ranges);
  }
}

/** Inputs of a concat that overlap a range of its axis, each with the overlap in its own coordinates. */
export function concatParts(
  expression: WeightExpression & { kind: 'concat' },
  [from, to]: Range,
  tensors: Tensors,
): { readonly input: WeightExpression; readonly range: Range }[] {
  let start = 0;
  return expression.inputs.flatMap((input) => {
    const size = expressionShape(input, tensors)[expression.axis] as number;
    const range: Range = [Math.max(from - start, 0), Math.min(to - start, size)];
    start += size;
    return range[0] < range[1] ? [{ input, range }] : [];
  });
}

/** Positions of the first and last element of a box in row-major order. */
export function flatBounds(ranges: readonly Range[], shape: readonly number[]): [first: number, last: number] {
  let first = 0;
  let last = 0;
  for (const [axis, [from, to]] of ranges.entries()) {
    first = first * (shape[axis] as number) + from;
    last = last * (shape[axis] as number) + to - 1;
  }
  return [first, last];
}

/** Bytes of a tensor's data, counted from its start. */
export interface TensorByteRange {
  readonly tensor: string;
  readonly range: Range;
}

/**
 * The byte ranges that the whole expression reads, neighbours joined. Only for tensors of fixed-size elements.
 */
export function expressionByteRanges(expression: WeightExpression, tensors: Tensors): TensorByteRange[] {
  const shape = expressionShape(expression, tensors);
  const whole = shape.map((size): Range => [0, size]);
  const found = expressionRegions(expression, whole, tensors).flatMap((region) => regionByteRanges(region, tensors));
  const joined: { tensor: string; range: [number, number] }[] = [];
  for (const { tensor, range } of found.sort((a, b) =>
    a.tensor < b.tensor ? -1 : a.tensor > b.tensor ? 1 : a.range[0] - b.range[0],
  )) {
    const previous = joined.at(-1);
    if (previous?.tensor === tensor && range[0] <= previous.range[1]) {
      previous.range[1] = Math.max(previous.range[1], range[1]);
    } else {
      joined.push({ tensor, range: [range[0], range[1]] });
    }
  }
  return joined;
}

function regionByteRanges({ tensor, ranges }: TensorRegion, tensors: Tensors): TensorByteRange[] {
  const shape = tensorShape(tensor, tensors);
  const elementBytes = (tensors.get(tensor)?.byteLength ?? 0) / Math.max(product(shape), 1);
  // Axes after `solid` are whole, so each index combination up to it is one run.
  let solid = shape.length - 1;
  while (solid > 0 && ranges[solid]?.[0] === 0 && ranges[solid]?.[1] === shape[solid]) solid -= 1;
  const runs: TensorByteRange[] = [];
  const visit = (axis: number, offset: number): void => {
    const [from, to] = ranges[axis] ?? [0, 1];
    const stride = product(shape.slice(axis + 1));
    if (axis >= solid) {
      runs.push({ tensor, range: [(offset + from * stride) * elementBytes, (offset + to * stride) * elementBytes] });
      return;
    }
    for (let index = from; index < to; index += 1) visit(axis + 1, offset + index * stride);
  };
  visit(0, 0);
  return runs;
}
