/**
 * Runs a checkpoint over stages × members in one process on the reference backend, with the collectives done here: the
 * oracle for programs and cuts.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { referenceBackendWorker } from '@shoal/backend-reference';
import {
  type Communication,
  checkpointWeightSource,
  cutsFor,
  lowerProgram,
  type MemberProgram,
  type ModelConfig,
  type ModelDescription,
  type Program,
  propagate,
  type Range,
  SafetensorsCheckpoint,
  type ScriptDevice,
  type ScriptExecutable,
  type ShardingOptions,
  type ShardingStrategy,
  type SlotOperation,
  type Step,
  type StepSequence,
} from '@shoal/core';

export interface SplitStage {
  readonly layers: Range;
  /** One per member. */
  readonly shares: readonly number[];
}

/** A sequence's part of a step, with its tokens. */
export interface SequenceTokens extends Omit<StepSequence, 'tokenCount'> {
  readonly tokens: readonly number[];
}

export interface SplitOptions {
  readonly slotCount?: number;
  readonly contextLength?: number;
  readonly maximumStepTokens?: number;
}

interface Member {
  readonly program: MemberProgram;
  readonly executable: ScriptExecutable;
  boundary: Map<string, Float32Array>;
}

export function readConfig(directory: string): ModelConfig {
  return JSON.parse(readFileSync(path.join(directory, 'config.json'), 'utf8')) as ModelConfig;
}

/** The lowered programs of a plan, stage by stage, member by member. */
export function memberPrograms(
  strategy: ShardingStrategy,
  config: ModelConfig,
  tensors: ModelDescription['tensors'],
  stages: readonly SplitStage[],
  options: ShardingOptions = {},
): MemberProgram[][] {
  return stagePrograms(strategy, config, tensors, stages, options).map((program) => lowerAll(program, tensors));
}

/** The programs of a plan's stages, in logical widths. */
export function stagePrograms(
  strategy: ShardingStrategy,
  config: ModelConfig,
  tensors: ModelDescription['tensors'],
  stages: readonly SplitStage[],
  options: ShardingOptions = {},
): Program[] {
  return stages.map(({ layers, shares }, index) => {
    const memberCount = shares.length;
    const cuts = cutsFor(strategy.constraints(config, memberCount), shares);
    const ends = { hasEmbedding: index === 0, hasHead: index === stages.length - 1 };
    return strategy.program(config, tensors, { layers, ...ends, memberCount, cuts }, options);
  });
}

/** A stage's program for each of its members, everything in F32. */
export function lowerAll(program: Program, tensors: ModelDescription['tensors']): MemberProgram[] {
  const propagated = propagate(program);
  const storage = { matrix: 'f32', embedding: 'f32' } as const;
  return Array.from({ length: program.memberCount }, (_, member) => lowerProgram(propagated, member, storage, tensors));
}

const stepOf = (sequences: readonly SequenceTokens[]): Step => ({
  sequences: sequences.map(({ tokens, ...sequence }) => ({ ...sequence, tokenCount: tokens.length })),
  tokens: Uint32Array.from(sequences.flatMap(({ tokens }) => tokens)),
});

function rowsOf(program: MemberProgram, name: string, step: Step): number {
  if (program.values[name]?.rows === 'outputs')
    return step.sequences.reduce((sum, { outputRows }) => sum + outputRows, 0);
  return step.tokens.length;
}

function exchange(members: readonly Member[], communication: Communication): void {
  if (communication.kind === 'all-reduce-sum') {
    const summands = members.map(({ boundary }) => boundary.get(communication.value) as Float32Array);
    const sum = new Float32Array((summands[0] as Float32Array).length);
    for (const summand of summands)
      for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + (summand[i] as number);
    for (const summand of summands) summand.set(sum);
    return;
  }
  const { value, output, widths } = communication;
  const total = widths.reduce((sum, width) => sum + width, 0);
  let column = 0;
  for (const [index, { boundary }] of members.entries()) {
    const width = widths[index] as number;
    const part = boundary.get(value);
    for (let row = 0; part !== undefined && row * width < part.length; row += 1) {
      for (const member of members) {
        (member.boundary.get(output) as Float32Array).set(
          part.subarray(row * width, (row + 1) * width),
          row * total + column,
        );
      }
    }
    column += width;
  }
}

