/**
 * Predicted times. A stage takes as long as its slowest member; a token goes through all stages, over the paths between
 * them, and back to the head. docs/placement.md has the formulas and where the constants are from.
 */
import type { DeviceKind } from '../spec/backend.js';
import type { Candidate } from './candidates.js';
import type { Fractions, LayerFigures, ModelFigures } from './figures.js';
import { effectiveStorage } from './memory.js';
import { type Path, type Paths, transferSeconds } from './paths.js';
import type { PlacementSettings } from './settings.js';
import { attentionSeconds, type DeviceSpeed, type FigureSource, lessCertain, speedOf } from './speed.js';

export interface StageMember extends Fractions {
  readonly candidate: Candidate;
}

/** What is computed for: one token of one answer, a step of all slots, or a prompt. */
export type Workload = 'token' | 'batch' | 'prompt';

/** Seconds of a stage, by what it holds. */
export interface StageCosts {
  readonly layers: readonly number[];
  readonly head: number;
  /** Whatever it holds. */
  readonly step: number;
  /** Where it is the first stage: handing a token on to whoever asked. */
  readonly telling: number;
  /** The member that the others wait for in a layer. */
  readonly slowest: number;
}

interface StageConstants {
  readonly rows: number;
  readonly parts: readonly ComputingPart[];
  readonly exchange: number;
  readonly step: number;
  readonly telling: number;
}

/** What a message costs at its two ends beside the way: system calls, and waking who waits. */
export const messageSeconds = 20e-6;
/** Of a member's step, beside the layers: descriptor, lookup, binding of a graph. */
const stepSeconds: Readonly<Record<DeviceKind, number>> = { cpu: 100e-6, gpu: 200e-6, accelerator: 300e-6 };
/** Of every layer beside its products: small operations, launches of kernels. */
const layerSeconds: Readonly<Record<DeviceKind, number>> = { cpu: 15e-6, gpu: 50e-6, accelerator: 100e-6 };
/** Drawing a token, for every entry of the vocabulary. */
const samplingSecondsPerEntry = 1.2e-9;
/**
 * Handing a token on where the head computes on all cores of its machine: the node's own work takes one of them away, and
 * the others wait for it (bench/README.md). Elsewhere it happens beside the next step.
 */
const tellingSeconds = 2e-3;
/** Above this, members exchange parts instead of everything (crates/fabric, `group.rs`). */
const oneShotBytes = 32 * 1024;

export class CostModel {
  readonly #speeds = new Map<Candidate, DeviceSpeed>();
  readonly #stages = new WeakMap<readonly Candidate[], StageConstants>();

  constructor(
    readonly figures: ModelFigures,
    readonly paths: Paths,
    readonly settings: PlacementSettings,
    /** Of the prompt, and before the token that is made. */
    readonly positions: number = figures.promptTokens,
  ) {}

  /** The same model for another length of conversation. */
  at(positions: number): CostModel {
    return new CostModel(this.figures, this.paths, this.settings, positions);
  }

  speed(candidate: Candidate): DeviceSpeed {
    let speed = this.#speeds.get(candidate);
    if (speed === undefined) {
      const { storage, stored } = this.settings;
      speed = speedOf(candidate.properties, effectiveStorage(storage.matrix, stored), candidate.node.derating);
      this.#speeds.set(candidate, speed);
    }
    return speed;
  }

  rows(workload: Workload): number {
    if (workload === 'token') return 1;
    return workload === 'batch' ? this.figures.slotCount : this.positions;
  }

  /** `candidates`: those of the members, where many shares are tried for the same ones. */
  stage(
    members: readonly StageMember[],
    workload: Workload,
    candidates: readonly Candidate[] = members.map(({ candidate }) => candidate),
  ): StageCosts {
    const rows = this.rows(workload);
    const { parts, exchange, step, telling } = this.#constants(candidates, rows);
    const { head, layers: all } = this.figures;
    const secondsOf = members.map(() => 0);
    const byLayer = new Map<LayerFigures, number>();
    const layers = all.map((layer) => {
      const known = byLayer.get(layer);
      if (known !== undefined) return known;
      let most = 0;
      for (const [index, member] of members.entries()) {
        const seconds = this.#layerSeconds(layer, member, parts[index] ?? whole, rows, workload);
        secondsOf[index] = Math.max(secondsOf[index] as number, seconds);
        most = Math.max(most, seconds);
      }
      byLayer.set(layer, exchange + most);
      return exchange + most;
    });
    const outputs = workload === 'batch' ? rows : 1;
    let headSeconds = 0;
    for (const [index, member] of members.entries()) {
      headSeconds = Math.max(
        headSeconds,
        this.#productSeconds(head, member.head, member, parts[index] ?? whole, outputs),
      );
    }
    return { layers, head: headSeconds, step, telling, slowest: secondsOf.indexOf(Math.max(...secondsOf)) };
  }

