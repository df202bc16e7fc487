/** What the backend computes: one function for each operation that it says it runs. */
import type { ElementwiseFunction, Operation } from '@shoal/core';

/** A value of the running step, row after row. */
export interface Value {
  readonly width: number;
  readonly data: Float32Array;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The keys and values of all slots; a position's row is at (slot · contextLength + position) · width. */
export interface Cache {
  readonly contextLength: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

export interface Row {
  readonly slot: number;
  readonly position: number;
  readonly token: number;
}

/** What an operation may look at. */
export interface RunningStep {
  readonly rows: readonly Row[];
  /** Indices of the rows whose logits are wanted. */
  readonly outputRows: readonly number[];
  value(name: string): Value;
  weight(name: string): Weight;
  cache(state: string): Cache;
}

type Kernel<Name extends Operation['op']> = (operation: Extract<Operation, { op: Name }>, step: RunningStep) => Value;

const rowOf = ({ data, width }: Value, row: number): Float32Array => data.subarray(row * width, (row + 1) * width);

const map = ({ data, width }: Value, change: (x: number, index: number) => number): Value => ({
  width,
  data: data.map(change),
});

function dot(left: Float32Array, leftAt: number, right: Float32Array, rightAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 1) sum += (left[leftAt + i] as number) * (right[rightAt + i] as number);
  return sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Abramowitz and Stegun 7.1.26: right to 1.5e-7. */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

const functions: Readonly<Record<ElementwiseFunction, (x: number) => number>> = {
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
  'gelu-tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  sigmoid,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  exp: Math.exp,
  negate: (x) => -x,
  reciprocal: (x) => 1 / x,
};

export const kernels = {
  embedding(operation, { rows, weight }) {
    const { shape, data } = weight(operation.weight);
    const width = shape[1] as number;
    const output = { width, data: new Float32Array(rows.length * width) };
    for (const [row, { token }] of rows.entries()) {
      rowOf(output, row).set(data.subarray(token * width, (token + 1) * width));
    }
    return output;
  },

  /** output = input · weightᵀ + bias */
  linear(operation, { value, weight }) {
    const input = value(operation.input);
    const { shape, data } = weight(operation.weight);
    const bias = operation.bias === undefined ? undefined : weight(operation.bias).data;
    const width = shape[0] as number;
    const rows = input.data.length / input.width;
    const output = new Float32Array(rows * width);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const sum = dot(input.data, row * input.width, data, column * input.width, input.width);
        output[row * width + column] = sum + (bias?.[column] ?? 0);
      }
    }
    return { width, data: output };
  },

  add(operation, { value }) {
    const { data } = value(operation.right);
    return map(value(operation.left), (x, i) => x + (data[i] as number));
  },

  multiply(operation, { value }) {
    const { data } = value(operation.right);
    return map(value(operation.left), (x, i) => x * (data[i] as number));
  },

  scale(operation, { value }) {
    const { factor, offset = 0 } = operation;
    return map(value(operation.input), (x) => x * factor + offset);
  },

  elementwise(operation, { value }) {
    return map(value(operation.input), functions[operation.function]);
  },

  'rms-norm'(operation, { value, weight }) {
    const input = value(operation.input);
    const { epsilon, weightOffset = 0, groupSize = input.width } = operation;
    const factors = operation.weight === undefined ? undefined : weight(operation.weight).data;
    const output = input.data.slice();
    for (let from = 0; from < output.length; from += groupSize) {
      const inverse = 1 / Math.sqrt(dot(output, from, output, from, groupSize) / groupSize + epsilon);
      for (let i = 0; i < groupSize; i += 1) {
        const factor = factors === undefined ? 1 : (factors[i] as number) + weightOffset;
        output[from + i] = (output[from + i] as number) * inverse * factor;
      }
    }
    return { width: input.width, data: output };
  },

