/** A model in numbers: what its layers hold and compute, and how much of that goes with every axis of a cut. */
import { cutsFor } from '../program/cuts.js';
import { storageBytesPerElement } from '../program/storage.js';
import type { MemberProgram } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { LayerCosts, ShardRequest } from '../spec/sharding.js';
import { effectiveStorage, memberMemory, workingBytes } from './memory.js';
import type { PlacementDevice, PlacementRequest } from './request.js';
import type { PlacementSettings } from './settings.js';

/** Tokens of a conversation that predictions are made for. */
export const referencePromptTokens = 512;

/** One layer, or the head, before any cut. */
export interface LayerFigures {
  readonly weightBytes: number;
  /** Of the weights, what one row goes through: less where experts are chosen. */
  readonly activeBytes: number;
  /** State of all slots at full context. */
  readonly stateBytes: number;
  /** State that one row reads for each position it sees, and whatever it sees. */
  readonly stateBytesPerPosition: number;
  readonly fixedStateBytes: number;
  readonly operationsPerRow: number;
}

/** What rows attend with in a layer. */
export interface AttentionFigures {
  readonly heads: number;
  /** The mean of keys' and values'. */
  readonly headSize: number;
  /** Positions that are seen at most. */
  readonly window: number;
}

/** How much of a layer a member holds, of 1. */
export interface Fractions {
  readonly weights: number;
  readonly state: number;
  readonly head: number;
}

interface AxisFigures {
  readonly name: string;
  readonly size: number;
  readonly weights: number;
  readonly state: number;
}

interface AllAxes {
  readonly axes: readonly AxisFigures[];
  readonly collectives: number;
  /** What no cut reaches, every member has whole. */
  readonly copied: { readonly weights: number; readonly state: number };
}

export class ModelFigures {
  readonly layers: readonly LayerFigures[];
  readonly head: LayerFigures;
  readonly embeddingBytes: number;
  readonly tiedEmbedding: boolean;
  readonly hiddenBytesPerRow: number;
  readonly vocabularySize: number;
  readonly promptTokens: number;
  readonly slotCount: number;
  readonly contextLength: number;
  /** What every member needs beside weights and state. */
  readonly workingBytes: number;
  readonly #request: PlacementRequest;
  readonly #settings: PlacementSettings;
  #operations: number | undefined;
  #axes: AllAxes | undefined;
  readonly #attention = new Map<LayerFigures, readonly AttentionFigures[]>();

  constructor(request: PlacementRequest, settings: PlacementSettings) {
    this.#request = request;
    this.#settings = settings;
    const { costs } = request;
    const { storage, stored } = settings;
    const matrixBytes = storageBytesPerElement[effectiveStorage(storage.matrix, stored)];
    const embeddingBytes = storageBytesPerElement[effectiveStorage(storage.embedding, stored)];
    this.promptTokens = Math.max(1, Math.min(referencePromptTokens, Math.floor(settings.contextLength / 2)));
    this.slotCount = settings.slotCount;
    this.contextLength = settings.contextLength;
    const kinds = new Map<string, LayerFigures>();
    this.layers = costs.layers.map((layer) => {
      const key = JSON.stringify(layer);
      const known = kinds.get(key) ?? this.#layer(layer, matrixBytes);
      kinds.set(key, known);
      return known;
    });
    this.head = this.#layer(costs.head, embeddingBytes);
    this.embeddingBytes = this.#layer(costs.embedding, embeddingBytes).weightBytes;
    this.tiedEmbedding = settings.tiedEmbedding;
    this.hiddenBytesPerRow = costs.hiddenWidth * storageBytesPerElement.f32;
    this.vocabularySize = costs.vocabularySize;
    this.workingBytes = workingBytes(costs, settings);
  }

  /** Layers that are alike are one object. */
  get isUniform(): boolean {
    return this.layers.every((one) => one === this.layers[0]);
  }

  /** Exchanges of hidden rows between the members of a stage in every layer. */
  get collectivesPerLayer(): number {
    return this.#axisFigures().collectives;
  }

  /** Operations of a layer that a device is asked for one after the other. */
  get operationsPerLayer(): number {
    this.#operations ??= this.#countOperations();
    return this.#operations;
  }

