/** What an explanation pretends, as it comes over a socket. */
import { parseDocument } from '../control/messages.js';
import { maximumPretendedNodes, type PretendedNode, type WhatIf } from './what-if.js';
import { instanceId, invalid } from './wire.js';

/** Types and sizes only; who is meant is looked up where it is known. Throws REQUEST_INVALID. */
export function whatIfFromJson(text: string | null | undefined): WhatIf {
  if (!text) return {};
  const whatIf = parseDocument<unknown>(text, 'what is pretended');
  if (!isObject(whatIf)) throw invalid('what is pretended is not an object');
  const { without, added, unloaded } = whatIf;
  if (without !== undefined && !(isShortList(without) && without.every((one) => typeof one === 'string'))) {
    throw invalid('without is not a list of nodes');
  }
  if (added !== undefined && !(isShortList(added) && added.every(isPretended))) {
    throw invalid(`added is not a list of at most ${maximumPretendedNodes} nodes that are like others`);
  }
  if (unloaded !== undefined && typeof unloaded !== 'string') throw invalid('unloaded is not an instance');
  return {
    ...(without === undefined ? {} : { without: without.map(String) }),
    ...(added === undefined ? {} : { added }),
    ...(unloaded === undefined ? {} : { unloaded: instanceId(unloaded) }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isShortList = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.length <= maximumPretendedNodes;

function isPretended(value: unknown): value is PretendedNode {
  if (!isObject(value) || typeof value.like !== 'string') return false;
  const { name, memoryBytes } = value;
  const isSize = Number.isSafeInteger(memoryBytes) && (memoryBytes as number) > 0;
  return (name === undefined || (typeof name === 'string' && name !== '')) && (memoryBytes === undefined || isSize);
}
