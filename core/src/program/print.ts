/** Readable text of programs, for `shoal explain --program` and for people who write strategies. */
import type { ProgramOperation } from '../spec/operations.js';
import type {
  Communication,
  MemberProgram,
  MemberState,
  MemberValue,
  Program,
  RecurrentShard,
  ShardState,
  StateShard,
  WeightExpression,
  WeightShard,
} from '../spec/program.js';
import { operationFields, operationState, operationWeights, valueInputs, valueOutputs } from './operation-fields.js';
import type { PropagatedProgram } from './propagate.js';

/** One line of text for a weight expression, for example `lm_head.weight[axis 0: 0–64]`. */
export function printExpression(expression: WeightExpression): string {
  switch (expression.kind) {
    case 'tensor':
      return expression.name;
    case 'slice':
      return `${printExpression(expression.input)}[axis ${expression.axis}: ${expression.range[0]}–${expression.range[1]}]`;
    case 'concat':
      return `concat(axis ${expression.axis}: ${expression.inputs.map(printExpression).join(', ')})`;
    case 'stack': {
      const [first, ...rest] = expression.inputs;
      const last = rest.at(-1);
      if (first === undefined) return 'stack()';
      return `stack(${printExpression(first)}${last === undefined ? '' : `, … ${rest.length - 1} …, ${printExpression(last)}`})`;
    }
    case 'stride':
      return `every ${expression.step}th of axis ${expression.axis} from ${expression.start} of ${printExpression(expression.input)}`;
    case 'transpose':
      return `transpose(${printExpression(expression.input)})`;
    case 'permute':
      return `permute(${printExpression(expression.input)}, ${expression.order.join(' ')})`;
    case 'reshape':
      return `reshape(${printExpression(expression.input)}, [${expression.shape.join(', ')}])`;
    case 'convert':
      return `${expression.to}(${printExpression(expression.input)})`;
  }
}

const printState = (state: ShardState): string =>
  state.kind === 'split' ? `split(${state.cut} × ${state.unit})` : state.kind;

function printShard(shard: WeightShard | StateShard | RecurrentShard): string {
  if (shard.kind !== 'split') return shard.kind;
  const unit = 'unit' in shard ? shard.unit : `${shard.keyUnit} + ${shard.valueUnit}`;
  return `split(${'axis' in shard ? `axis ${shard.axis}, ` : ''}${shard.cut} × ${unit})`;
}

function printParameters(operation: ProgramOperation): string {
  const { inputs, outputs, weights, states } = operationFields[operation.op];
  const names = new Set(['op', ...inputs, ...outputs, ...weights, ...states]);
  const shown = Object.entries(operation).filter(([key]) => !names.has(key));
  return shown.map(([key, value]) => `${key}=${shorten(value)}`).join(' ');
}

function shorten(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= 40 ? text : `${text.slice(0, 37)}…${text.slice(-1)}`;
}

function printOperation(operation: ProgramOperation, describe: (value: string) => string): string {
  const outputs = valueOutputs(operation).map((name) => `${name}: ${describe(name)}`);
  const operands = [...valueInputs(operation), ...operationWeights(operation).map((name) => `@${name}`)];
  const state = operationState(operation);
  if (state !== undefined) operands.push(`#${state}`);
  const parameters = printParameters(operation);
  const left = outputs.length === 0 ? '' : `${outputs.join(', ')} = `;
  return `${left}${operation.op}(${operands.join(', ')})${parameters === '' ? '' : ` ${parameters}`}`;
}

const describeValue = (value: MemberValue | undefined): string =>
  value === undefined ? '?' : `${value.width}${value.rows === 'outputs' ? ' of outputs' : ''}`;

function printMemberState(state: MemberState): string {
  switch (state.kind) {
    case 'key-value':
      return `key-value ${state.keyWidth} + ${state.valueWidth}${state.window === undefined ? '' : `, window ${state.window}`}`;
    case 'latent':
      return `latent ${state.width}`;
    case 'recurrent':
      return `recurrent [${state.shape.join(', ')}]`;
  }
}

/**
 * A stage's program with the shard state of every value and the communications between its operations. Values are plain
 * names, weights `@name`, states `#name`.
 */
export function printProgram({ program, values, schedule, outputValue }: PropagatedProgram): string {
  const lines = [printHeader(program), `members ${program.memberCount}`];
  for (const [name, ranges] of Object.entries(program.cuts)) {
    lines.push(`cut ${name}: ${ranges.map(([from, to]) => `${from}–${to}`).join(' | ')}`);
  }
  for (const [name, weight] of Object.entries(program.weights)) {
    lines.push(
      `@${name}: [${weight.shape.join(', ')}] ${weight.role} ${printShard(weight.shard)} = ${printExpression(weight.source)}`,
    );
  }
  for (const [name, state] of Object.entries(program.states)) {
    lines.push(`#${name}: layer ${state.layer} ${printMemberState(state)} ${printShard(state.shard)}`);
  }
  for (const item of schedule) {
    if (item.kind === 'operation') {
      const state = printState(item.state);
      lines.push(`  ${printOperation(item.operation, (name) => `${describeValue(values.get(name))} ${state}`)}`);
    } else if (item.kind === 'all-reduce-sum') lines.push(`── all-reduce ${item.value}`);
    else lines.push(`── all-gather ${item.output} from ${item.value}`);
  }
  lines.push(`output ${program.output.kind} ${outputValue}`);
  return `${lines.join('\n')}\n`;
}

function printHeader(program: Program | MemberProgram): string {
  const input = program.input.kind === 'tokens' ? 'tokens' : `hidden ${program.input.value}: ${program.input.width}`;
  return `${program.family} layers ${program.layers[0]}–${program.layers[1]}, input ${input}`;
}

function printCommunication(communication: Communication): string {
  if (communication.kind === 'all-reduce-sum') return `── all-reduce ${communication.value}`;
  return `── all-gather ${communication.output} from ${communication.value}: ${communication.widths.join(' + ')} columns`;
}

/** What one member runs: local widths, storage, segments between communications. */
export function printMemberProgram(program: MemberProgram): string {
  const describe = (name: string): string => describeValue(program.values[name]);
  const lines = [printHeader(program), `member ${program.member} of ${program.memberCount}`];
  for (const [name, weight] of Object.entries(program.weights)) {
    lines.push(`@${name}: [${weight.shape.join(', ')}] ${weight.storage} = ${printExpression(weight.source)}`);
  }
  for (const [name, state] of Object.entries(program.states))
    lines.push(`#${name}: layer ${state.layer} ${printMemberState(state)}`);
  for (const [index, segment] of program.segments.entries()) {
    lines.push(`segment ${index}`);
    for (const operation of segment.operations) lines.push(`  ${printOperation(operation, describe)}`);
    if (segment.communication !== undefined) lines.push(printCommunication(segment.communication));
  }
  const { output } = program;
  const range = output.kind === 'logits' ? ` [${output.vocabularyRange.join(', ')}) of ${output.vocabularySize}` : '';
  lines.push(`output ${output.kind} ${output.value}${range}`);
  return `${lines.join('\n')}\n`;
}
