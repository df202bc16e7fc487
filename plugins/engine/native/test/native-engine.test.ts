import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpu } from '@shoal/backend-cpu';
import {
  buildMemberProgram,
  describeModel,
  describeWorkerPlugins,
  type EngineEvent,
  loadPlugins,
  type Member,
  type MemberAddress,
  type ModelDescription,
  memberLowering,
  type PlacementNode,
  type Plan,
  type PluginSet,
  parsePlanShape,
  place,
  WorkerPluginSet,
} from '@shoal/core';
import { nativeEngine } from '@shoal/engine-native';
import { tcp } from '@shoal/transport-tcp';
import t from 'tap';

const checkpoints = fileURLToPath(new URL('../../../../../test/fixtures/checkpoints/', import.meta.url));
const contextLength = 128;

interface Expected {
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly greedy: { readonly tokens: readonly number[]; readonly margins: readonly number[] };
  }[];
}

async function loadAll(): Promise<PluginSet> {
  return loadPlugins([tcp(), nativeEngine(), cpu({ threads: 1 }), { module: '@shoal/sharding-llama' }], {
    resolveFrom: [import.meta.url],
  });
}

/** The plan that forces the shape onto as many nodes as it needs, all with this machine's processor. */
async function planFor(plugins: PluginSet, model: ModelDescription, shapeText: string): Promise<Plan> {
  const shape = parsePlanShape(shapeText);
  const backend = plugins.get('backend', 'cpu').host;
  const strategy = plugins.get('sharding', 'llama');
  const [properties] = await backend.probe();
  if (properties === undefined) throw new Error('the backend has no device');
  const nodes = Array.from({ length: shape.pipelineStages * shape.tensorMembers }, (_, index): PlacementNode => {
    const devices = [{ backend: 'cpu', capabilities: backend.capabilities, properties }];
    return { nodeId: `node-${index}`, nodeName: `node-${index}`, devices };
  });
  const lower = memberLowering(strategy.host, model, contextLength);
  const result = place({
    model,
    strategy,
    costs: strategy.host.costs(model.config, model.tensors),
    constraints: (memberCount) => strategy.host.constraints(model.config, memberCount),
    tensors: model.tensors,
    nodes,
    options: {
      shape,
      contextLength,
      slotCount: 2,
      stateStorage: 'f32',
      storage: { matrix: 'f32', embedding: 'f32' },
    },
    lowerMember: (shard, member, _device, settings) => lower(shard, member, settings.storage),
  });
  if ('refusal' in result) throw new Error(result.refusal.message);
  return result.plan;
}

interface Instance {
  readonly head: Member;
  readonly events: EngineEvent[];
  close(): Promise<void>;
}

/** All members of a plan in this process, each with its own device, mesh and threads. */
async function loadInstance(plugins: PluginSet, model: ModelDescription, plan: Plan): Promise<Instance> {
  const workers = new WorkerPluginSet(describeWorkerPlugins(plugins));
  const [transport, backend, engine] = await Promise.all([
    workers.get('transport', 'tcp'),
    workers.get('backend', 'cpu'),
    workers.get('engine', 'native'),
  ]);
  const credentials = {
    instance: randomBytes(8).toString('hex'),
    epoch: 1,
    secret: randomBytes(32).toString('hex'),
  };
  const addresses = plan.stages.flatMap(({ members }, stage): MemberAddress[] =>
    members.map((_, member) => ({ stage, member })),
  );
  const listeners = await Promise.all(
    addresses.map((self) => transport.listen({ credentials, self, bindAddress: '127.0.0.1' })),
  );
  const peers = listeners.map(({ endpoint }, index) => ({
    ...(addresses[index] as MemberAddress),
    nodeId: `node-${index}`,
    endpoint,
  }));
  const events: EngineEvent[] = [];
  const strategy = plugins.get('sharding', 'llama').host;
  const members = await Promise.all(
    addresses.map(async (self, index) => {
      const device = await backend.open('cpu', {});
      const channels = await listeners[index]?.connect(peers, { deadlineMilliseconds: 60_000 });
      if (channels === undefined) throw new Error('no listener');
      return engine.createMember(
        {
          credentials,
          self,
          stageSizes: plan.stages.map((stage) => stage.members.length),
          program: buildMemberProgram(strategy, model, plan, self),
          modelDirectory: model.directory,
          device,
          channels,
          slotCount: plan.slotCount,
          contextLength: plan.contextLength,
          stateStorage: plan.stateStorage,
          maximumStepTokens: 32,
          onEvent: (event) => void (index === 0 && events.push(event)),
        },
        new AbortController().signal,
      );
    }),
  );
  return {
    head: members[0] as Member,
    events,
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

/** Resolves when the request has ended; fails when it takes longer than 60 s. */
async function finished(events: readonly EngineEvent[], requestId: number): Promise<EngineEvent> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const end = events.find(
      (event) =>
        event.kind === 'member-failed' ||
        ((event.kind === 'request-finished' || event.kind === 'request-failed') && event.requestId === requestId),
    );
    if (end !== undefined) return end;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`request ${requestId} did not end`);
}

