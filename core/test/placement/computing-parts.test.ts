import { type AttentionRate, type DeviceRate, type Measured, type PlacementNode, place } from '@shoal/core';
import { computingParts } from '@shoal/core/internal/placement/cost-model.js';
import { Planning } from '@shoal/core/internal/placement/planning.js';
import { attentionSeconds } from '@shoal/core/internal/placement/speed.js';
import t from 'tap';
import { device, gibibyte, llamaModel, node, oneBillion, requestFor, tiny } from './llama-model.js';

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

t.test('rows pay for what they attend to', async (t) => {
  const large = llamaModel(oneBillion);
  /** Of one layer, at so many positions, with heads of 64 and 128 elements at so many nanoseconds a position. */
  const seconds = (positions: number, nanoseconds: readonly number[]) => {
    const one = device(16 * gibibyte, { cores: 2, bandwidth: 30e9 });
    const attention = nanoseconds.map((token, index): AttentionRate => {
      const headSize = 64 * (index + 1);
      const rate = (time: number) => measured((4 * headSize) / (time * 1e-9));
      // Prompts twice as fast.
      return { headSize, decodeOperationsPerSecond: rate(token), prefillOperationsPerSecond: rate(token / 2) };
    });
    const owner = node('a', { ...one, properties: { ...one.properties, attention } as typeof one.properties });
    const planning = new Planning(requestFor(large, [owner], { contextLength: 1024, slotCount: 1 }));
    const [candidate] = planning.candidates;
    if (candidate === undefined) throw new Error('there is no device');
    const of = (workload: 'token' | 'prompt') =>
      planning.model.at(positions).stage([{ candidate, weights: 1, state: 1, head: 1 }], workload).layers[0] as number;
    return { token: of('token'), prompt: of('prompt') };
  };
  const close = (found: number, wanted: number) =>
    t.ok(Math.abs(found - wanted) < wanted * 1e-6, `${found}: ${wanted}`);
  for (const positions of [512, 16_384]) {
    const none = seconds(positions, []);
    const some = seconds(positions, [10, 15]);
    // 32 heads of 64 elements.
    close(some.token - none.token, positions * 32 * 10e-9);
    close(some.prompt - none.prompt, (positions * positions * 32 * 5e-9) / 2);
  }
  t.ok(seconds(512, []).token > seconds(256, []).token, 'where it was not measured, states are read all the same');
});

t.test('heads of any size have a time between and beyond those that were measured', async (t) => {
  const speeds = [
    { headSize: 64, tokenSeconds: 10, promptSeconds: 3 },
    { headSize: 128, tokenSeconds: 15, promptSeconds: 3 },
  ];
  t.equal(attentionSeconds(speeds, 64, 'tokenSeconds'), 10);
  t.equal(attentionSeconds(speeds, 96, 'tokenSeconds'), 12.5);
  t.equal(attentionSeconds(speeds, 256, 'tokenSeconds'), 25);
  t.equal(attentionSeconds(speeds, 256, 'promptSeconds'), 3);
  t.equal(attentionSeconds(speeds.slice(0, 1), 128, 'tokenSeconds'), 20, 'of one size in proportion');
  t.equal(attentionSeconds([], 64, 'tokenSeconds'), undefined);
});

t.test('a prediction says what a full context costs', async (t) => {
  const one = device(16 * gibibyte, { cores: 2, bandwidth: 30e9 });
  const rate = { decodeOperationsPerSecond: measured(25e9), prefillOperationsPerSecond: measured(90e9) };
  const attention = [{ headSize: 64, ...rate }];
  const owner = node('a', { ...one, properties: { ...one.properties, attention } as typeof one.properties });
  const planned = place(requestFor(llamaModel(oneBillion), [owner], { contextLength: 16_384, slotCount: 1 }));
  const predicted = 'plan' in planned ? planned.plan.predicted : undefined;
  if (predicted?.fullContext === undefined) throw new Error('nothing was predicted');
  t.equal(predicted.fullContext.positions, 16_384);
  t.ok(predicted.fullContext.millisecondsPerToken > predicted.millisecondsPerToken + 16 * 5, 'a token sees it all');
  const times = 16_384 / predicted.promptTokens;
  t.ok(predicted.fullContext.timeToFirstTokenMilliseconds > 1.2 * times * predicted.timeToFirstTokenMilliseconds);
});