  /**
   * What rows attend with in layers like this one, by its program and, where there is one, that of another layer like it:
   * layers that see a window and layers that see everything often take turns, and each row sees the mean of both.
   */
  attention(layer: LayerFigures): readonly AttentionFigures[] {
    const known = this.#attention.get(layer);
    if (known !== undefined) return known;
    const device = this.#request.nodes.flatMap(({ devices }) => devices)[0];
    const alike = this.layers.flatMap((one, index) => (one === layer ? [index] : []));
    const looked = alike.slice(alike.length >> 1, (alike.length >> 1) + 2);
    const found =
      device === undefined || layer.stateBytesPerPosition === 0
        ? []
        : looked.map((index) => attentionOf(this.#lower(device, 1, () => 1, index)));
    const all = found.every((one) => one !== undefined) ? found : [];
    this.#attention.set(layer, all);
    return all;
  }

  /** What each member has under these cuts; what no cut reaches, every member has whole. */
  fractions(cuts: Readonly<Record<string, readonly Range[]>>, memberCount: number): Fractions[] {
    if (memberCount === 1) return [{ weights: 1, state: 1, head: 1 }];
    const { axes, copied } = this.#axisFigures();
    const fractions: Fractions[] = [];
    for (let member = 0; member < memberCount; member += 1) {
      let { weights, state } = copied;
      let head = 1;
      for (const axis of axes) {
        const part = partOf(cuts[axis.name]?.[member], axis.size);
        weights += axis.weights * part;
        state += axis.state * part;
        if (axis.size === this.vocabularySize) head = part;
      }
      fractions.push({ weights, state, head });
    }
    return fractions;
  }

  #countOperations(): number {
    const device = this.#request.nodes.flatMap(({ devices }) => devices)[0];
    if (device === undefined) return 0;
    const { segments } = this.#lower(device, 1, () => 1);
    return segments.reduce((sum, { operations }) => sum + operations.length, 0);
  }

  #layer(costs: LayerCosts, bytesPerElement: number): LayerFigures {
    const { contextLength, slotCount, stateStorage } = this.#settings;
    const matrixBytes = costs.matrixElements * bytesPerElement;
    const vectorBytes = costs.vectorElements * storageBytesPerElement.f32;
    const stateBytesPerToken = costs.stateElementsPerToken * storageBytesPerElement[stateStorage];
    const fixedState = costs.stateElementsPerSequence * storageBytesPerElement.f32;
    const activePart = costs.matrixElements === 0 ? 1 : Math.min(1, costs.flopsPerToken / (2 * costs.matrixElements));
    return {
      weightBytes: matrixBytes + vectorBytes,
      activeBytes: matrixBytes * activePart + vectorBytes,
      stateBytes: (stateBytesPerToken * contextLength + fixedState) * slotCount,
      stateBytesPerPosition: stateBytesPerToken,
      fixedStateBytes: fixedState,
      operationsPerRow: costs.flopsPerToken,
    };
  }

  /** Found out by writing a layer's program for two members, of which one gets all of one axis and nothing of the others. */
  #axisFigures(): AllAxes {
    if (this.#axes === undefined) {
      const { axes, collectives } = this.#probeAxes();
      const sum = (field: 'weights' | 'state'): number => axes.reduce((total, axis) => total + axis[field], 0);
      const copied = { weights: Math.max(0, 1 - sum('weights')), state: Math.max(0, 1 - sum('state')) };
      this.#axes = { axes, collectives, copied };
    }
    return this.#axes;
  }

  #probeAxes(): { readonly axes: readonly AxisFigures[]; readonly collectives: number } {
    const { axes } = this.#request.constraints(2);
    const device = this.#request.nodes.flatMap(({ devices }) => devices)[0];
    const even = axes.map(({ name, size }) => ({ name, size, weights: 1 / axes.length, state: 1 / axes.length }));
    if (device === undefined) return { axes: even, collectives: 2 };
    const memory = (program: MemberProgram) => memberMemory(program, this.#settings);
    try {
      const whole = memory(this.#lower(device, 1, () => 1));
      const [total, totalState] = [whole.weightBytes, whole.stateBytes - whole.workingBytes];
      let collectives = 0;
      const found = axes.map(({ name, size }): AxisFigures => {
        const holds = (axis: string): number => (axis === name ? 1 : 0);
        const [own, rest] = [holds, (axis: string) => 1 - holds(axis)].map((part) => {
          const program = this.#lower(device, 2, part);
          collectives = Math.max(collectives, program.segments.filter(({ communication }) => communication).length);
          return memory(program);
        });
        if (!own || !rest) return { name, size, weights: 0, state: 0 };
        // What both have is copied; what is left of each is cut.
        const copied = own.weightBytes + rest.weightBytes - total;
        const copiedState = own.stateBytes - own.workingBytes + (rest.stateBytes - rest.workingBytes) - totalState;
        return {
          name,
          size,
          weights: Math.max(0, own.weightBytes - copied) / total,
          state: totalState === 0 ? 0 : Math.max(0, own.stateBytes - own.workingBytes - copiedState) / totalState,
        };
      });
      return { axes: found, collectives };
    } catch {
      // A strategy that rules such cuts out has all axes alike.
      return { axes: even, collectives: 2 };
    }
  }

  #lower(
    device: PlacementDevice,
    memberCount: number,
    partOf: (axis: string) => number,
    layer = this.#request.costs.layers.length >> 1,
  ): MemberProgram {
    const constraints = this.#request.constraints(memberCount);
    const cuts = Object.fromEntries(
      constraints.axes.map((axis) => {
        const part = partOf(axis.name);
        const shares = memberCount === 1 ? [1] : [part, 1 - part];
        return [axis.name, cutsFor({ ...constraints, axes: [axis] }, shares)[axis.name] ?? []];
      }),
    );
    const shard: ShardRequest = {
      layers: [layer, layer + 1],
      hasEmbedding: false,
      hasHead: false,
      memberCount,
      cuts,
    };
    return this.#request.lowerMember(shard, 0, device, this.#settings).program;
  }
}

/** Undefined where a layer attends in another way, of which no device's speed is known. */
function attentionOf({ segments, states, values }: MemberProgram): AttentionFigures | undefined {
  const operations = segments.flatMap((segment) => segment.operations);
  if (Object.values(states).some(({ kind }) => kind === 'latent')) return undefined;
  const one = operations.find((operation) => operation.op === 'attention');
  if (one === undefined) return undefined;
  const { headSize, valueHeadSize = headSize, window = Number.POSITIVE_INFINITY } = one;
  const heads = (values[one.query]?.width ?? 0) / headSize;
  return { heads, headSize: (headSize + valueHeadSize) / 2, window };
}

function partOf(range: Range | undefined, size: number): number {
  return range === undefined ? 0 : (range[1] - range[0]) / Math.max(size, 1);
}
