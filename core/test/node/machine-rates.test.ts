import type { AttentionRate, DeviceRate, Measured, NodeFacts } from '@shoal/core';
import { withRatesOfMachine } from '@shoal/core/internal/node/machine-rates.js';
import t from 'tap';
import { device } from '../placement/llama-model.js';

const measured = (value: number): Measured => ({ value, source: 'measured' });
const unknown: Measured = { unknown: 'not measured' };

function rate(storage: DeviceRate['storage'], decode: number, prefill: Measured, oneCore?: number): DeviceRate {
  return {
    storage,
    decodeBytesPerSecond: measured(decode),
    prefillOperationsPerSecond: prefill,
    ...(oneCore === undefined
      ? {}
      : { oneCore: { decodeBytesPerSecond: measured(oneCore), prefillOperationsPerSecond: unknown } }),
  };
}

/** Only what is looked at. */
function facts(
  machineId: string,
  found: {
    rates?: readonly DeviceRate[];
    overhead?: number;
    cores?: number;
    attention?: readonly AttentionRate[];
  },
): NodeFacts {
  const { rates, overhead, attention, cores = 2 } = found;
  const one = device(2 ** 30, { cores });
  const more = {
    ...(rates === undefined ? {} : { rates }),
    ...(overhead === undefined ? {} : { operationOverheadMicroseconds: measured(overhead) }),
    ...(attention === undefined ? {} : { attention }),
  };
  return { machineId, devices: [{ ...one, properties: { ...one.properties, ...more } }] } as unknown as NodeFacts;
}

const propertiesOf = (node: NodeFacts | undefined) => node?.devices[0]?.properties;

t.test('nodes of one machine have its fastest measurements', async (t) => {
  const [slow, fast, none, narrow, elsewhere] = withRatesOfMachine([
    facts('one', { rates: [rate('q4_0', 20, measured(9), 7)], overhead: 3 }),
    facts('one', { rates: [rate('q4_0', 30, unknown, 6), rate('bf16', 50, measured(8))], overhead: 2 }),
    facts('one', {}),
    facts('one', { rates: [rate('q4_0', 11, unknown)], cores: 1 }),
    facts('two', { rates: [rate('q4_0', 90, unknown)] }),
  ]);
  const expected = {
    rates: [rate('q4_0', 30, measured(9), 7), rate('bf16', 50, measured(8))],
    operationOverheadMicroseconds: measured(2),
  };
  for (const node of [slow, fast, none]) t.match(propertiesOf(node), expected);
  t.match(propertiesOf(narrow), { rates: [rate('q4_0', 11, unknown)] }, 'fewer cores are another processor');
  t.match(propertiesOf(elsewhere), { rates: [rate('q4_0', 90, unknown)] }, 'and so is another machine');
});

t.test('attention is that of the fastest measurement for each size of heads', async (t) => {
  const attention = (headSize: number, decode: Measured, prefill: Measured): AttentionRate => ({
    headSize,
    decodeOperationsPerSecond: decode,
    prefillOperationsPerSecond: prefill,
  });
  const nodes = withRatesOfMachine([
    facts('one', { attention: [attention(64, measured(3), measured(9)), attention(128, unknown, measured(7))] }),
    facts('one', { attention: [attention(64, measured(4), unknown), attention(128, measured(5), measured(6))] }),
    facts('one', {}),
  ]);
  const expected = [attention(64, measured(4), measured(9)), attention(128, measured(5), measured(7))];
  for (const node of nodes) t.match(propertiesOf(node), { attention: expected });
});
