import type { Kernels } from '../frame.js';
import { addScaled, row, zeros } from '../values.js';

/** Operations that carry a state of fixed size from row to row. */
export const recurrenceKernels: Kernels<'recent-rows' | 'delta-rule'> = {
  'recent-rows'(operation, frame) {
    const { count } = operation;
    const input = frame.matrix(operation.input);
    const { width } = input;
    const output = zeros(input.rows, count * width);
    for (const { slot, firstRow, tokenCount } of frame.sequences) {
      // The state is the last count − 1 rows, oldest first.
      const { data } = frame.recurrentState(operation.state, slot);
      const window = new Float64Array(count * width);
      for (let index = firstRow; index < firstRow + tokenCount; index += 1) {
        window.set(data);
        window.set(row(input, index), (count - 1) * width);
        data.set(window.subarray(width));
        const recent = row(output, index);
        for (let i = 0; i < window.length; i += 1)
          recent[(i % width) * count + Math.floor(i / width)] = window[i] as number;
      }
    }
    frame.put(operation.output, output);
  },

  'delta-rule'(operation, frame) {
    const { keySize, valueSize } = operation;
    const [query, key, value] = [
      frame.matrix(operation.query),
      frame.matrix(operation.key),
      frame.matrix(operation.value),
    ];
    const [decay, rate] = [frame.matrix(operation.decay), frame.matrix(operation.rate)];
    const heads = decay.width;
    const output = zeros(value.rows, value.width);
    for (const { slot, firstRow, tokenCount } of frame.sequences) {
      const { data } = frame.recurrentState(operation.state, slot);
      for (let index = firstRow; index < firstRow + tokenCount; index += 1) {
        for (let head = 0; head < heads; head += 1) {
          const part = (values: Float64Array, size: number): Float64Array =>
            values.subarray(head * size, (head + 1) * size);
          const state = part(data, keySize * valueSize);
          updateByDeltaRule(
            state,
            part(row(key, index), keySize),
            part(row(value, index), valueSize),
            row(decay, index)[head] as number,
            row(rate, index)[head] as number,
          );
          readState(state, part(row(query, index), keySize), part(row(output, index), valueSize));
        }
      }
    }
    frame.put(operation.output, output);
  },
};

/** output = Sᵀ · query; S is [keySize, valueSize]. */
function readState(state: Float64Array, query: Float64Array, output: Float64Array): void {
  for (const [k, factor] of query.entries())
    addScaled(output, state.subarray(k * output.length, (k + 1) * output.length), factor);
}

/** S ← decay · S, then S ← S + key ⊗ (rate · (value − Sᵀ key)). */
function updateByDeltaRule(
  state: Float64Array,
  key: Float64Array,
  value: Float64Array,
  decay: number,
  rate: number,
): void {
  for (let i = 0; i < state.length; i += 1) state[i] = (state[i] as number) * decay;
  const recalled = new Float64Array(value.length);
  readState(state, key, recalled);
  const change = value.map((x, i) => rate * (x - (recalled[i] as number)));
  for (const [k, factor] of key.entries())
    addScaled(state.subarray(k * value.length, (k + 1) * value.length), change, factor);
}
