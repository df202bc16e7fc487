import type { DeviceRate, Measured, PlacementNode } from '@shoal/core';
import { computingParts } from '@shoal/core/internal/placement/cost-model.js';
import { Planning } from '@shoal/core/internal/placement/planning.js';
import t from 'tap';
import { device, gibibyte, llamaModel, node, requestFor, tiny } from './llama-model.js';

const model = llamaModel(tiny, 'f32');
const measured = (value: number): Measured => ({ value, source: 'measured' });

/** Decodes 30 GB/s with all cores and 20 with one; reads prompts in proportion to its cores. */
function rates(cores: number): readonly DeviceRate[] {
  const figures = (decode: number, prefill: number) => ({
    decodeBytesPerSecond: measured(decode * 1e9),
    prefillOperationsPerSecond: measured(prefill * 1e9),
  });
  return [{ storage: 'f32', ...figures(30, 10 * cores), oneCore: figures(20, 10) }];
}

function on(machineId: string, name: string, cores: number, isMeasured = true): PlacementNode {
  const one = device(gibibyte, { cores });
  const properties = { ...one.properties, ...(isMeasured ? { rates: rates(cores) } : {}) };
  return { ...node(name, { ...one, properties } as typeof one), machineId, machineCoreCount: 4 };
}

function partsOf(...nodes: readonly PlacementNode[]): { decode: number; prefill: number }[] {
  const planning = new Planning(requestFor(model, nodes, { contextLength: 64, slotCount: 1 }));
  const ordered = nodes.flatMap((one) => planning.candidates.filter((candidate) => candidate.node === one));
  return computingParts(ordered, (one) => planning.model.speed(one)).map(({ decode, prefill }) => ({
    decode: Number(decode.toFixed(4)),
    prefill: Number(prefill.toFixed(4)),
  }));
}

const both = (part: number) => ({ decode: part, prefill: part });

t.test('members of one machine share its cores and its memory', async (t) => {
  t.same(partsOf(on('m', 'a', 4)), [both(1)], 'alone');
  t.same(partsOf(on('m', 'a', 4), on('n', 'b', 4)), [both(1), both(1)], 'on two machines');
  t.same(partsOf(on('m', 'a', 4), on('m', 'b', 4)), [both(0.5), both(0.5)], 'all cores are dealt out');
  const three = partsOf(on('m', 'a', 4), on('m', 'b', 4), on('m', 'c', 4));
  t.same(three, Array(3).fill({ decode: 0.3333, prefill: 0.25 }), 'three of four cores draw all that the memory gives');
  const unmeasured = partsOf(on('m', 'a', 4, false), on('m', 'b', 4, false), on('m', 'c', 4, false));
  t.same(unmeasured, Array(3).fill(both(0.25)), 'in proportion to cores where one core was not measured');
  const crowd = partsOf(...Array.from({ length: 8 }, (_, index) => on('m', `n${index}`, 4)));
  t.same(crowd, Array(8).fill(both(0.125)), 'more members than cores take turns');
});
