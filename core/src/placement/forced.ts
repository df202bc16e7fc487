/** Plans that somebody asks for: a shape, or every device by name. */
import type { Range } from '../spec/range.js';
import type { StageDraft } from './assembly.js';
import { budgetsOf, byMemory, type Candidate, inPlaceOrder, nameCandidate } from './candidates.js';
import { sharesBySpeed } from './cost-model.js';
import { partitionLayers } from './partition.js';
import type { Planning } from './planning.js';
import type { ManualStage, PlacementResult } from './request.js';
import { stageCapacities } from './ring.js';
import { formatPlanShape, type PlanShape } from './shape.js';

/** So many stages of so many members; the devices with most memory take part. */
export function placeShape(planning: Planning, shape: PlanShape): PlacementResult {
  const { request, candidates, layerCount } = planning;
  const name = formatPlanShape(shape);
  const { pipelineStages, tensorMembers } = shape;
  const impossible = (reason: string): PlacementResult =>
    planning.refuse('PLAN_SHAPE_IMPOSSIBLE', `${name}: ${reason}`);
  if (pipelineStages > layerCount) {
    return impossible(`the model has only ${layerCount} layers, and every stage needs one.`);
  }
  const { maximumMembers, maximumMembersReason } = request.constraints(tensorMembers);
  if (tensorMembers > maximumMembers) {
    return impossible(`a stage of this model has at most ${maximumMembers} members: ${maximumMembersReason}.`);
  }
  const needed = pipelineStages * tensorMembers;
  if (needed > candidates.length) {
    return impossible(
      `needs ${needed} devices; there are ${candidates.length}: ${candidates.map(nameCandidate).join(', ')}.`,
    );
  }
  const preferred = request.options.preferredNodeId;
  const chosen =
    needed === 1 ? candidates.slice(0, 1) : inPlaceOrder(byMemory(candidates, preferred).slice(0, needed), preferred);
  const groups = Array.from({ length: pipelineStages }, (_, stage) =>
    chosen.slice(stage * tensorMembers, (stage + 1) * tensorMembers),
  );
  const budgets = new Map(budgetsOf(chosen).map((budget, index) => [chosen[index] as Candidate, budget]));
  const drafts = rangesFor(planning, groups).map((layers, stage): StageDraft => {
    const members = groups[stage] ?? [];
    return { layers, members, shares: members.map((one) => Math.max(budgets.get(one) ?? 0, 1)) };
  });
  const assembly = planning.assemble(drafts);
  if (assembly.overflows.length > 0) return planning.overflow(name, assembly.overflows);
  return planning.planned(drafts, assembly, [`The shape ${name} was asked for; shares follow the available memory.`]);
}

/** Exactly these devices, in this order. */
export function placeManually(planning: Planning, wanted: readonly ManualStage[]): PlacementResult {
  const { layerCount } = planning;
  const impossible = (reason: string): PlacementResult =>
    planning.refuse('PLAN_SHAPE_IMPOSSIBLE', `the plan that was asked for is impossible: ${reason}.`);
  const used = new Set<Candidate>();
  const groups: Candidate[][] = [];
  for (const { members } of wanted) {
    const group: Candidate[] = [];
    for (const { node, device } of members) {
      const found = planning.candidates.find(
        (one) =>
          !used.has(one) &&
          (one.node.nodeName === node || one.node.nodeId === node) &&
          (device === undefined ||
            one.properties.id === device ||
            `${one.device.backend}/${one.properties.id}` === device),
      );
      if (found === undefined) return impossible(missingReason(planning, node, device));
      used.add(found);
      group.push(found);
    }
    const { maximumMembers, maximumMembersReason } = planning.request.constraints(group.length);
    if (group.length > maximumMembers) {
      return impossible(`a stage has at most ${maximumMembers} members: ${maximumMembersReason}`);
    }
    groups.push(group);
  }
  if (groups.length > layerCount)
    return impossible(`the model has only ${layerCount} layers, and every stage needs one`);
  const given = wanted.map(({ layers }) => layers);
  const ranges = given.every((layers) => layers === undefined)
    ? rangesFor(planning, groups)
    : coveringRanges(given, layerCount);
  if (ranges === undefined) return impossible(`its layers do not cover 0 to ${layerCount - 1} once, in order`);
  const drafts = ranges.map((layers, stage): StageDraft => {
    const members = groups[stage] ?? [];
    const speeds = sharesBySpeed(planning.model, members);
    const shares = (wanted[stage]?.members ?? []).map(({ share }, index) => share ?? speeds[index] ?? 1);
    // A share beside members without one would mean nothing: then all are by speed.
    const areGiven = (wanted[stage]?.members ?? []).every(({ share }) => share !== undefined);
    return { layers, members, shares: areGiven ? shares : speeds };
  });
  if (drafts.some(({ shares }) => shares.every((share) => share <= 0)))
    return impossible('a stage has no share above 0');
  const assembly = planning.assemble(drafts);
  if (assembly.overflows.length > 0) return planning.overflow('asked for', assembly.overflows);
  return planning.planned(drafts, assembly, ['These devices and layers were asked for.']);
}

function rangesFor(planning: Planning, groups: readonly (readonly Candidate[])[]): Range[] {
  const capacities = stageCapacities(planning, groups);
  const { layerCount } = planning;
  return partitionLayers(capacities, layerCount, true) ?? partitionLayers(capacities, layerCount, false) ?? [];
}

function coveringRanges(given: readonly (Range | undefined)[], layerCount: number): Range[] | undefined {
  let end = 0;
  const ranges: Range[] = [];
  for (const range of given) {
    if (range === undefined || range[0] !== end || range[1] <= range[0]) return undefined;
    ranges.push(range);
    end = range[1];
  }
  return end === layerCount ? ranges : undefined;
}

function missingReason({ request, candidates, leftOut }: Planning, node: string, device: string | undefined): string {
  const known = request.nodes.find(({ nodeId, nodeName }) => nodeId === node || nodeName === node);
  if (known === undefined) {
    return `there is no node ${node} with the model; there are ${request.nodes.map(({ nodeName }) => nodeName).join(', ')}`;
  }
  const left = leftOut.find(
    (one) => one.nodeName === known.nodeName && (device === undefined || one.deviceId === device),
  );
  if (left !== undefined) return `${left.deviceId} on ${left.nodeName}: ${left.reason}`;
  const devices = candidates.filter((one) => one.node === known).map(({ properties }) => properties.id);
  return device === undefined
    ? `${node} is named more often than it has devices (${devices.join(', ') || 'none'})`
    : `${node} has no device ${device} that is free for it; it has ${devices.join(', ') || 'none'}`;
}