  /** Turns pairs of columns of every head by an angle that grows with the position. */
  rotary(operation, { rows, value }) {
    const input = value(operation.input);
    const { headSize, rotatedSize, style, inverseFrequencies, magnitude } = operation;
    const output = input.data.slice();
    const half = rotatedSize / 2;
    for (const [row, { position }] of rows.entries()) {
      for (let head = row * input.width; head < (row + 1) * input.width; head += headSize) {
        for (let pair = 0; pair < half; pair += 1) {
          const [first, second] = style === 'half' ? [pair, pair + half] : [2 * pair, 2 * pair + 1];
          const angle = position * (inverseFrequencies[pair] as number);
          const [x, y] = [input.data[head + first] as number, input.data[head + second] as number];
          output[head + first] = magnitude * (x * Math.cos(angle) - y * Math.sin(angle));
          output[head + second] = magnitude * (x * Math.sin(angle) + y * Math.cos(angle));
        }
      }
    }
    return { width: input.width, data: output };
  },

  /** Stores the step's keys and values, then lets every row look at the positions up to its own. */
  attention(operation, { rows, value, weight, cache }) {
    const { headSize, valueHeadSize = headSize, scale, window = Number.POSITIVE_INFINITY } = operation;
    const [query, key, values] = [value(operation.query), value(operation.key), value(operation.value)];
    const sinks = operation.sinks === undefined ? undefined : weight(operation.sinks).data;
    const { contextLength, keyWidth, valueWidth, ...stored } = cache(operation.state);
    const at = ({ slot }: Row, position: number) => slot * contextLength + position;
    for (const [index, row] of rows.entries()) {
      stored.keys.set(rowOf(key, index), at(row, row.position) * keyWidth);
      stored.values.set(rowOf(values, index), at(row, row.position) * valueWidth);
    }
    const heads = query.width / headSize;
    // Several query heads share one of keys.
    const sharing = heads / (keyWidth / headSize);
    const width = heads * valueHeadSize;
    const output = { width, data: new Float32Array(rows.length * width) };
    for (const [index, row] of rows.entries()) {
      const first = Math.max(0, row.position - window + 1);
      for (let head = 0; head < heads; head += 1) {
        const shared = Math.floor(head / sharing);
        const queryAt = index * query.width + head * headSize;
        const scores = Array.from({ length: row.position - first + 1 }, (_, offset) => {
          const keyAt = at(row, first + offset) * keyWidth + shared * headSize;
          return scale * dot(query.data, queryAt, stored.keys, keyAt, headSize);
        });
        const sink = sinks?.[head];
        const largest = scores.reduce((most, score) => Math.max(most, score), sink ?? Number.NEGATIVE_INFINITY);
        const weights = scores.map((score) => Math.exp(score - largest));
        const total = weights.reduce((sum, one) => sum + one, sink === undefined ? 0 : Math.exp(sink - largest));
        const result = rowOf(output, index).subarray(head * valueHeadSize, (head + 1) * valueHeadSize);
        for (const [offset, one] of weights.entries()) {
          const valueAt = at(row, first + offset) * valueWidth + shared * valueHeadSize;
          for (let i = 0; i < valueHeadSize; i += 1) {
            result[i] = (result[i] as number) + (one / total) * (stored.values[valueAt + i] as number);
          }
        }
      }
    }
    return output;
  },

  'select-outputs'(operation, { outputRows, value }) {
    const input = value(operation.input);
    const output = { width: input.width, data: new Float32Array(outputRows.length * input.width) };
    for (const [to, from] of outputRows.entries()) rowOf(output, to).set(rowOf(input, from));
    return output;
  },
} satisfies { readonly [Name in Operation['op']]?: Kernel<Name> };

export type SupportedOperation = Extract<Operation, { op: keyof typeof kernels }>;

export const supportedOperations = Object.keys(kernels) as readonly (keyof typeof kernels)[];

export function run(operation: SupportedOperation, step: RunningStep): Value {
  // Each function takes the operation of its own name, which the compiler cannot follow through a look-up.
  const kernel = kernels[operation.op] as (operation: SupportedOperation, step: RunningStep) => Value;
  return kernel(operation, step);
}
