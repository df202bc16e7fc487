import type { Kernels } from '../frame.js';
import { dot, forEachGroup, type Matrix, mapRows, softmaxInPlace } from '../values.js';

/** Copies each row and lets `change` work on its groups in place. */
const changeGroups = (input: Matrix, groupSize: number | undefined, change: (group: Float64Array) => void): Matrix =>
  mapRows(input, input.width, (from, to) => {
    to.set(from);
    forEachGroup(to, groupSize ?? input.width, change);
  });

export const normalizationKernels: Kernels<'rms-norm' | 'layer-norm' | 'l2-norm' | 'softmax'> = {
  'rms-norm'(operation, frame) {
    const weight = frame.optionalWeight(operation.weight);
    const offset = operation.weightOffset ?? 0;
    const output = changeGroups(frame.matrix(operation.input), operation.groupSize, (group) => {
      const inverse = 1 / Math.sqrt(dot(group, group) / group.length + operation.epsilon);
      for (let i = 0; i < group.length; i += 1) {
        const factor = weight === undefined ? 1 : (weight.data[i] as number) + offset;
        group[i] = (group[i] as number) * inverse * factor;
      }
    });
    frame.put(operation.output, output);
  },
  'layer-norm'(operation, frame) {
    const weight = frame.optionalWeight(operation.weight);
    const bias = frame.optionalWeight(operation.bias);
    const output = changeGroups(frame.matrix(operation.input), operation.groupSize, (group) => {
      const mean = group.reduce((sum, x) => sum + x, 0) / group.length;
      const variance = group.reduce((sum, x) => sum + (x - mean) ** 2, 0) / group.length;
      const inverse = 1 / Math.sqrt(variance + operation.epsilon);
      for (let i = 0; i < group.length; i += 1) {
        group[i] = ((group[i] as number) - mean) * inverse * (weight?.data[i] ?? 1) + (bias?.data[i] ?? 0);
      }
    });
    frame.put(operation.output, output);
  },
  'l2-norm'(operation, frame) {
    const output = changeGroups(frame.matrix(operation.input), operation.groupSize, (group) => {
      const inverse = 1 / Math.sqrt(dot(group, group) + operation.epsilon);
      for (let i = 0; i < group.length; i += 1) group[i] = (group[i] as number) * inverse;
    });
    frame.put(operation.output, output);
  },
  softmax(operation, frame) {
    frame.put(
      operation.output,
      changeGroups(frame.matrix(operation.input), operation.groupSize, (group) => softmaxInPlace(group)),
    );
  },
};
