// The suite of backends notices what may go wrong: each of these backends has one plausible mistake, and fails it.
import { referenceBackend, referenceBackendWorker } from '@shoal/backend-reference';
import type { MemberProgram, Operation, ScriptDevice, ScriptExecutable, Step, WeightSource } from '@shoal/core';
import { backendConformance } from '@shoal/core/conformance';
import t from 'tap';

interface Mistake {
  readonly program?: (program: MemberProgram) => MemberProgram;
  readonly weights?: (source: WeightSource, program: MemberProgram) => WeightSource;
  readonly executable?: (right: ScriptExecutable) => Partial<ScriptExecutable>;
}

const changed = (change: (operation: Operation) => Operation): Mistake => ({
  program: (program) => ({
    ...program,
    segments: program.segments.map((segment) => ({ ...segment, operations: segment.operations.map(change) })),
  }),
});

const withStep = (change: (step: Step) => Step): Mistake => ({
  executable: (right) => ({ beginStep: (step) => right.beginStep(change(step)) }),
});

const mistakes: Readonly<Record<string, Mistake>> = {
  'epsilon is forgotten': changed((operation) =>
    operation.op === 'rms-norm' ? { ...operation, epsilon: 0 } : operation,
  ),
  'a matrix is taken for its transpose': {
    weights: (source, program) => ({
      read: (name, rows, into) => {
        source.read(name, rows, into);
        const [height = 1, width = 1] = program.weights[name]?.shape ?? [];
        const right = into.slice();
        if (height * width === into.length)
          into.forEach((_, i) => {
            into[i] = right[(i % width) * height + Math.floor(i / width)] ?? 0;
          });
      },
    }),
  },
  'rows of a weight are taken from the start, whichever are asked for': {
    weights: (source) => ({
      read: (name, [first, end], into) => {
        // In pieces, as a backend reads that packs rows.
        const rowElements = into.length / (end - first);
        for (let row = first; row < end; row += 1) {
          source.read(
            name,
            [first, first + 1],
            into.subarray((row - first) * rowElements, (row - first + 1) * rowElements),
          );
        }
      },
    }),
  },
  'attention forgets its scale': changed((operation) =>
    operation.op === 'attention' || operation.op === 'visible-dots' ? { ...operation, scale: 1 } : operation,
  ),
  'a window is off by one': changed((operation) =>
    'window' in operation && operation.window !== undefined
      ? { ...operation, window: operation.window + 1 }
      : operation,
  ),
  'the sink is left out': changed((operation) => {
    if (operation.op !== 'attention') return operation;
    const { sinks: _, ...rest } = operation;
    return rest;
  }),
  'a bias is left out': changed((operation) => {
    if (operation.op !== 'linear') return operation;
    const { bias: _, ...rest } = operation;
    return rest;
  }),
  'rotation pairs the wrong columns': changed((operation) =>
    operation.op === 'rotary'
      ? { ...operation, style: operation.style === 'half' ? 'interleaved' : 'half' }
      : operation,
  ),
  'only the first output row of a sequence comes out': withStep((step) => ({
    ...step,
    sequences: step.sequences.map((one) => ({ ...one, outputRows: Math.min(1, one.outputRows) })),
  })),
  'the last token is every token': withStep((step) => ({
    ...step,
    tokens: step.tokens.map(() => step.tokens.at(-1) ?? 0),
  })),
  'a fork does nothing': {
    executable: (right) => ({
      slotOperation: (operation) => {
        if (operation.kind !== 'fork') right.slotOperation(operation);
      },
    }),
  },
  'a fork takes the place of its original': {
    executable: (right) => ({
      slotOperation: (operation) => {
        right.slotOperation(operation);
        if (operation.kind === 'fork') right.slotOperation({ kind: 'truncate', slot: operation.from, length: 0 });
      },
    }),
  },
  'freeing forgets nothing': {
    executable: (right) => ({
      slotOperation: (operation) => {
        if (operation.kind !== 'free') right.slotOperation(operation);
      },
    }),
  },
  'what an exchange left is not read again': {
    executable: (right) => {
      let first: ReadonlyMap<string, Float32Array> | undefined;
      return {
        execute: (segment, boundary) => {
          if (segment > 0 && first) {
            const stale = new Map([...boundary].map(([name, data]) => [name, first?.get(name) ?? data]));
            right.execute(segment, stale);
            for (const [name, data] of boundary) data.set(stale.get(name) ?? data);
            return;
          }
          right.execute(segment, boundary);
          first = new Map([...boundary].map(([name, data]) => [name, data.slice()]));
        },
      };
    },
  },
  'rows after the first are not computed': {
    executable: (right) => ({
      execute: (segment, boundary) => {
        right.execute(segment, boundary);
        const y = boundary.get('y');
        const x = boundary.get('x');
        if (y && x && y.length === x.length) y.fill(0, 1);
      },
    }),
  },
};

function mistaken(device: ScriptDevice, { program, weights, executable }: Mistake): ScriptDevice {
  return {
    ...device,
    compile: async (given, source, options) => {
      const asked = weights?.(source, given) ?? source;
      const right = await device.compile(program?.(given) ?? given, asked, options);
      const bound: ScriptExecutable = {
        slotOperation: (operation) => right.slotOperation(operation),
        beginStep: (step) => right.beginStep(step),
        execute: (segment, boundary) => right.execute(segment, boundary),
        endStep: () => right.endStep(),
        release: () => right.release(),
      };
      return { ...bound, ...executable?.(bound) };
    },
  };
}

/** Names of the cases that a device fails. */
async function failures(mistake: Mistake): Promise<string[]> {
  const right = referenceBackendWorker();
  const worker = {
    open: async (id: string) => mistaken((await right.open(id, {})) as ScriptDevice, mistake),
  };
  const failed: string[] = [];
  for (const { name, run } of backendConformance({ host: referenceBackend(), worker })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

t.test('a right backend, wrapped the same way, fails nothing', async (t) => t.same(await failures({}), []));

for (const [name, mistake] of Object.entries(mistakes)) {
  t.test(name, async (t) => {
    const failed = await failures(mistake);
    t.ok(failed.length > 0, 'is noticed');
    t.comment(failed.join('; '));
  });
}
