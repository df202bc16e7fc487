/**
 * Shard states of every value of a program, and the communications they make necessary.
 *
 * A value is `replicated`, `split` by columns, or `partial` (a sum over members). The rules of single operations are in
 * `output-state.ts`; this file walks the program and keeps the books.
 */
import type { Operation } from '../spec/operations.js';
import type { MemberValue, Program, ShardState } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { fail } from './invalid.js';
import { renameInputs, valueOutputs } from './operation-fields.js';
import { outputState } from './output-state.js';
import { cutOverlaps, replicated, type ShardContext } from './shard-context.js';
import { operationPath, type ProgramValues, validateProgram } from './validate.js';

/** A step of the program as it will run on every member. */
export type ScheduledItem =
  /** `state`: of what the operation makes, before any communication on it. */
  | { readonly kind: 'operation'; readonly operation: Operation; readonly path: string; readonly state: ShardState }
  | { readonly kind: 'all-reduce-sum'; readonly value: string }
  | {
      readonly kind: 'all-gather';
      readonly value: string;
      readonly output: string;
      readonly cut: string;
      readonly unit: number;
    };

export interface PropagatedProgram {
  readonly program: Program;
  readonly values: ProgramValues;
  /** States after the last communication on the value. */
  readonly states: ReadonlyMap<string, ShardState>;
  readonly schedule: readonly ScheduledItem[];
  /** The value that is the stage's output, communications included. */
  readonly outputValue: string;
}

class Propagation {
  readonly values: Map<string, MemberValue>;
  readonly states = new Map<string, ShardState>();
  readonly schedule: ScheduledItem[] = [];
  /** Names under which later operations find a value: gathered copies, and results of `replicate`. */
  private readonly renames = new Map<string, string>();
  /** The gathered copy of a split value, made once. */
  private readonly gatheredCopies = new Map<string, string>();

  constructor(private readonly program: Program) {
    this.values = new Map(validateProgram(program));
    if (program.input.kind === 'hidden') this.states.set(program.input.value, replicated);
  }

  run(): PropagatedProgram {
    for (const [index, operation] of this.program.operations.entries()) {
      const path = operationPath(operation, index);
      if (operation.op === 'replicate') {
        this.renames.set(operation.output, this.replicate(operation.input, path));
        continue;
      }
      // Gathered copies are asked for operation by operation: one that works on columns keeps using the split value.
      const gathered = new Map<string, string>();
      const state = outputState(operation, this.contextOf(path, gathered));
      const names = new Map([...this.renames, ...gathered]);
      this.schedule.push({ kind: 'operation', operation: renameInputs(operation, names), path, state });
      for (const output of valueOutputs(operation)) this.states.set(output, state);
    }
    const outputValue = this.finishOutput();
    return { program: this.program, values: this.values, states: this.states, schedule: this.schedule, outputValue };
  }

  private resolve(value: string): string {
    return this.renames.get(value) ?? value;
  }

  private stateOf(value: string): ShardState {
    return this.states.get(this.resolve(value)) ?? replicated;
  }

  private contextOf(path: string, gathered: Map<string, string>): ShardContext {
    return {
      program: this.program,
      path,
      state: (value) => (gathered.has(value) ? replicated : this.stateOf(value)),
      width: (value) => (this.values.get(value) as MemberValue).width,
      gather: (value) => {
        const state = this.stateOf(value);
        if (state.kind === 'partial') {
          fail(
            'PROGRAM_PARTIAL_NONLINEAR',
            path,
            `'${value}' is a partial sum; write a 'replicate' before its non-linear use`,
          );
        }
        if (state.kind === 'split') gathered.set(value, this.replicate(value, path));
      },
      reduce: (value) => {
        this.replicate(value, path);
      },
    };
  }

  /** Inserts the communication that makes a value replicated, once, and gives the name of the replicated value. */
  private replicate(value: string, path: string): string {
    const name = this.resolve(value);
    const state = this.stateOf(value);
    if (state.kind === 'partial') {
      this.schedule.push({ kind: 'all-reduce-sum', value: name });
      this.states.set(name, replicated);
    }
    if (state.kind !== 'split') return name;

    const known = this.gatheredCopies.get(name);
    if (known !== undefined) return known;
    const output = `${name}.gathered`;
    if (this.values.has(output))
      fail('PROGRAM_INVALID', path, `the name '${output}' is reserved for the gathered '${name}'`);
    if (cutOverlaps(this.program.cuts[state.cut] as readonly Range[])) {
      fail('PROGRAM_SHARD_STATE', path, `'${name}' cannot be gathered: members share units of cut '${state.cut}'`);
    }
    this.schedule.push({ kind: 'all-gather', value: name, output, cut: state.cut, unit: state.unit });
    this.values.set(output, this.values.get(name) as MemberValue);
    this.states.set(output, replicated);
    this.gatheredCopies.set(name, output);
    return output;
  }

  private finishOutput(): string {
    const { kind, value } = this.program.output;
    const state = this.stateOf(value);
    if (kind === 'hidden' || state.kind === 'partial') return this.replicate(value, 'output');
    if (state.kind === 'split' && cutOverlaps(this.program.cuts[state.cut] as readonly Range[])) {
      fail('PROGRAM_SHARD_STATE', 'output', `members share units of cut '${state.cut}' of the logits`);
    }
    return this.resolve(value);
  }
}

/**
 * Validates a program and finds the shard state of each value. Inserts an all-reduce where a partial sum meets a
 * replicated value and at the output, an all-gather where a split value is needed whole. Rejects what would be wrong:
 * a non-linear use of a partial sum (PROGRAM_PARTIAL_NONLINEAR); a bias added on every member, a norm across a split,
 * values cut differently (PROGRAM_SHARD_STATE).
 */
export function propagate(program: Program): PropagatedProgram {
  return new Propagation(program).run();
}
