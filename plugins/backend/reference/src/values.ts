/** Rows × columns of numbers, row-major. Everything inside the reference backend is computed in double precision. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** A list per row and column, one entry for each position that the row sees: entry (row, column) is `lists[row · width + column]`. */
export interface PositionLists {
  readonly rows: number;
  readonly width: number;
  readonly lists: readonly Float64Array[];
}

/** A local weight, as the program declares it; F32 holds what checkpoints hold. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export function zeros(rows: number, width: number): Matrix {
  return { rows, width, data: new Float64Array(rows * width) };
}

/** A view of one row. */
export function row(matrix: Matrix, index: number): Float64Array {
  return matrix.data.subarray(index * matrix.width, (index + 1) * matrix.width);
}

/** A matrix of `width` columns made row by row: `fill` gets a row of the input and the row to write. */
export function mapRows(
  input: Matrix,
  width: number,
  fill: (from: Float64Array, to: Float64Array, index: number) => void,
): Matrix {
  const output = zeros(input.rows, width);
  for (let index = 0; index < input.rows; index += 1) fill(row(input, index), row(output, index), index);
  return output;
}

/** Calls back for each group of columns of a row. */
export function forEachGroup(
  columns: Float64Array,
  groupSize: number,
  visit: (group: Float64Array, index: number) => void,
): void {
  for (let index = 0; index * groupSize < columns.length; index += 1) {
    visit(columns.subarray(index * groupSize, (index + 1) * groupSize), index);
  }
}

/** Sum of products. */
export function dot(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < left.length; i += 1) sum += (left[i] as number) * (right[i] as number);
  return sum;
}

/** `into += factor · values`. */
export function addScaled(into: Float64Array, values: ArrayLike<number>, factor: number): void {
  for (let i = 0; i < into.length; i += 1) into[i] = (into[i] as number) + factor * (values[i] as number);
}

/** Softmax in place; `sink` is one more logit that joins the denominator only. */
export function softmaxInPlace(logits: Float64Array, sink = Number.NEGATIVE_INFINITY): void {
  let largest = sink;
  for (const logit of logits) largest = Math.max(largest, logit);
  let sum = Math.exp(sink - largest);
  for (let i = 0; i < logits.length; i += 1) {
    const weight = Math.exp((logits[i] as number) - largest);
    logits[i] = weight;
    sum += weight;
  }
  for (let i = 0; i < logits.length; i += 1) logits[i] = (logits[i] as number) / sum;
}
