import type { Kernels } from '../frame.js';
import { dot, forEachGroup, type Matrix, mapRows, row, type Weight, zeros } from '../values.js';

/** Rows of a weight's last two axes, seen as a matrix [outputs, inputs] that starts at `offset`. */
function multiply(input: Float64Array, weight: Weight, offset: number, output: Float64Array): void {
  const inputs = input.length;
  for (let i = 0; i < output.length; i += 1) {
    const start = offset + i * inputs;
    output[i] = dot(input, weight.data.subarray(start, start + inputs));
  }
}

function addBias(output: Matrix, bias: Weight | undefined): void {
  if (bias === undefined) return;
  for (let index = 0; index < output.rows; index += 1) {
    const to = row(output, index);
    for (let i = 0; i < to.length; i += 1) to[i] = (to[i] as number) + (bias.data[i] as number);
  }
}

export const linearKernels: Kernels<'embedding' | 'linear' | 'group-linear' | 'expert-linear'> = {
  embedding(operation, frame) {
    const { shape, data } = frame.weight(operation.weight);
    const [vocabulary, width] = shape as [number, number];
    const output = zeros(frame.rows.length, width);
    for (const [index, { token }] of frame.rows.entries()) {
      if (token >= vocabulary) throw new RangeError(`token ${token} is not in the vocabulary of ${vocabulary}`);
      row(output, index).set(data.subarray(token * width, (token + 1) * width));
    }
    frame.put(operation.output, output);
  },

  linear(operation, frame) {
    const weight = frame.weight(operation.weight);
    const output = mapRows(frame.matrix(operation.input), weight.shape[0] as number, (from, to) =>
      multiply(from, weight, 0, to),
    );
    addBias(output, frame.optionalWeight(operation.bias));
    frame.put(operation.output, output);
  },

  'group-linear'(operation, frame) {
    const weight = frame.weight(operation.weight);
    const [groups, outputs, inputs] = weight.shape as [number, number, number];
    const output = mapRows(frame.matrix(operation.input), groups * outputs, (from, to) =>
      forEachGroup(from, inputs, (group, index) =>
        multiply(group, weight, index * outputs * inputs, to.subarray(index * outputs, (index + 1) * outputs)),
      ),
    );
    frame.put(operation.output, output);
  },

  'expert-linear'(operation, frame) {
    const weight = frame.weight(operation.weight);
    const bias = frame.optionalWeight(operation.bias);
    const [experts, outputs, inputs] = weight.shape as [number, number, number];
    const indices = frame.matrix(operation.indices);
    const output = mapRows(frame.matrix(operation.input), indices.width * outputs, (from, to, index) => {
      for (const [choice, expert] of row(indices, index).entries()) {
        if (!(expert >= 0 && expert < experts)) throw new RangeError(`there is no expert ${expert} of ${experts}`);
        const own = from.length === inputs ? from : from.subarray(choice * inputs, (choice + 1) * inputs);
        const result = to.subarray(choice * outputs, (choice + 1) * outputs);
        multiply(own, weight, expert * outputs * inputs, result);
        for (let i = 0; bias !== undefined && i < outputs; i += 1) {
          result[i] = (result[i] as number) + (bias.data[expert * outputs + i] as number);
        }
      }
    });
    frame.put(operation.output, output);
  },
};
