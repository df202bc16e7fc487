// The dashboard over a node that tells garbage, and more than anybody can read; and keys that come faster than frames.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent } from '@shoal/core';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import t from 'tap';
import { garbage, spoiled } from '../support/garbage.js';
import { answers, clusterOf, nothing, type Services, withDashboard } from '../support/running-dashboard.js';
import { cluster as looked, machines, topology } from '../support/sample.js';

t.setTimeout(120_000);

t.test('a node that tells garbage', async (t) => {
  const random = new SeededRandom(7);
  const spoil = (value: unknown) => async () => (random.chance(0.3) ? garbage(random) : spoiled(value, random));
  const service: Services = {
    ...answers,
    nodes: async () => (random.chance(0.5) ? looked.nodes : garbage(random)),
    state: spoil(looked.state),
    readiness: spoil({ nodes: machines.machines }),
    topology: spoil(topology.topology),
    statistics: spoil([]),
  };
  await withDashboard(
    async () => clusterOf(service),
    async ({ display, shows }) => {
      await shows(/attached/);
      for (let step = 0; step < 70; step += 1) {
        display.press(String(1 + (step % 7)), random.pick(['j', 'k', 'enter', 'tab', 'G', 'g', 'escape', 'p']));
        await sleep(10);
      }
      display.press('escape', '1');
      await shows(/Map/);
    },
  );
  t.pass('it went on');
});

t.test('thousands of events at once are shown in few frames, and none is lost from the count', async (t) => {
  const all = 20_000;
  async function* flood(signal: AbortSignal): AsyncGenerator<ClusterEvent> {
    for (let index = 0; index < all; index += 1) {
      // A burst, a moment of rest, and the next one, as a real node's socket brings them.
      if (index % 1000 === 0) await sleep(1);
      yield { kind: 'node-joined', nodeId: `id-${index}`, nodeName: `node-${index}` };
    }
    yield* nothing(signal);
  }
  await withDashboard(
    async () => clusterOf({ ...answers, watch: flood }),
    async ({ display, shows }) => {
      display.press('6');
      await shows(new RegExp(`events ${all}`));
      await shows(new RegExp(`node-${all - 1} joined`));
      t.ok(display.frames < 200, `${display.frames} frames for ${all} events`);
    },
  );
});

t.test('a connection that is lost is said, with the reason, and made anew', async (t) => {
  let connections = 0;
  let breakIt = () => {};
  const connect = async () => {
    connections += 1;
    if (connections === 2) throw new Error('nobody answers');
    const broken = new Promise<never>((_, reject) => {
      breakIt = () => reject(new Error('the cable was pulled'));
    });
    broken.catch(() => undefined);
    async function* watch(): AsyncGenerator<never> {
      yield await broken;
    }
    return clusterOf({ ...answers, watch });
  };
  await withDashboard(connect, async ({ shows }) => {
    await shows(/attached.*● anna/s);
    breakIt();
    await shows(/the connection is lost.*● anna/s);
    await shows(/ attached.*● anna/s);
    t.equal(connections, 3);
  });
});

t.test('keys that come together are about what they lead to', async () => {
  await withDashboard(
    async () => clusterOf(answers),
    async ({ display, shows }) => {
      await shows(/● anna/);
      // The row below is the one whose details are shown, on a screen that was not drawn before.
      display.press('3', 'j', 'enter');
      await shows(/Details.*ben 🐟/s);
      display.press('escape', ':');
      display.type('cordon "ben 🐟"');
      await shows(/:cordon "ben 🐟"/);
      display.press('escape', '/');
      display.type('nobody');
      await shows(/nothing matches the filter/);
    },
  );
});

t.test('a terminal that is slow is not sent more than it takes', async (t) => {
  await withDashboard(
    async () => clusterOf(answers),
    async ({ display, shows }) => {
      await shows(/● anna/);
      display.isBehind = true;
      const { frames } = display;
      display.press('2', '3', '4');
      await sleep(200);
      t.equal(display.frames, frames);
      display.isBehind = false;
      await shows(/Chat with/);
    },
  );
});
