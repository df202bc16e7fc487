import type { ProgramOperation } from '../spec/operations.js';
import type {
  MemberState,
  MemberValue,
  Program,
  RecurrentShard,
  StateDeclaration,
  StateShard,
} from '../spec/program.js';
import type { Range } from '../spec/range.js';
import { programVersion } from '../spec/version.js';
import { ensure, fail, listed } from './invalid.js';
import { operationFields, operationState, operationWeights, valueInputs, valueOutputs } from './operation-fields.js';
import { inferOutputs } from './widths.js';

/** Widths and rows of the values of a valid program. */
export type ProgramValues = ReadonlyMap<string, MemberValue>;

const isRange = ([from, to]: Range): boolean =>
  Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to;
const isSize = (size: number): boolean => Number.isInteger(size) && size > 0;

/** Where an operation stands, for messages: `operations[3] (linear → l0.query)`. */
export function operationPath(operation: ProgramOperation, index: number): string {
  const outputs = Object.hasOwn(operationFields, operation.op) ? valueOutputs(operation).join(', ') : '';
  return `operations[${index}] (${operation.op}${outputs === '' ? '' : ` → ${outputs}`})`;
}

/** Shapes of the state as a whole, in the form that a member sees. */
export function logicalState(state: StateDeclaration): MemberState {
  const { shard: _, ...declared } = state;
  return declared;
}

/**
 * Checks that a program is well formed and gives the widths of its values: names are defined once and before their use,
 * operands fit, cuts cover their axes, every declaration is used. Shard states are the matter of `propagate`.
 * Throws PROGRAM_INVALID or PROGRAM_CUT_INVALID with the path of what is wrong.
 */
export function validateProgram(program: Program): ProgramValues {
  ensure(
    program.programVersion === programVersion,
    'programVersion',
    () => `${program.programVersion}, expected ${programVersion}`,
  );
  ensure(isSize(program.memberCount), 'memberCount', () => `${program.memberCount} is not a positive integer`);
  ensure(isRange(program.layers), 'layers', () => `${listed(program.layers)} is not a range`);
  validateCuts(program);
  return validateOperations(program);
}

function validateCuts(program: Program): void {
  for (const [name, ranges] of Object.entries(program.cuts)) {
    const path = `cuts.${name}`;
    if (ranges.length !== program.memberCount) {
      fail('PROGRAM_CUT_INVALID', path, `${ranges.length} ranges for ${program.memberCount} members`);
    }
    for (const [member, range] of ranges.entries()) {
      if (!isRange(range)) fail('PROGRAM_CUT_INVALID', `${path}[${member}]`, `${listed(range)} is not a range`);
    }
  }
  const sizes = new Map<string, { size: number; path: string }>();
  const use = (cut: string, unit: number, elements: number, path: string): void => {
    const ranges = program.cuts[cut];
    if (ranges === undefined) fail('PROGRAM_INVALID', path, `there is no cut '${cut}'`);
    ensure(
      isSize(unit) && elements % unit === 0,
      path,
      () => `${elements} elements are not a multiple of the unit ${unit}`,
    );
    const size = elements / unit;
    const known = sizes.get(cut);
    if (known !== undefined) {
      ensure(known.size === size, path, () => `cut '${cut}' has ${size} units here, ${known.size} at ${known.path}`);
      return;
    }
    sizes.set(cut, { size, path });
    ensureCovers(ranges, size, `cuts.${cut}`);
  };
  for (const [name, weight] of Object.entries(program.weights)) {
    const path = `weights.${name}`;
    ensure(weight.shape.length > 0 && weight.shape.every(isSize), path, () => `${listed(weight.shape)} is not a shape`);
    if (weight.shard.kind !== 'split') continue;
    const { axis, cut, unit } = weight.shard;
    const size = weight.shape[axis];
    ensure(size !== undefined, path, () => `axis ${axis} is not an axis of ${listed(weight.shape)}`);
    use(cut, unit, size, path);
  }
  for (const [name, state] of Object.entries(program.states)) {
    for (const { shard, unit, elements } of stateCuts(state)) use(shard.cut, unit, elements, `states.${name}`);
  }
}

