/** Which tensors of a checkpoint a program reads, and in which type each is best stored for it. */
import type { Program, StorageType, WeightExpression } from '../spec/program.js';
import type { StorageChoice } from '../spec/sharding.js';

/** Tensors of an expression; `rows`: whether rows of the tensor are, or are parts of, rows of the result. */
function* leaves(expression: WeightExpression, rows: boolean): Generator<readonly [string, boolean]> {
  switch (expression.kind) {
    case 'tensor':
      yield [expression.name, rows];
      return;
    case 'concat':
    case 'stack':
      for (const input of expression.inputs) yield* leaves(input, rows);
      return;
    // A slice of rows is where a family cuts fused matrices: which columns it takes, lowering checks.
    case 'slice':
    case 'convert':
      yield* leaves(expression.input, rows);
      return;
    default:
      yield* leaves(expression.input, false);
  }
}

/**
 * The tensors that programs (one a stage) read, by name, with the storage type that a choice gives them; undefined: as
 * stored. Types of blocks are for tensors that programs use row by row and as nothing but matrices or embeddings: what is
 * transposed, or also read as a vector, keeps its type. Of a tensor that is both, the choice for matrices decides.
 */
export function tensorStorages(
  programs: readonly Program[],
  choice: StorageChoice,
): ReadonlyMap<string, StorageType | undefined> {
  const uses = new Map<string, Set<'matrix' | 'embedding' | 'other'>>();
  for (const { source, role } of programs.flatMap(({ weights }) => Object.values(weights))) {
    for (const [name, byRows] of leaves(source, true)) {
      const use = byRows && role !== 'vector' ? role : 'other';
      uses.set(name, (uses.get(name) ?? new Set()).add(use));
    }
  }
  const storageOf = (found: ReadonlySet<string>): StorageType | undefined => {
    if (found.has('other')) return undefined;
    const chosen = found.has('matrix') ? choice.matrix : choice.embedding;
    return chosen === 'as-stored' ? undefined : chosen;
  };
  return new Map([...uses].map(([name, found]) => [name, storageOf(found)]));
}
