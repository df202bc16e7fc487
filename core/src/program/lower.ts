/** From a stage's program in logical widths to what one member runs. */
import type { ExpertsOperation, Operation } from '../spec/operations.js';
import type {
  Communication,
  MemberOutput,
  MemberProgram,
  MemberState,
  MemberValue,
  MemberWeight,
  Program,
  Segment,
  StateDeclaration,
  WeightDeclaration,
} from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { StorageChoice } from '../spec/sharding.js';
import { ensure, listed } from './invalid.js';
import { operationState, operationWeights, renameInputs, valueInputs, valueOutputs } from './operation-fields.js';
import type { PropagatedProgram } from './propagate.js';
import { memberStorage } from './storage.js';
import { logicalState } from './validate.js';
import { expressionShape, sliceExpression, type Tensors } from './weights.js';

const length = ([from, to]: Range): number => to - from;

/** Members of a stage are lowered one after the other from one program: what is the same for all of them is found once. */
const checkedAgainst = new WeakMap<Program, Tensors>();
const knownHolders = new WeakMap<PropagatedProgram, ReadonlyMap<string, number>>();

/** Throws PROGRAM_INVALID where a weight is not declared as its tensors make it. */
function checkSources(program: Program, tensors: Tensors): void {
  if (checkedAgainst.get(program) === tensors) return;
  for (const [name, { source, shape: declared }] of Object.entries(program.weights)) {
    const path = `weights.${name}`;
    const shape = expressionShape(source, tensors, path);
    ensure(
      String(shape) === String(declared),
      path,
      () => `declared as ${listed(declared)}, but its source is ${listed(shape)}`,
    );
  }
  checkedAgainst.set(program, tensors);
}

/** Which member holds each `first-member` weight: one that has a part of the sum, because others have no operation. */
function biasHoldersOf(propagated: PropagatedProgram): ReadonlyMap<string, number> {
  const known = knownHolders.get(propagated);
  if (known !== undefined) return known;
  const { program, schedule } = propagated;
  const holders = new Map<string, number>();
  for (const item of schedule) {
    if (item.kind !== 'operation') continue;
    const names = operationWeights(item.operation);
    const cuts = names.flatMap((name) => {
      const shard = program.weights[name]?.shard;
      return shard?.kind === 'split' ? [shard.cut] : [];
    });
    const ranges = program.cuts[cuts[0] ?? ''];
    const holder = Math.max(0, ranges?.findIndex((range) => length(range) > 0) ?? 0);
    for (const name of names) {
      if (program.weights[name]?.shard.kind !== 'first-member') continue;
      const earlier = holders.get(name) ?? holder;
      ensure(earlier === holder, item.path, () => `bias '${name}' is used in sums that start at different members`);
      holders.set(name, holder);
    }
  }
  knownHolders.set(propagated, holders);
  return holders;
}

/** Weights that an operation can do without. */
const optionalWeightFields = ['bias', 'gateBias', 'upBias', 'downBias', 'sinks', 'correctionBias'] as const;

class Lowering {
  private readonly program;
  private readonly values = new Map<string, MemberValue>();
  private readonly weights = new Map<string, MemberWeight>();
  /** Names of gathered values that are the value itself, because there is one member. */
  private readonly renames = new Map<string, string>();
  private readonly segments: { operations: Operation[]; communication?: Communication }[] = [{ operations: [] }];

  constructor(
    private readonly propagated: PropagatedProgram,
    private readonly member: number,
    private readonly storage: StorageChoice,
    private readonly tensors: Tensors,
  ) {
    this.program = propagated.program;
    const { memberCount } = this.program;
    ensure(
      Number.isInteger(member) && member >= 0 && member < memberCount,
      'member',
      () => `there is no member ${member} of ${memberCount}`,
    );
  }

  run(): MemberProgram {
    this.lowerWeights();
    for (const [name, value] of this.propagated.values) {
      const width = this.localWidth(name, value.width);
      this.values.set(name, width === value.width ? value : { ...value, width });
    }
    for (const item of this.propagated.schedule) {
      if (item.kind === 'operation') this.lowerOperation(item.operation);
      else if (item.kind === 'all-reduce-sum') this.communicate({ kind: item.kind, value: this.resolve(item.value) });
      else this.lowerGather(item.value, item.output, item.cut, item.unit);
    }
    if (this.segments.length > 1 && this.current.operations.length === 0) this.segments.pop();
    return this.assemble();
  }

