import { deratingOf, deratingsByMachine, type MachineConditions } from '@shoal/core';
import t from 'tap';

const unknown = { unknown: 'not told' };
const celsius = (value: number) => ({ value, source: 'operating-system' }) as const;
const share = (value: number) => ({ value, source: 'measured' }) as const;
const nothing: MachineConditions = {
  readAt: 1,
  loadByOthers: unknown,
  temperature: { celsius: unknown },
  heat: { throttled: unknown, speedFactor: unknown },
  power: { watts: unknown },
  battery: unknown,
};
const battery = (charge: number, more: object = {}): Partial<MachineConditions> => ({
  battery: { value: { present: true, discharging: true, chargePercent: celsius(charge), ...more } },
});

t.test('conditions become a factor and its reason', async (t) => {
  const cases: readonly [string, Partial<MachineConditions>, number | undefined, RegExp?][] = [
    ['nothing is known', {}, undefined],
    ['cool and calm', { heat: { throttled: { value: false }, speedFactor: celsius(1) } }, undefined],
    ['warm', { temperature: { celsius: celsius(80), limitCelsius: 100 } }, undefined],
    ['hot without a known limit', { temperature: { celsius: celsius(97) } }, undefined],
    [
      'at its limit',
      { temperature: { celsius: celsius(96), limitCelsius: 100 } },
      0.8,
      /^hot at 96 °C, its limit is 100 °C$/,
    ],
    ['slowed down', { heat: { throttled: { value: true }, speedFactor: unknown } }, 0.6, /^slowed down by heat$/],
    [
      'slowed down by so much',
      { heat: { throttled: { value: true }, speedFactor: celsius(0.68) }, temperature: { celsius: celsius(99) } },
      0.68,
      /^slowed down by heat to 68 % at 99 °C$/,
    ],
    [
      'slowed down, with a factor that says nothing',
      { heat: { throttled: { value: true }, speedFactor: celsius(1) } },
      0.6,
    ],
    ['no battery', { battery: { value: { present: false } } }, undefined],
    ['on mains', battery(50, { discharging: false }), undefined],
    ['on battery', battery(80), 0.6, /^on battery at 80 %$/],
    ['saving power', battery(80, { isSavingPower: true }), 0.42, /saving power$/],
    ['low battery', battery(20), 0.25, /low at 20 %/],
    ['empty battery', battery(7), 0.05, /nearly empty at 7 %/],
    ['a little load', { loadByOthers: share(0.3) }, undefined],
    ['half loaded', { loadByOthers: share(0.52) }, 0.5, /other programs keep 52 % of its cores busy/],
    ['a bit more is no other plan', { loadByOthers: share(0.45) }, 0.5],
    ['wholly loaded', { loadByOthers: share(1) }, 0.25],
    [
      'all at once',
      { ...battery(15), loadByOthers: share(0.9), heat: { throttled: { value: true }, speedFactor: unknown } },
      0.05,
      /heat; its battery.*; other programs/,
    ],
  ];
  for (const [name, conditions, factor, reason] of cases) {
    const derating = deratingOf({ ...nothing, ...conditions });
    t.equal(derating?.factor, factor, name);
    if (reason !== undefined) t.match(derating?.reason, reason, name);
  }
});

t.test('nodes of one machine have one derating', async (t) => {
  const node = (nodeId: string, machineId: string, conditions?: Partial<MachineConditions>) => ({
    nodeId,
    machineId,
    ...(conditions === undefined ? {} : { conditions: { ...nothing, ...conditions } }),
  });
  const deratings = deratingsByMachine([
    node('a', 'one', { readAt: 5, loadByOthers: share(0.9) }),
    node('b', 'one', { readAt: 9, loadByOthers: share(0.5), ...battery(90) }),
    node('c', 'one', { readAt: 2, ...battery(3) }),
    node('d', 'one'),
    node('e', 'two', {}),
    node('f', 'three'),
  ]);
  for (const nodeId of ['a', 'b', 'c', 'd']) {
    // The newest look at the battery, the least load.
    t.match(deratings.get(nodeId), { factor: 0.3, reason: /on battery at 90 %; other programs keep 50 %/ }, nodeId);
  }
  t.equal(deratings.has('e'), false);
  t.equal(deratings.has('f'), false);
});

t.test("what one node of a machine computes is no other program's work", async (t) => {
  const node = (nodeId: string, loads: Pick<MachineConditions, 'loadByOthers' | 'loadByNode'>) => ({
    nodeId,
    machineId: 'one',
    conditions: { ...nothing, ...loads },
  });
  const loads = (others: number, own: number) => ({ loadByOthers: share(others), loadByNode: share(own) });
  const factors = (...nodes: ReturnType<typeof node>[]) => [...deratingsByMachine(nodes).values()];
  // Each of two stages keeps a share busy, and sees its neighbour's as others'.
  t.same(factors(node('a', loads(0.6, 0.4)), node('b', loads(0.4, 0.6))), [], 'nothing but the nodes');
  t.same(factors(node('a', loads(0.9, 0)), node('b', loads(0.45, 0.45)), node('c', loads(0.45, 0.45))), []);
  const [derating] = factors(node('a', loads(0.9, 0.1)), node('b', loads(0.6, 0.4)));
  t.match(derating, { factor: 0.5, reason: /other programs keep 50 %/ }, 'somebody else beside them');
  const [unsaid] = factors(node('a', loads(0.9, 0.1)), node('b', { loadByOthers: unknown }));
  t.match(unsaid, { factor: 0.25, reason: /90 %/ }, 'a neighbour that does not know its own');
});
