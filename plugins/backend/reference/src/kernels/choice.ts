import type { Kernels } from '../frame.js';
import { forEachGroup, mapRows, row } from '../values.js';

/** Columns of the k largest numbers, largest first; of equal ones the one further left. */
function largest(values: Float64Array, k: number): number[] {
  const order = Array.from(values.keys());
  order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
  return order.slice(0, k);
}

/** Operations that choose columns and experts. Column numbers are kept as numbers of a matrix. */
export const choiceKernels: Kernels<'top-k' | 'gather-columns' | 'keep-columns' | 'localize-experts'> = {
  'top-k'(operation, frame) {
    const input = frame.matrix(operation.input);
    const { k, groupSize = input.width } = operation;
    const width = (input.width / groupSize) * k;
    const indices = mapRows(input, width, (from, to) =>
      forEachGroup(from, groupSize, (group, index) => to.set(largest(group, k), index * k)),
    );
    const values = mapRows(input, width, (from, to, number) => {
      for (const [column, chosen] of row(indices, number).entries()) {
        to[column] = from[Math.floor(column / k) * groupSize + chosen] as number;
      }
    });
    frame.put(operation.indices, indices);
    frame.put(operation.values, values);
  },
  'gather-columns'(operation, frame) {
    const input = frame.matrix(operation.input);
    const indices = frame.matrix(operation.indices);
    const output = mapRows(indices, indices.width, (columns, to, number) => {
      for (const [position, column] of columns.entries()) to[position] = row(input, number)[column] as number;
    });
    frame.put(operation.output, output);
  },
  'keep-columns'(operation, frame) {
    const output = mapRows(frame.matrix(operation.indices), operation.width, (columns, to) => {
      to.fill(Number.NEGATIVE_INFINITY);
      for (const column of columns) to[column] = 0;
    });
    frame.put(operation.output, output);
  },
  'localize-experts'(operation, frame) {
    const [from, to] = operation.range;
    const indices = frame.matrix(operation.indices);
    const weights = frame.matrix(operation.weights);
    const isHere = (expert: number): boolean => expert >= from && expert < to;
    frame.put(
      operation.localIndices,
      mapRows(indices, indices.width, (ids, local) => local.set(ids.map((id) => (isHere(id) ? id - from : 0)))),
    );
    frame.put(
      operation.localWeights,
      mapRows(indices, indices.width, (ids, local, number) =>
        local.set(row(weights, number).map((weight, choice) => (isHere(ids[choice] as number) ? weight : 0))),
      ),
    );
  },
};