  /** What does not depend on how the members share the layers. */
  #constants(candidates: readonly Candidate[], rows: number): StageConstants {
    const known = this.#stages.get(candidates);
    if (known?.rows === rows) return known;
    const constants = {
      rows,
      parts: computingParts(candidates, (one) => this.speed(one)),
      exchange: candidates.length === 1 ? 0 : this.#layerExchange(candidates, rows),
      step: Math.max(...candidates.map(({ properties }) => stepSeconds[properties.kind])),
      telling: candidates[0] && takesAllCores(candidates[0]) ? tellingSeconds : 0,
    };
    this.#stages.set(candidates, constants);
    return constants;
  }

  /** From the members of a stage to those of the next. */
  hop(from: readonly StageMember[], to: readonly StageMember[], workload: Workload): number {
    const bytes = this.figures.hiddenBytesPerRow * this.rows(workload);
    const times = to.map(({ candidate }, index) => {
      const sender = from[index % from.length]?.candidate ?? candidate;
      return messageSeconds + transferSeconds(this.path(sender, candidate), bytes);
    });
    return Math.max(...times);
  }

  /** The token's way from the sampler to the head; nothing where they are one. */
  way(back: readonly StageMember[], head: readonly StageMember[]): number {
    const [sampler, first] = [back[0]?.candidate, head[0]?.candidate];
    if (!sampler || !first || sampler === first) return 0;
    return messageSeconds + this.path(sampler, first).latencySeconds;
  }

  sampling(workload: Workload): number {
    const outputs = workload === 'batch' ? this.figures.slotCount : 1;
    return this.figures.vocabularySize * samplingSecondsPerEntry * outputs;
  }

  path(from: Candidate, to: Candidate): Path {
    return this.paths.between(from.node, to.node);
  }

  /** The least certain figure behind the times of these stages, and of the paths between them. */
  source(stages: readonly (readonly StageMember[])[]): FigureSource {
    const members = stages.flat().map(({ candidate }) => candidate);
    let source = members.reduce<FigureSource>((least, one) => lessCertain(least, this.speed(one).source), 'measured');
    for (const [index, stage] of stages.entries()) {
      const next = stages[(index + 1) % stages.length] ?? stage;
      const [from, to] = [stage[0]?.candidate, next[0]?.candidate];
      if (from && to && from !== to) source = lessCertain(source, this.path(from, to).source);
    }
    return source;
  }

  #layerSeconds(
    layer: LayerFigures,
    member: StageMember,
    part: ComputingPart,
    rows: number,
    workload: Workload,
  ): number {
    const stateSeconds = this.#stateSeconds(layer, member, part, rows, workload) * member.state;
    const { operationSeconds } = this.speed(member.candidate);
    const overhead =
      operationSeconds === undefined
        ? layerSeconds[member.candidate.properties.kind]
        : operationSeconds * this.figures.operationsPerLayer;
    return overhead + stateSeconds + this.#productSeconds(layer, member.weights, member, part, rows);
  }

  /**
   * What attention computes with all heads, by its measured speed, and reading the states: the first head that needs an
   * element waits for memory, the others find it in caches.
   */
  #stateSeconds(
    layer: LayerFigures,
    { candidate }: StageMember,
    part: ComputingPart,
    rows: number,
    workload: Workload,
  ): number {
    const isPrompt = workload === 'prompt';
    const { memoryBytesPerSecond, attention: speeds } = this.speed(candidate);
    // Rows of one prompt read the same states.
    const bytes = (layer.stateBytesPerPosition * this.positions + layer.fixedStateBytes) * (isPrompt ? 1 : rows);
    const reading = bytes / (memoryBytesPerSecond * part.decode);
    const attentions = speeds.length === 0 ? [] : this.figures.attention(layer);
    let computing = 0;
    for (const { heads, headSize, window } of attentions) {
      const seconds = attentionSeconds(speeds, headSize, isPrompt ? 'promptSeconds' : 'tokenSeconds') ?? 0;
      const seen = isPrompt ? meanSeen(this.positions, window) : Math.min(this.positions, window);
      computing += (rows * seen * heads * seconds) / attentions.length;
    }
    return reading + computing / part.prefill;
  }

  /** Few rows are limited by memory, many by arithmetic. */
  #productSeconds(
    layer: LayerFigures,
    weights: number,
    member: StageMember,
    part: ComputingPart,
    rows: number,
  ): number {
    const { decodeBytesPerSecond, prefillOperationsPerSecond } = this.speed(member.candidate);
    const bytes = Math.min(layer.weightBytes, layer.activeBytes * rows) * weights;
    const reading = bytes / (decodeBytesPerSecond * part.decode);
    if (rows === 1) return reading;
    return Math.max(reading, (layer.operationsPerRow * weights * rows) / (prefillOperationsPerSecond * part.prefill));
  }

  #layerExchange(members: readonly Candidate[], rows: number): number {
    const bytes = this.figures.hiddenBytesPerRow * rows;
    const { collectivesPerLayer } = this.figures;
    if (bytes <= oneShotBytes) return collectivesPerLayer * this.#exchangeSeconds(members, bytes);
    return collectivesPerLayer * 2 * this.#exchangeSeconds(members, bytes / members.length);
  }

  /** Everybody sends so many bytes to everybody. */
  #exchangeSeconds(members: readonly Candidate[], bytes: number): number {
    let most = 0;
    for (const from of members) {
      let latency = 0;
      let sending = 0;
      for (const to of members) {
        if (from === to) continue;
        const path = this.path(from, to);
        latency = Math.max(latency, path.latencySeconds);
        sending += messageSeconds + bytes / path.bytesPerSecond;
      }
      most = Math.max(most, latency + sending);
    }
    return most;
  }
}

