import type { ElementwiseFunction } from '@shoal/core';
import type { Kernels } from '../frame.js';
import { type Matrix, mapRows, zeros } from '../values.js';

/** Error function: erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, to double precision. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

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

const map = (input: Matrix, change: (x: number, column: number) => number): Matrix =>
  mapRows(input, input.width, (from, to) => {
    for (let i = 0; i < from.length; i += 1) to[i] = change(from[i] as number, i);
  });

function combine(left: Matrix, right: Matrix, change: (a: number, b: number) => number): Matrix {
  const output = zeros(left.rows, left.width);
  for (let i = 0; i < output.data.length; i += 1)
    output.data[i] = change(left.data[i] as number, right.data[i] as number);
  return output;
}

export const pointwiseKernels: Kernels<
  | 'add'
  | 'multiply'
  | 'multiply-groups'
  | 'multiply-vector'
  | 'add-vector'
  | 'scale'
  | 'clamp'
  | 'elementwise'
  | 'zeros'
  | 'broadcast'
> = {
  add(operation, frame) {
    frame.put(
      operation.output,
      combine(frame.matrix(operation.left), frame.matrix(operation.right), (a, b) => a + b),
    );
  },
  multiply(operation, frame) {
    frame.put(
      operation.output,
      combine(frame.matrix(operation.left), frame.matrix(operation.right), (a, b) => a * b),
    );
  },
  'multiply-groups'(operation, frame) {
    const factors = frame.matrix(operation.factors);
    const output = mapRows(frame.matrix(operation.input), frame.matrix(operation.input).width, (from, to, index) => {
      for (let i = 0; i < from.length; i += 1) {
        const group = Math.floor(i / operation.groupSize);
        to[i] = (from[i] as number) * (factors.data[index * factors.width + group] as number);
      }
    });
    frame.put(operation.output, output);
  },
  'multiply-vector'(operation, frame) {
    const { data } = frame.weight(operation.weight);
    frame.put(
      operation.output,
      map(frame.matrix(operation.input), (x, column) => x * (data[column % data.length] as number)),
    );
  },
  'add-vector'(operation, frame) {
    const { data } = frame.weight(operation.weight);
    frame.put(
      operation.output,
      map(frame.matrix(operation.input), (x, column) => x + (data[column % data.length] as number)),
    );
  },
  scale(operation, frame) {
    const offset = operation.offset ?? 0;
    frame.put(
      operation.output,
      map(frame.matrix(operation.input), (x) => x * operation.factor + offset),
    );
  },
  clamp(operation, frame) {
    const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = operation;
    frame.put(
      operation.output,
      map(frame.matrix(operation.input), (x) => Math.min(Math.max(x, minimum), maximum)),
    );
  },
  elementwise(operation, frame) {
    frame.put(operation.output, map(frame.matrix(operation.input), functions[operation.function]));
  },
  zeros(operation, frame) {
    frame.put(operation.output, zeros(frame.rowCountOf(operation.output), operation.width));
  },
  broadcast(operation, frame) {
    const { data } = frame.weight(operation.weight);
    const output = zeros(frame.rowCountOf(operation.output), data.length);
    for (let i = 0; i < output.data.length; i += 1) output.data[i] = data[i % data.length] as number;
    frame.put(operation.output, output);
  },
};
