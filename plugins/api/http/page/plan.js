// Plans for people.
import { element } from './elements.js';
import { bytes, milliseconds, plural, tokensPerSecond } from './format.js';

export const membersOf = (plan) =>
  plan.stages.flatMap(({ layers, members }) => members.map((one) => ({ ...one, layers })));

export const memberBytes = ({ weightBytes, stateBytes }) => weightBytes + stateBytes;

/** One line: shape, size, and what it is expected to do. */
export function planFacts(plan) {
  const members = membersOf(plan);
  const total = members.reduce((sum, member) => sum + memberBytes(member), 0);
  const { predicted } = plan;
  return [
    plural(plan.stages.length, 'stage'),
    plural(members.length, 'member'),
    bytes(total),
    `${plural(plan.slotCount, 'answer')} at once`,
    `${plan.contextLength} tokens each`,
    ...(predicted === undefined
      ? []
      : [
          `expected: ${milliseconds(predicted.millisecondsPerToken)} a token, ${tokensPerSecond(predicted.tokensPerSecond)} in all`,
        ]),
  ].join(' · ');
}

export function planReasons({ reasons, leftOut }) {
  return element(
    'ul',
    { class: 'reasons' },
    ...reasons.map((reason) => element('li', {}, reason)),
    ...leftOut.map(({ nodeName, deviceId, reason }) =>
      element('li', {}, element('strong', {}, `${deviceId} on ${nodeName} is left out: `), reason),
    ),
  );
}
