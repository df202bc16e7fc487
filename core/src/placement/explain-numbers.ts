/** The numbers behind a plan, and what other shapes would need. Pure, as placement is. */

import { storageBytesPerElement } from '../program/storage.js';
import type { Plan, PlanMember } from '../spec/plan.js';
import { type TokenTimes, tokenTimes } from './explain-times.js';
import { placeShape } from './forced.js';
import { formatBytes, formatMilliseconds, formatTable } from './format.js';
import { effectiveStorage, storedType } from './memory.js';
import { Planning } from './planning.js';
import type { ConsideredPlan, PlacementRequest } from './request.js';
import { formatPlanShape, type PlanShape } from './shape.js';

/** What a member needs, beside what its device has. */
export interface MemberNumbers {
  readonly stage: number;
  readonly member: number;
  readonly nodeName: string;
  readonly deviceId: string;
  readonly weightBytes: number;
  /** State of all slots at full context. */
  readonly stateBytes: number;
  /** Activations of a step, and a margin for what is not counted. */
  readonly workingBytes: number;
  /** What the device has for models now; unknown where the device does not say. */
  readonly availableBytes?: number;
}

/** Another shape of the same model on the same devices. */
export interface ShapeNumbers {
  readonly shape: string;
  readonly fits: boolean;
  /** All members together, and the one that needs most; absent where the shape is impossible. */
  readonly totalBytes?: number;
  readonly largestMemberBytes?: number;
  /** Predicted. */
  readonly millisecondsPerToken?: number;
  /** Why it does not fit. */
  readonly message?: string;
}

export interface PlanNumbers {
  /** Of matrices and of embeddings, as the plan stores them. */
  readonly bitsPerWeight: { readonly matrix: number; readonly embedding: number };
  readonly members: readonly MemberNumbers[];
  readonly otherShapes: readonly ShapeNumbers[];
  /** Where a token's time goes; absent where a device of the plan is not there any more. */
  readonly times?: TokenTimes;
  /** Plans that the policy looked at besides. */
  readonly considered: readonly ConsideredPlan[];
}

const bitsPerByte = 8;
/** More would not be read, and each is planned in full. */
const largestOtherPart = 4;

export function planNumbers(
  plan: Plan,
  request: PlacementRequest,
  considered: readonly ConsideredPlan[] = [],
): PlanNumbers {
  const planning = new Planning(request);
  const stored = storedType(request.tensors);
  const bits = (choice: Plan['storage']['matrix']) =>
    storageBytesPerElement[effectiveStorage(choice, stored)] * bitsPerByte;
  const members = plan.stages.flatMap((stage, stageIndex) =>
    stage.members.map((member, memberIndex) => memberNumbers(member, stageIndex, memberIndex, request)),
  );
  const times = tokenTimes(plan, planning);
  return {
    bitsPerWeight: { matrix: bits(plan.storage.matrix), embedding: bits(plan.storage.embedding) },
    members,
    otherShapes: otherShapes(plan, planning),
    ...(times === undefined ? {} : { times }),
    considered,
  };
}

function memberNumbers(member: PlanMember, stage: number, index: number, request: PlacementRequest): MemberNumbers {
  const { nodeId, nodeName, deviceId, backend, weightBytes, stateBytes, workingBytes = 0 } = member;
  const node = request.nodes.find((one) => one.nodeId === nodeId);
  const device = node?.devices.find((one) => one.backend === backend && one.properties.id === deviceId);
  const available = device?.properties.available ? device.properties.memoryAvailableBytes : undefined;
  return {
    stage,
    member: index,
    nodeName,
    deviceId: `${backend}/${deviceId}`,
    weightBytes,
    stateBytes: stateBytes - workingBytes,
    workingBytes,
    ...(available === undefined || 'unknown' in available ? {} : { availableBytes: available.value }),
  };
}

function otherShapes(plan: Plan, { request, candidates, leftOut }: Planning): ShapeNumbers[] {
  const own = formatPlanShape({
    pipelineStages: plan.stages.length,
    tensorMembers: plan.stages[0]?.members.length ?? 1,
  });
  const devices = request.nodes.reduce((sum, node) => sum + node.devices.length, 0);
  const parts = Array.from({ length: Math.max(1, Math.min(devices, largestOtherPart)) }, (_, index) => index + 1);
  const shapes = parts
    .flatMap((tensorMembers) => parts.map((pipelineStages): PlanShape => ({ pipelineStages, tensorMembers })))
    .filter(({ pipelineStages, tensorMembers }) => pipelineStages * tensorMembers <= devices);
  return shapes
    .filter((shape) => formatPlanShape(shape) !== own)
    .map((shape) => {
      const options = { ...request.options, shape };
      return shapeNumbers(shape, new Planning({ ...request, options }, { usable: candidates, leftOut }));
    });
}

function shapeNumbers(shape: PlanShape, planning: Planning): ShapeNumbers {
  const name = formatPlanShape(shape);
  const result = planning.candidates.length === 0 ? planning.noDevices() : placeShape(planning, shape);
  if ('refusal' in result) {
    const { message, requiredBytes } = result.refusal;
    return { shape: name, fits: false, message, ...(requiredBytes === undefined ? {} : { totalBytes: requiredBytes }) };
  }
  const { predicted } = result.plan;
  const needs = result.plan.stages.flatMap(({ members }) => members.map((one) => one.weightBytes + one.stateBytes));
  return {
    shape: name,
    fits: true,
    totalBytes: needs.reduce((sum, bytes) => sum + bytes, 0),
    largestMemberBytes: Math.max(...needs),
    ...(predicted === undefined ? {} : { millisecondsPerToken: predicted.millisecondsPerToken }),
  };
}

/** The numbers as text for people. */
export function explainNumbers({ bitsPerWeight, members, otherShapes }: PlanNumbers): string {
  const { matrix, embedding } = bitsPerWeight;
  const rows = members.map((one) => [
    String(one.stage),
    String(one.member),
    one.nodeName,
    one.deviceId,
    formatBytes(one.weightBytes),
    formatBytes(one.stateBytes),
    formatBytes(one.workingBytes),
    formatBytes(one.weightBytes + one.stateBytes + one.workingBytes),
    one.availableBytes === undefined ? 'unknown' : formatBytes(one.availableBytes),
  ]);
  const heading = ['stage', 'member', 'node', 'device', 'weights', 'state', 'work', 'needs', 'has'];
  const lines = [
    `Memory, with ${matrix} bits for a weight of a matrix and ${embedding} for one of an embedding:`,
    ...formatTable([heading, ...rows]),
  ];
  if (otherShapes.length > 0) {
    lines.push('', 'Other shapes:');
    for (const { shape, fits, totalBytes, largestMemberBytes, millisecondsPerToken, message } of otherShapes) {
      const numbers = `${formatBytes(totalBytes ?? 0)} in all, at most ${formatBytes(largestMemberBytes ?? 0)} on a device`;
      const time = millisecondsPerToken === undefined ? '' : `, ${formatMilliseconds(millisecondsPerToken)} a token`;
      lines.push(fits ? `- ${shape} needs ${numbers}${time}` : `- ${shape} is out: ${message}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
