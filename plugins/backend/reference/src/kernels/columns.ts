import type { Kernels } from '../frame.js';
import { addScaled, forEachGroup, type Matrix, mapRows, row, zeros } from '../values.js';

/** Rotates the pair (a, b) of a row by an angle. */
function rotate(columns: Float64Array, a: number, b: number, angle: number, magnitude: number): void {
  const [x, y] = [columns[a] as number, columns[b] as number];
  const [cosine, sine] = [Math.cos(angle) * magnitude, Math.sin(angle) * magnitude];
  columns[a] = x * cosine - y * sine;
  columns[b] = y * cosine + x * sine;
}

/** Operations that move, repeat, drop or sum columns and rows. */
export const columnKernels: Kernels<
  'rotary' | 'slice' | 'concat' | 'repeat' | 'select-outputs' | 'sum-groups' | 'add-groups'
> = {
  rotary(operation, frame) {
    const { headSize, rotatedSize, style, inverseFrequencies, magnitude } = operation;
    const input = frame.matrix(operation.input);
    const output = mapRows(input, input.width, (from, to, index) => {
      to.set(from);
      const position = frame.rows[index]?.position as number;
      forEachGroup(to, headSize, (head) => {
        for (const [pair, frequency] of inverseFrequencies.entries()) {
          const [a, b] = style === 'half' ? [pair, pair + rotatedSize / 2] : [2 * pair, 2 * pair + 1];
          rotate(head, a, b, position * frequency, magnitude);
        }
      });
    });
    frame.put(operation.output, output);
  },
  slice(operation, frame) {
    const input = frame.matrix(operation.input);
    const groupSize = operation.groupSize ?? input.width;
    const { from: first, to: end } = operation;
    const size = end - first;
    const output = mapRows(input, (input.width / groupSize) * size, (from, to) =>
      forEachGroup(from, groupSize, (group, index) => to.set(group.subarray(first, end), index * size)),
    );
    frame.put(operation.output, output);
  },
  concat(operation, frame) {
    const inputs = operation.inputs.map((name) => frame.matrix(name));
    const sizes = operation.groupSizes ?? inputs.map(({ width }) => width);
    const groupWidth = sizes.reduce((sum, size) => sum + size, 0);
    const groups = (inputs[0] as Matrix).width / (sizes[0] as number);
    const output = mapRows(inputs[0] as Matrix, groups * groupWidth, (_, to, index) => {
      let offset = 0;
      for (const [position, input] of inputs.entries()) {
        const size = sizes[position] as number;
        const start = offset;
        forEachGroup(row(input, index), size, (group, number) => to.set(group, number * groupWidth + start));
        offset += size;
      }
    });
    frame.put(operation.output, output);
  },
  repeat(operation, frame) {
    const input = frame.matrix(operation.input);
    const groupSize = operation.groupSize ?? input.width;
    const output = mapRows(input, input.width * operation.times, (from, to) =>
      forEachGroup(from, groupSize, (group, index) => {
        for (let time = 0; time < operation.times; time += 1)
          to.set(group, (index * operation.times + time) * groupSize);
      }),
    );
    frame.put(operation.output, output);
  },
  'select-outputs'(operation, frame) {
    const input = frame.matrix(operation.input);
    const output = zeros(frame.outputRows.length, input.width);
    for (const [to, from] of frame.outputRows.entries()) row(output, to).set(row(input, from));
    frame.put(operation.output, output);
  },
  'sum-groups'(operation, frame) {
    const input = frame.matrix(operation.input);
    const output = mapRows(input, input.width / operation.groupSize, (from, to) =>
      forEachGroup(from, operation.groupSize, (group, index) => {
        to[index] = group.reduce((sum, x) => sum + x, 0);
      }),
    );
    frame.put(operation.output, output);
  },
  'add-groups'(operation, frame) {
    const output = mapRows(frame.matrix(operation.input), operation.groupSize, (from, to) =>
      forEachGroup(from, operation.groupSize, (group) => addScaled(to, group, 1)),
    );
    frame.put(operation.output, output);
  },
};