type SplitShard = Extract<StateShard | RecurrentShard, { kind: 'split' }>;

function stateCuts(state: StateDeclaration): { shard: SplitShard; unit: number; elements: number }[] {
  if (state.shard.kind !== 'split') return [];
  if (state.kind === 'recurrent') {
    const shard = state.shard as Extract<RecurrentShard, { kind: 'split' }>;
    return [{ shard, unit: shard.unit, elements: state.shape[shard.axis] ?? 0 }];
  }
  const shard = state.shard as Extract<StateShard, { kind: 'split' }>;
  if (state.kind === 'latent') return fail('PROGRAM_INVALID', 'states', 'a latent state cannot be split');
  return [
    { shard, unit: shard.keyUnit, elements: state.keyWidth },
    { shard, unit: shard.valueUnit, elements: state.valueWidth },
  ];
}

/** Ranges may overlap (shared key-value heads) and be empty, but together they hold every unit. */
function ensureCovers(ranges: readonly Range[], size: number, path: string): void {
  let covered = 0;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from === to) continue;
    if (from > covered) break;
    covered = Math.max(covered, to);
  }
  const last = Math.max(...ranges.map(([, to]) => to));
  if (covered < size || last > size) {
    const shown = ranges.map(([from, to]) => `[${from}, ${to})`).join(' ');
    fail('PROGRAM_CUT_INVALID', path, `${shown} do not cover exactly ${size} units`, { size, ranges });
  }
}

function validateOperations(program: Program): ProgramValues {
  const values = new Map<string, MemberValue>();
  const usedWeights = new Set<string>();
  const usedStates = new Set<string>();
  if (program.input.kind === 'hidden') values.set(program.input.value, { width: program.input.width, rows: 'tokens' });

  for (const [index, operation] of program.operations.entries()) {
    const path = operationPath(operation, index);
    ensure(Object.hasOwn(operationFields, operation.op), path, () => `unknown operation '${operation.op}'`);
    ensure(
      operation.op !== 'embedding' || program.input.kind === 'tokens',
      path,
      () => 'this stage does not see token ids',
    );
    for (const name of valueInputs(operation))
      ensure(values.has(name), path, () => `value '${name}' is not defined before its use`);
    for (const name of operationWeights(operation)) {
      ensure(Object.hasOwn(program.weights, name), path, () => `weight '${name}' is not declared`);
      usedWeights.add(name);
    }
    const stateName = operationState(operation);
    if (stateName !== undefined) {
      ensure(Object.hasOwn(program.states, stateName), path, () => `state '${stateName}' is not declared`);
      usedStates.add(stateName);
    }
    const outputs = inferOutputs(operation, {
      path,
      value: (name) => values.get(name) as MemberValue,
      weight: (name) => program.weights[name]?.shape ?? [],
      state: (name) => logicalState(program.states[name] as StateDeclaration),
    });
    for (const [name, value] of Object.entries(outputs)) {
      ensure(!values.has(name), path, () => `value '${name}' is defined twice`);
      values.set(name, value);
    }
  }
  for (const name of Object.keys(program.weights))
    ensure(usedWeights.has(name), `weights.${name}`, () => 'is never used');
  for (const name of Object.keys(program.states)) ensure(usedStates.has(name), `states.${name}`, () => 'is never used');
  const output = values.get(program.output.value);
  ensure(output !== undefined, 'output', () => `value '${program.output.value}' is not defined`);
  const expectedRows = program.output.kind === 'logits' ? 'outputs' : 'tokens';
  ensure(
    output.rows === expectedRows,
    'output',
    () => `'${program.output.value}' has a row per ${output.rows}, expected ${expectedRows}`,
  );
  return values;
}