  private get current(): { operations: Operation[]; communication?: Communication } {
    return this.segments.at(-1) as { operations: Operation[]; communication?: Communication };
  }

  private range(cut: string): Range {
    return this.program.cuts[cut]?.[this.member] as Range;
  }

  private localWidth(value: string, width: number): number {
    const state = this.propagated.states.get(value);
    return state?.kind === 'split' ? length(this.range(state.cut)) * state.unit : width;
  }

  private resolve(value: string): string {
    return this.renames.get(value) ?? value;
  }

  private widthOf(value: string): number {
    return this.values.get(value)?.width ?? 0;
  }

  private lowerWeights(): void {
    const holders = biasHoldersOf(this.propagated);
    checkSources(this.program, this.tensors);
    for (const [name, declared] of Object.entries(this.program.weights)) {
      const path = `weights.${name}`;
      const local = this.localWeight(declared, holders.get(name) ?? 0);
      if (local === undefined) continue;
      const { source, shape: localShape } = local;
      const storage = memberStorage(declared.role, source, localShape, this.storage, this.tensors, path);
      this.weights.set(name, { shape: localShape, source, role: declared.role, storage });
    }
  }

  private localWeight(declared: WeightDeclaration, holder: number): Pick<MemberWeight, 'shape' | 'source'> | undefined {
    const { shard, shape, source } = declared;
    if (shard.kind === 'replicated') return { shape, source };
    if (shard.kind === 'first-member') return this.member === holder ? { shape, source } : undefined;
    const [from, to] = this.range(shard.cut);
    if (from === to) return undefined;
    const range: Range = [from * shard.unit, to * shard.unit];
    return {
      shape: shape.map((size, axis) => (axis === shard.axis ? length(range) : size)),
      source: sliceExpression(source, shard.axis, range, this.tensors),
    };
  }

  private lowerOperation(original: Operation): void {
    const outputs = valueOutputs(original);
    if (outputs.length > 0 && outputs.every((name) => this.widthOf(name) === 0)) return;
    const operation = this.withoutAbsentWeights(renameInputs(original, this.renames));

    const lacksWeight = operationWeights(operation).some((name) => !this.weights.has(name));
    const lacksInput = valueInputs(operation).some((name) => this.widthOf(name) === 0);
    if (operation.op === 'add-vector' && lacksWeight) {
      // A copy, not another name: the result may be reduced in place while the input is still a summand elsewhere.
      this.current.operations.push({ op: 'scale', input: operation.input, factor: 1, output: operation.output });
      return;
    }
    if (lacksWeight || lacksInput) {
      // No part of the sum is here: the member's summand is zero.
      for (const output of outputs) this.current.operations.push({ op: 'zeros', width: this.widthOf(output), output });
      return;
    }
    this.current.operations.push(...(operation.op === 'experts' ? this.localExperts(operation) : [operation]));
  }

  private withoutAbsentWeights(operation: Operation): Operation {
    const fields = operation as unknown as Readonly<Record<string, string | undefined>>;
    const isAbsent = (field: string): boolean => fields[field] !== undefined && !this.weights.has(fields[field]);
    const absent = optionalWeightFields.filter(isAbsent);
    if (absent.length === 0) return operation;
    const changed: Record<string, unknown> = { ...operation };
    for (const field of absent) delete changed[field];
    return changed as unknown as Operation;
  }

  private localExperts(operation: ExpertsOperation): Operation[] {
    const { shard, shape } = this.program.weights[operation.gate] as WeightDeclaration;
    if (shard.kind !== 'split' || shard.axis !== 0) return [operation];
    const range = this.range(shard.cut);
    if (length(range) === shape[0]) return [operation];
    const localIndices = `${operation.output}.local-indices`;
    const localWeights = `${operation.output}.local-weights`;
    const { indices, weights } = operation;
    this.values.set(localIndices, this.values.get(indices) as MemberValue);
    this.values.set(localWeights, this.values.get(weights) as MemberValue);
    return [
      { op: 'localize-experts', indices, weights, range, localIndices, localWeights },
      { ...operation, indices: localIndices, weights: localWeights },
    ];
  }

  private lowerGather(value: string, output: string, cut: string, unit: number): void {
    if (this.program.memberCount === 1) {
      this.renames.set(output, this.resolve(value));
      return;
    }
    const widths = (this.program.cuts[cut] as readonly Range[]).map((range) => length(range) * unit);
    this.communicate({ kind: 'all-gather', value: this.resolve(value), output, widths });
  }

