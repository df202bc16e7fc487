import type { Kernels } from '../frame.js';
import { addScaled, dot, row, softmaxInPlace, zeros } from '../values.js';

export const attentionKernels: Kernels<'append-state' | 'visible-dots' | 'visible-softmax' | 'visible-sum'> = {
  'append-state'(operation, frame) {
    const input = frame.matrix(operation.input);
    for (const [index, { slot, position }] of frame.rows.entries()) {
      frame.rowState(operation.state, operation.part, slot).write(position, row(input, index));
    }
  },

  'visible-dots'(operation, frame) {
    const { headSize, scale, window = Number.POSITIVE_INFINITY } = operation;
    const query = frame.matrix(operation.query);
    const heads = query.width / headSize;
    const lists = frame.rows.flatMap(({ slot, position }, index) => {
      const state = frame.rowState(operation.state, operation.part, slot);
      const headsPerStateHead = heads / (state.width / headSize);
      const first = Math.max(0, position - window + 1);
      return Array.from({ length: heads }, (_, head) => {
        const from = Math.floor(head / headsPerStateHead) * headSize;
        const own = row(query, index).subarray(head * headSize, (head + 1) * headSize);
        return Float64Array.from(
          { length: position - first + 1 },
          (_unused, offset) => scale * dot(own, state.read(first + offset, from, from + headSize)),
        );
      });
    });
    frame.put(operation.output, { rows: query.rows, width: heads, lists });
  },

  'visible-softmax'(operation, frame) {
    const { rows, width, lists } = frame.lists(operation.input);
    const sinks = frame.optionalWeight(operation.sinks);
    const weights = lists.map((list, index) => {
      const copy = list.slice();
      softmaxInPlace(copy, sinks?.data[index % width]);
      return copy;
    });
    frame.put(operation.output, { rows, width, lists: weights });
  },

  'visible-sum'(operation, frame) {
    const { headSize, take = headSize } = operation;
    const { rows, width, lists } = frame.lists(operation.weights);
    const output = zeros(rows, width * take);
    for (const [index, { slot, position }] of frame.rows.entries()) {
      const state = frame.rowState(operation.state, operation.part, slot);
      const headsPerStateHead = width / (state.width / headSize);
      for (let head = 0; head < width; head += 1) {
        const list = lists[index * width + head] as Float64Array;
        const from = Math.floor(head / headsPerStateHead) * headSize;
        const sum = row(output, index).subarray(head * take, (head + 1) * take);
        const first = position - list.length + 1;
        for (const [offset, weight] of list.entries())
          addScaled(sum, state.read(first + offset, from, from + take), weight);
      }
    }
    frame.put(operation.output, output);
  },
};