function takesAllCores({ node, properties }: Candidate): boolean {
  const { kind, coreCount } = properties;
  return kind === 'cpu' && (coreCount === undefined || coreCount >= (node.machineCoreCount ?? coreCount));
}

/** Positions that a row of a prompt sees in the mean: those before it, of the last ones as many as the window has. */
function meanSeen(positions: number, window: number): number {
  const width = Math.min(window, positions);
  return width - width ** 2 / (2 * positions);
}

/** How much of its device's measured speed a member has while others compute beside it. */
export interface ComputingPart {
  readonly decode: number;
  readonly prefill: number;
}

const whole: ComputingPart = { decode: 1, prefill: 1 };

/**
 * The part of each member, when they compute at the same time: the cores of a machine are dealt out among its members (as
 * the coordinator does). Fewer threads than cores have as much of the memory as each of them can draw, where that was
 * measured on one core, too.
 */
export function computingParts(
  candidates: readonly Candidate[],
  speedOf: (candidate: Candidate) => DeviceSpeed,
): ComputingPart[] {
  const pools = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    if (candidate.properties.kind !== 'cpu') continue;
    pools.set(candidate.memoryPool, [...(pools.get(candidate.memoryPool) ?? []), candidate]);
  }
  return candidates.map((candidate) => {
    const pool = pools.get(candidate.memoryPool);
    if (pool === undefined || pool.length === 1) return whole;
    const coresOf = ({ properties }: Candidate): number => properties.coreCount ?? pool.length;
    const threadsOf = (one: Candidate): number => Math.max(1, Math.floor(coresOf(one) / pool.length));
    const machineCores = Math.max(
      ...pool.map(({ node, properties }) => node.machineCoreCount ?? properties.coreCount ?? pool.length),
    );
    const threads = pool.reduce((sum, one) => sum + threadsOf(one), 0);
    const cores = coresOf(candidate);
    const crowded = Math.min(1, machineCores / threads);
    const { decodeBytesPerSecond, prefillOperationsPerSecond, oneCore } = speedOf(candidate);
    const part = (all: number, one: number | undefined): number => {
      const together = threads / cores;
      const reached =
        one === undefined || threads > cores ? together : Math.max(together, Math.min(1, (threads * one) / all));
      return (threadsOf(candidate) / threads) * reached * crowded;
    };
    return {
      decode: part(decodeBytesPerSecond, oneCore?.decodeBytesPerSecond),
      prefill: part(prefillOperationsPerSecond, oneCore?.prefillOperationsPerSecond),
    };
  });
}

/** In proportion to how fast the members compute beside each other. */
export function sharesBySpeed(model: CostModel, candidates: readonly Candidate[]): number[] {
  const parts = computingParts(candidates, (one) => model.speed(one));
  return candidates.map((one, index) => model.speed(one).decodeBytesPerSecond * (parts[index] ?? whole).decode);
}
