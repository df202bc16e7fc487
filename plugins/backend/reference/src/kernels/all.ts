import { type MacroOperation, macroOperations, type Operation, type OperationName } from '@shoal/core';
import type { Frame, Kernels } from '../frame.js';
import { attentionKernels } from './attention.js';
import { choiceKernels } from './choice.js';
import { columnKernels } from './columns.js';
import { linearKernels } from './linear.js';
import { normalizationKernels } from './normalization.js';
import { pointwiseKernels } from './pointwise.js';
import { recurrenceKernels } from './recurrence.js';

type PrimitiveName = Exclude<OperationName, MacroOperation['op']>;

/** Every primitive: the compiler complains when one is missing. */
const kernels: Kernels<PrimitiveName> = {
  ...linearKernels,
  ...pointwiseKernels,
  ...normalizationKernels,
  ...columnKernels,
  ...attentionKernels,
  ...choiceKernels,
  ...recurrenceKernels,
};

/** What runs here as it is. */
export const primitives: ReadonlySet<OperationName> = new Set(Object.keys(kernels) as PrimitiveName[]);

/** What a program may contain: macros are decomposed. */
export const supportedOperations: readonly OperationName[] = [...primitives, ...macroOperations];

export function runOperation(operation: Operation, frame: Frame): void {
  const kernel = kernels[operation.op as PrimitiveName] as (operation: Operation, frame: Frame) => void;
  kernel(operation, frame);
}