const tokensOf = (events: readonly EngineEvent[], requestId: number): number[] =>
  events.flatMap((event) => (event.kind === 'token' && event.requestId === requestId ? [event.token] : []));

for (const shape of ['pp=1', 'pp=2', 'tp=2', 'tp=3', 'tp=2,pp=2']) {
  t.test(`${shape}: the greedy tokens are those of transformers`, async (t) => {
    const plugins = await loadAll();
    const model = await describeModel(join(checkpoints, 'llama-grouped-query'));
    const expected = JSON.parse(readFileSync(join(model.directory, 'expected.json'), 'utf8')) as Expected;
    const instance = await loadInstance(plugins, model, await planFor(plugins, model, shape));
    t.teardown(() => instance.close());
    for (const [id, { ids, greedy }] of expected.prompts.entries()) {
      instance.head.submit({
        id,
        promptTokens: Uint32Array.from(ids),
        maximumTokens: greedy.tokens.length,
        stopTokens: [],
        sampling: { temperature: 0, seed: 1 },
      });
    }
    for (const [id, { ids, greedy }] of expected.prompts.entries()) {
      const end = await finished(instance.events, id);
      t.match(end, {
        kind: 'request-finished',
        reason: 'length',
        promptTokens: ids.length,
        generatedTokens: greedy.tokens.length,
      });
      // Where the two best are nearer than rounding, either is right, and what follows differs.
      const unsure = greedy.margins.findIndex((margin) => margin < 1e-4);
      const sure = unsure < 0 ? greedy.tokens.length : unsure;
      t.same(tokensOf(instance.events, id).slice(0, sure), greedy.tokens.slice(0, sure), `prompt ${id}`);
    }
    const { steps, residentSlots, generatedTokens, answers = [] } = instance.head.statistics();
    t.ok(steps >= 24, `${steps} steps`);
    t.ok(residentSlots <= 2);
    const tokens = expected.prompts.map(({ greedy }) => greedy.tokens.length);
    t.equal(
      generatedTokens,
      tokens.reduce((sum, one) => sum + one, 0),
    );
    const told = [...answers].sort((left, right) => left.requestId - right.requestId);
    t.match(
      told,
      expected.prompts.map(({ ids, greedy }, requestId) => ({
        requestId,
        choice: 0,
        state: 'length',
        promptTokens: ids.length,
        generatedTokens: greedy.tokens.length,
      })),
    );
    for (const one of told) {
      const parts = one.queueMicroseconds + one.prefillMicroseconds + one.decodeMicroseconds;
      const life = one.submittedMicrosecondsAgo - (one.endedMicrosecondsAgo ?? 0);
      // Each of the numbers is rounded down by itself.
      t.ok(Math.abs(life - parts) <= 3, `${life} µs, of which ${parts} µs are told`);
    }
  });
}

t.test('a request can be cancelled, and a stop token ends it', async (t) => {
  const plugins = await loadAll();
  const model = await describeModel(join(checkpoints, 'llama-grouped-query'));
  const instance = await loadInstance(plugins, model, await planFor(plugins, model, 'pp=1'));
  t.teardown(() => instance.close());
  const expected = JSON.parse(readFileSync(join(model.directory, 'expected.json'), 'utf8')) as Expected;
  const [prompt] = expected.prompts;
  const request = {
    promptTokens: Uint32Array.from(prompt?.ids ?? []),
    sampling: { temperature: 0, seed: 1 },
  };
  const stop = prompt?.greedy.tokens[3] ?? 0;
  instance.head.submit({ ...request, id: 1, maximumTokens: 24, stopTokens: [stop] });
  t.match(await finished(instance.events, 1), { reason: 'stop' });
  t.equal(tokensOf(instance.events, 1).at(-1), stop, 'the stop token is told, too');

  instance.head.submit({ ...request, id: 2, maximumTokens: 100, stopTokens: [] });
  instance.head.cancel(2);
  t.match(await finished(instance.events, 2), { reason: 'cancelled' });
});

t.test('an aborted load ends as aborted', async (t) => {
  const plugins = await loadAll();
  const engine = await new WorkerPluginSet(describeWorkerPlugins(plugins)).get('engine', 'native');
  await t.rejects(engine.createMember({} as never, AbortSignal.abort()), { name: 'AbortError' });
  t.equal(await plugins.get('engine', 'native').host.unavailableReason(), undefined);
});