  private communicate(communication: Communication): void {
    if (this.program.memberCount === 1) return;
    this.current.communication = communication;
    this.segments.push({ operations: [] });
  }

  private assemble(): MemberProgram {
    const output = this.memberOutput();
    const segments = withoutUnused(this.segments, output.value);
    const input = this.program.input;
    const operations = segments.flatMap((segment) => segment.operations);
    const communicated = segments.flatMap(({ communication }) => {
      if (communication === undefined) return [];
      return communication.kind === 'all-gather' ? [communication.value, communication.output] : [communication.value];
    });
    const boundary = [...(input.kind === 'hidden' ? [input.value] : []), ...communicated, output.value];
    const boundaryValues = [...new Set(boundary)].filter((name) => this.widthOf(name) > 0);
    const usedValues = new Set([...boundaryValues, ...operations.flatMap((operation) => valueOutputs(operation))]);
    const usedWeights = new Set(operations.flatMap((operation) => operationWeights(operation)));
    const usedStates = new Set(operations.flatMap((operation) => operationState(operation) ?? []));
    const pick = <T>(entries: Iterable<readonly [string, T]>, used: ReadonlySet<string>): Record<string, T> => {
      const picked: Record<string, T> = {};
      for (const [name, value] of entries) if (used.has(name)) picked[name] = value;
      return picked;
    };
    const states = Object.entries(this.program.states).map(([name, state]) => [name, this.localState(state)] as const);
    const { programVersion, family, layers, memberCount } = this.program;
    return {
      programVersion,
      family,
      layers,
      member: this.member,
      memberCount,
      input,
      output,
      values: pick(this.values, usedValues),
      boundaryValues,
      weights: pick(this.weights, usedWeights),
      states: pick(states, usedStates),
      segments,
    };
  }

  private memberOutput(): MemberOutput {
    const logical = this.propagated.outputValue;
    const value = this.resolve(logical);
    if (this.program.output.kind === 'hidden') return { kind: 'hidden', value };
    const vocabularySize = this.propagated.values.get(logical)?.width as number;
    const state = this.propagated.states.get(logical);
    if (state?.kind !== 'split') return { kind: 'logits', value, vocabularyRange: [0, vocabularySize], vocabularySize };
    const [from, to] = this.range(state.cut);
    return { kind: 'logits', value, vocabularyRange: [from * state.unit, to * state.unit], vocabularySize };
  }

  private localState(declared: StateDeclaration): MemberState {
    const state = logicalState(declared);
    const { shard } = declared;
    if (shard.kind !== 'split') return state;
    const count = length(this.range(shard.cut));
    if (state.kind === 'recurrent' && 'axis' in shard) {
      return { ...state, shape: state.shape.map((size, axis) => (axis === shard.axis ? count * shard.unit : size)) };
    }
    if (state.kind === 'key-value' && 'keyUnit' in shard) {
      return { ...state, keyWidth: count * shard.keyUnit, valueWidth: count * shard.valueUnit };
    }
    return state;
  }
}

/** Leaves out operations whose results nobody uses: what a member with a zero share would compute in vain. */
function withoutUnused(segments: readonly Segment[], output: string): Segment[] {
  const needed = new Set([output]);
  const kept: Segment[] = [];
  for (const { operations, communication } of [...segments].reverse()) {
    if (communication !== undefined) needed.add(communication.value);
    const live: Operation[] = [];
    for (const operation of [...operations].reverse()) {
      const outputs = valueOutputs(operation);
      if (outputs.length > 0 && !outputs.some((name) => needed.has(name))) continue;
      for (const name of valueInputs(operation)) needed.add(name);
      live.push(operation);
    }
    live.reverse();
    kept.push(communication === undefined ? { operations: live } : { operations: live, communication });
  }
  return kept.reverse();
}

/**
 * The program of one member: local widths, local parts of weights with slices pushed into their expressions, segments
 * cut at communications. Values of no columns and operations on them are left out; a linear without input columns
 * becomes `zeros`. Throws MODEL_TENSOR_MISSING, PROGRAM_STORAGE_BLOCK or PROGRAM_INVALID.
 */
export function lowerProgram(
  propagated: PropagatedProgram,
  member: number,
  storage: StorageChoice,
  tensors: Tensors,
): MemberProgram {
  return new Lowering(propagated, member, storage, tensors).run();
}
