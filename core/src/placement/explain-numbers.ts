/** The numbers behind a plan, and what other shapes would need. Pure, as placement is. */

import { storageBytesPerElement } from '../program/storage.js';
import type { Plan, PlanMember } from '../spec/plan.js';
import { formatBytes, formatTable } from './format.js';
import { effectiveStorage, storedType } from './memory.js';
import { place } from './placement.js';
import type { PlacementRequest } from './request.js';
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
  /** Why it does not fit. */
  readonly message?: string;
}

export interface PlanNumbers {
  /** Of matrices and of embeddings, as the plan stores them. */
  readonly bitsPerWeight: { readonly matrix: number; readonly embedding: number };
  readonly members: readonly MemberNumbers[];
  readonly otherShapes: readonly ShapeNumbers[];
}

const bitsPerByte = 8;
/** More would not be read, and each is planned in full. */
const largestOtherPart = 4;

export function planNumbers(plan: Plan, request: PlacementRequest): PlanNumbers {
  const stored = storedType(request.tensors);
  const bits = (choice: Plan['storage']['matrix']) =>
    storageBytesPerElement[effectiveStorage(choice, stored)] * bitsPerByte;
  const members = plan.stages.flatMap((stage, stageIndex) =>
    stage.members.map((member, memberIndex) => memberNumbers(member, stageIndex, memberIndex, request)),
  );
  return {
    bitsPerWeight: { matrix: bits(plan.storage.matrix), embedding: bits(plan.storage.embedding) },
    members,
    otherShapes: otherShapes(plan, request),
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

function otherShapes(plan: Plan, request: PlacementRequest): ShapeNumbers[] {
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
    .map((shape) => shapeNumbers(shape, { ...request, options: { ...request.options, shape } }));
}

function shapeNumbers(shape: PlanShape, request: PlacementRequest): ShapeNumbers {
  const name = formatPlanShape(shape);
  const result = place(request);
  if ('refusal' in result) {
    const { message, requiredBytes } = result.refusal;
    return { shape: name, fits: false, message, ...(requiredBytes === undefined ? {} : { totalBytes: requiredBytes }) };
  }
  const needs = result.plan.stages.flatMap(({ members }) => members.map((one) => one.weightBytes + one.stateBytes));
  return {
    shape: name,
    fits: true,
    totalBytes: needs.reduce((sum, bytes) => sum + bytes, 0),
    largestMemberBytes: Math.max(...needs),
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
    for (const { shape, fits, totalBytes, largestMemberBytes, message } of otherShapes) {
      const numbers = `${formatBytes(totalBytes ?? 0)} in all, at most ${formatBytes(largestMemberBytes ?? 0)} on a device`;
      lines.push(fits ? `- ${shape} needs ${numbers}` : `- ${shape} is out: ${message}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
