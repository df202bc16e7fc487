// What is ordered: after a question where it is not easily undone, and with its progress where it takes its time.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent, NodeOperation } from '@shoal/core';
import t from 'tap';
import { answers, clusterOf, nothing, type Running, withDashboard } from '../support/running-dashboard.js';
import { instance, cluster as looked } from '../support/sample.js';

t.setTimeout(120_000);

/** A cluster that does what it is told, and keeps what it was told. */
function obedient() {
  const done: NodeOperation[] = [];
  const unloaded: string[] = [];
  const topologies: unknown[] = [];
  let instances = looked.instances;
  let events: ClusterEvent[] = [];
  const cluster = clusterOf({
    ...answers,
    instances: async () => instances,
    operate: async (operation: NodeOperation) => {
      done.push(operation);
      return { wish: 'a-wish' };
    },
    unload: async (id: string) => {
      unloaded.push(id);
      instances = instances.filter((one) => one.instance !== id);
    },
    topology: async (options: { fresh?: boolean }) => {
      topologies.push(options);
      return answers.topology?.();
    },
    async *watch(signal: AbortSignal) {
      while (!signal.aborted) {
        yield* events.splice(0);
        await sleep(20);
      }
      yield* nothing(signal);
    },
  });
  return {
    cluster,
    done,
    unloaded,
    topologies,
    tell: (...more: readonly ClusterEvent[]) => {
      events = [...events, ...more];
    },
    change: (state: string) => {
      instances = instances.map((one) => ({ ...one, state })) as unknown as typeof instances;
    },
  };
}

/** Types an order; each letter by itself, as keys come. */
function order({ display }: Running, line: string): void {
  display.press(':');
  display.type(line);
  display.press('enter');
}

t.test('a node is drained and left when that was confirmed, and not before', async (t) => {
  const { cluster, done } = obedient();
  await withDashboard(
    async () => cluster,
    async (running) => {
      const { display, shows } = running;
      await shows(/● anna/);
      for (const no of ['n', 'escape', 'q']) {
        display.press('3', 'g', 'd');
        await shows(/Drain anna\? .*\(y\/n\)/);
        display.press('x', no);
        await shows((screen) => !/\(y\/n\)/.test(screen));
      }
      t.same(done, [], 'nothing was done');
      display.press('d');
      await shows(/Drain anna\? .*\(y\/n\)/);
      display.press('y');
      await shows(/anna is drained/);
      order(running, 'drain "ben 🐟"');
      await shows(/Drain ben 🐟\? .*\(y\/n\)/);
      display.press('Y');
      await shows(/ben 🐟 is drained/);
      order(running, 'leave "ben 🐟"');
      await shows(/Have ben 🐟 leave the cluster\? .*\(y\/n\)/);
      display.press('y');
      await shows(/ben 🐟 leaves/);
      t.match(done, [
        { kind: 'drain', node: 'anna' },
        { kind: 'drain', node: 'ben 🐟' },
        { kind: 'leave', node: 'ben 🐟' },
      ]);
    },
  );
});

t.test('what a node refuses is said with its code', async () => {
  await withDashboard(
    async () =>
      clusterOf({
        ...answers,
        operate: async () => {
          throw Object.assign(new Error('the disk is full'), { code: 'EIO' });
        },
      }),
    async (running) => {
      await running.shows(/● anna/);
      order(running, 'pause anna');
      await running.shows(/INTERNAL: .*the disk is full/);
    },
  );
});

t.test('a model is loaded, with its progress, and unloaded', async (t) => {
  const { cluster, done, unloaded, tell, change } = obedient();
  await withDashboard(
    async () => cluster,
    async (running) => {
      const { display, shows } = running;
      await shows(/● anna/);
      change('loading');
      order(running, 'load tiny-llama');
      await shows(/the cluster keeps tiny-llama loaded from now on/);
      t.match(done, [{ kind: 'keep', model: 'tiny-llama' }]);
      display.press('5');
      await shows(/─ Loading .*tiny-llama/s);
      tell({ kind: 'load-progressed', instance, nodeId: 'anna-id', loadedBytes: 2 ** 30, totalBytes: 2 ** 32 });
      await shows(/tiny-llama .*1\.00 GiB of 4\.00 GiB/);
      tell(
        { kind: 'load-progressed', instance, nodeId: 'anna-id', loadedBytes: 2 ** 31, totalBytes: 2 ** 32 },
        { kind: 'load-progressed', instance, nodeId: 'ben-id', loadedBytes: 2 ** 31, totalBytes: 2 ** 32 },
      );
      await shows(/tiny-llama .*4\.00 GiB of 8\.00 GiB/);
      change('ready');
      await shows((screen) => !/─ Loading /.test(screen));
      order(running, 'unload tiny-llama');
      await shows(/Unload tiny-llama\? .*\(y\/n\)/);
      t.same(unloaded, []);
      display.press('y');
      await shows(/tiny-llama is unloaded/);
      t.same(unloaded, [instance]);
      order(running, 'unload tiny-llama');
      display.press('y');
      await shows(/INSTANCE_NOT_FOUND: nothing that is loaded is called tiny-llama/);
    },
  );
});

t.test('a profile measures anew', async (t) => {
  const { cluster, topologies } = obedient();
  await withDashboard(
    async () => cluster,
    async (running) => {
      await running.shows(/● anna/);
      order(running, 'profile');
      await running.shows(/measured 3 links between \d+ nodes anew/);
      t.ok(topologies.some((options) => (options as { fresh?: boolean }).fresh === true));
    },
  );
});
