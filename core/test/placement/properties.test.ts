import { explainPlan, type PlacementRequest, type Plan, type PlanShape, place, type Range } from '@shoal/core';
import t from 'tap';
import { randomNumbers } from '../program/random.js';
import { device, eightBillion, gibibyte, llamaModel, node, oneBillion, requestFor, tiny } from './llama-model.js';

function covers(ranges: readonly Range[], size: number): boolean {
  let end = 0;
  for (const [from, to] of ranges) {
    if (from !== end || to < from) return false;
    end = to;
  }
  return end === size;
}

/** What is wrong with a plan; undefined when nothing is. */
function fault(plan: Plan, { nodes, costs, constraints }: PlacementRequest): string | undefined {
  const layerCount = costs.layers.length;
  if (
    !covers(
      plan.stages.map(({ layers }) => layers),
      layerCount,
    )
  )
    return 'layers are not covered once, in order';
  if (plan.stages.some(({ layers: [from, to] }) => from === to)) return 'a stage is empty';
  const used = new Set<string>();
  for (const { members, cuts } of plan.stages) {
    for (const { name, size } of constraints(members.length).axes) {
      if (!covers(cuts[name] ?? [], size)) return `${name} is not covered`;
    }
    for (const [axis, ranges] of Object.entries(cuts)) {
      if (ranges.length !== members.length) return `${axis} has another number of ranges than members`;
    }
    for (const { nodeId, deviceId, weightBytes, stateBytes } of members) {
      if (used.has(`${nodeId}/${deviceId}`)) return 'a device is used twice';
      used.add(`${nodeId}/${deviceId}`);
      const properties = nodes
        .find((one) => one.nodeId === nodeId)
        ?.devices.find((one) => one.properties.id === deviceId)?.properties;
      const available = properties?.available === true ? properties.memoryAvailableBytes : { unknown: '' };
      if (!('value' in available) || weightBytes + stateBytes > available.value) return `${nodeId} is overfull`;
    }
  }
  return undefined;
}

t.test('whatever the devices, a plan is sound or a refusal is right', async (t) => {
  const random = randomNumbers(7);
  const models = [llamaModel(eightBillion), llamaModel(oneBillion), llamaModel(tiny, 'f32')];
  let plans = 0;
  let refusals = 0;
  for (let round = 0; round < 60; round += 1) {
    const model = models[round % models.length] ?? llamaModel(tiny);
    const count = 1 + Math.floor(random() * 6);
    const nodes = Array.from({ length: count }, (_, index) =>
      node(`n${index}`, device(Math.floor(random() ** 2 * 14 * gibibyte), { cores: 1 + Math.floor(random() * 8) })),
    );
    const shape: PlanShape | undefined =
      random() < 0.5
        ? undefined
        : { pipelineStages: 1 + Math.floor(random() * 3), tensorMembers: 1 + Math.floor(random() * 3) };
    const request = requestFor(model, nodes, {
      contextLength: 1024,
      slotCount: 1 + Math.floor(random() * 4),
      ...(shape === undefined ? {} : { shape }),
    });
    const result = place(request);
    if ('refusal' in result) {
      refusals += 1;
      const { code, requiredBytes = Infinity, availableBytes = 0 } = result.refusal;
      if (code !== 'PLAN_DOES_NOT_FIT' || shape !== undefined) continue;
      // Without a forced shape, a refusal means that memory is short: at the least, each part needs its allowance.
      const allowance = count * 128 * 1024 ** 2 + requiredBytes * 0.15;
      t.ok(availableBytes < requiredBytes + allowance, `${result.refusal.message} (round ${round})`);
    } else {
      plans += 1;
      t.equal(fault(result.plan, request), undefined, `round ${round}`);
      if (shape !== undefined) {
        t.equal(result.plan.stages.length, shape.pipelineStages);
        t.ok(result.plan.stages.every(({ members }) => members.length === shape.tensorMembers));
      }
      t.match(explainPlan(result.plan), /stage {2}layers/);
    }
  }
  t.ok(plans > 20, `${plans} plans`);
  t.ok(refusals > 5, `${refusals} refusals`);
});

t.test('a thousand devices are no trouble', async (t) => {
  const random = randomNumbers(3);
  const nodes = Array.from({ length: 1000 }, (_, index) => node(`n${index}`, device((0.7 + random()) * gibibyte)));
  const request = requestFor(llamaModel(eightBillion), nodes, { contextLength: 1024, slotCount: 1 });
  const started = performance.now();
  const result = place(request);
  const milliseconds = performance.now() - started;
  t.ok('plan' in result);
  if ('plan' in result) t.equal(fault(result.plan, request), undefined);
  // Generous, because a test machine may be busy; the figure itself is the benchmark's business.
  t.ok(milliseconds < 20_000, `${milliseconds.toFixed(0)} ms`);
  t.comment(`${milliseconds.toFixed(0)} ms`);
});
