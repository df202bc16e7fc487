import type { MemberProgram, ScriptDevice, ScriptExecutable, SlotOperation, Step, WeightSource } from '@shoal/core';

/** Vocabulary of the fixture whose weights the counting program names. */
export const vocabularySize = 384;
const width = 96;

/** A whole model that computes logits from the last token alone; a counting device does not even that. */
export const countingProgram: MemberProgram = {
  programVersion: 1,
  family: 'counting',
  layers: [0, 0],
  member: 0,
  memberCount: 1,
  input: { kind: 'tokens' },
  output: { kind: 'logits', value: 'logits', vocabularyRange: [0, vocabularySize], vocabularySize },
  values: {
    hidden: { width, rows: 'tokens' },
    selected: { width, rows: 'outputs' },
    logits: { width: vocabularySize, rows: 'outputs' },
  },
  boundaryValues: ['logits'],
  weights: {
    embedding: {
      shape: [vocabularySize, width],
      source: { kind: 'tensor', name: 'model.embed_tokens.weight' },
      role: 'embedding',
      storage: 'f32',
    },
    head: {
      shape: [vocabularySize, width],
      source: { kind: 'tensor', name: 'lm_head.weight' },
      role: 'matrix',
      storage: 'f32',
    },
  },
  states: {},
  segments: [
    {
      operations: [
        { op: 'embedding', weight: 'embedding', output: 'hidden' },
        { op: 'select-outputs', input: 'hidden', output: 'selected' },
        { op: 'linear', input: 'selected', weight: 'head', output: 'logits' },
      ],
    },
  ],
};

/** What a counting executable was called with. */
export interface Calls {
  readonly steps: Step[];
  readonly slotOperations: SlotOperation[];
  endedSteps: number;
  released: number;
}

export interface CountingOptions {
  /** Reads weights during the compile, where a backend does. */
  readonly compile?: (weights: WeightSource, program: MemberProgram) => void | Promise<void>;
  /** Runs before the logits of a step are written. */
  readonly execute?: (step: Step) => void;
}

/** A device whose model counts: after token t comes t + 1. Records how it is called. */
export function countingDevice(options: CountingOptions = {}): ScriptDevice & { readonly calls: Calls } {
  const calls: Calls = { steps: [], slotOperations: [], endedSteps: 0, released: 0 };
  return {
    kind: 'script',
    operations: ['embedding', 'select-outputs', 'linear'],
    calls,
    compile: async (program, weights) => {
      await options.compile?.(weights, program);
      return countingExecutable(calls, options);
    },
    close: async () => {},
  };
}

function countingExecutable(calls: Calls, { execute }: CountingOptions): ScriptExecutable {
  let step: Step = { sequences: [], tokens: new Uint32Array(0) };
  return {
    slotOperation: (operation) => {
      calls.slotOperations.push(operation);
    },
    beginStep: (begun) => {
      step = begun;
      calls.steps.push(begun);
    },
    execute: (_segment, boundary) => {
      execute?.(step);
      const logits = boundary.get('logits');
      if (!logits) throw new Error('no logits among the boundary values');
      logits.fill(0);
      let token = 0;
      let row = 0;
      for (const { tokenCount, outputRows } of step.sequences) {
        token += tokenCount;
        for (let output = token - outputRows; output < token; output += 1) {
          logits[row * vocabularySize + ((step.tokens[output]! + 1) % vocabularySize)] = 1;
          row += 1;
        }
      }
      if (logits.length !== row * vocabularySize) throw new Error(`${logits.length} logits for ${row} rows`);
    },
    endStep: () => {
      calls.endedSteps += 1;
    },
    release: () => {
      calls.released += 1;
    },
  };
}