/** A model loaded over a plan in this process. */
export class SplitModel {
  private constructor(private readonly stages: readonly (readonly Member[])[]) {}

  static async open(
    strategy: ShardingStrategy,
    directory: string,
    stages: readonly SplitStage[],
    options: SplitOptions = {},
  ): Promise<SplitModel> {
    using checkpoint = new SafetensorsCheckpoint(directory);
    const programs = memberPrograms(strategy, readConfig(directory), checkpoint.tensors, stages);
    return await SplitModel.ofPrograms(programs, checkpoint, options);
  }

  /** Loads member programs, stage by stage, member by member. */
  static async ofPrograms(
    stages: readonly (readonly MemberProgram[])[],
    checkpoint: SafetensorsCheckpoint,
    options: SplitOptions = {},
  ): Promise<SplitModel> {
    const device = (await referenceBackendWorker().open('reference', {})) as ScriptDevice;
    const opened: Member[][] = [];
    for (const programs of stages) {
      opened.push(
        await Promise.all(
          programs.map(async (program) => ({
            program,
            executable: await device.compile(program, checkpointWeightSource(program, checkpoint), {
              slotCount: options.slotCount ?? 2,
              contextLength: options.contextLength ?? 128,
              stateStorage: 'f32',
              maximumStepTokens: options.maximumStepTokens ?? 128,
            }),
            boundary: new Map<string, Float32Array>(),
          })),
        ),
      );
    }
    return new SplitModel(opened);
  }

  slotOperation(operation: SlotOperation): void {
    for (const { executable } of this.stages.flat()) executable.slotOperation(operation);
  }

  /** Runs one step through stages that start and end with hidden values: rows in, rows out. */
  hidden(sequences: readonly SequenceTokens[], rows: Float32Array): Float32Array {
    const step = stepOf(sequences);
    return this.stages.reduce((hidden, stage) => this.runStage(stage, step, hidden) as Float32Array, rows);
  }

  /** Runs one step and gives the logits of the output rows, whole. */
  step(sequences: readonly SequenceTokens[]): Float32Array[] {
    const step = stepOf(sequences);
    let hidden: Float32Array | undefined;
    for (const stage of this.stages) hidden = this.runStage(stage, step, hidden);
    return this.logits(this.stages.at(-1) as readonly Member[], step);
  }

  private runStage(stage: readonly Member[], step: Step, hidden: Float32Array | undefined): Float32Array | undefined {
    for (const member of stage) {
      const { program, executable } = member;
      member.boundary = new Map(
        program.boundaryValues.map((name) => [
          name,
          new Float32Array(rowsOf(program, name, step) * (program.values[name]?.width ?? 0)),
        ]),
      );
      if (program.input.kind === 'hidden') member.boundary.get(program.input.value)?.set(hidden as Float32Array);
      executable.beginStep(step);
    }
    const [first] = stage as readonly [Member];
    for (const [index, { communication }] of first.program.segments.entries()) {
      for (const { executable, boundary } of stage) executable.execute(index, boundary);
      if (communication !== undefined) exchange(stage, communication);
    }
    for (const { executable } of stage) executable.endStep();
    return first.boundary.get(first.program.output.value);
  }

  private logits(stage: readonly Member[], step: Step): Float32Array[] {
    const rowCount = step.sequences.reduce((sum, { outputRows }) => sum + outputRows, 0);
    return Array.from({ length: rowCount }, (_, row) => {
      const { output } = (stage[0] as Member).program;
      if (output.kind !== 'logits') throw new Error('the last stage gives no logits');
      const logits = new Float32Array(output.vocabularySize).fill(Number.NaN);
      for (const { program, boundary } of stage) {
        if (program.output.kind !== 'logits') continue;
        const [from, to] = program.output.vocabularyRange;
        const part = boundary.get(program.output.value) ?? new Float32Array(0);
        logits.set(part.subarray(row * (to - from), (row + 1) * (to - from)), from);
      }
      return logits;
    });
  }

  close(): void {
    for (const { executable } of this.stages.flat()) executable.release();
  }
}

/** Layers dealt out to `count` stages as evenly as they go, all with the same shares. */
export function evenStages(layerCount: number, count: number, shares: readonly number[]): SplitStage[] {
  return Array.from({ length: count }, (_, stage) => ({
    layers: [Math.floor((stage * layerCount) / count), Math.floor(((stage + 1) * layerCount) / count)] as const,
    shares,
  }));
}
