import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { type CompileOptions, type MemberProgram, ShoalError } from '@shoal/core';
import { createMember, createScriptDevice } from '@shoal/engine-node';
import t from 'tap';
import { countingDevice, countingProgram, vocabularySize } from './support/counting-device.js';
import { Instance } from './support/instance.js';

const modelDirectory = path.resolve(
  import.meta.dirname,
  '../../../../../test/fixtures/checkpoints/llama-grouped-query',
);

const start = (device: ReturnType<typeof countingDevice>, rest = {}) =>
  Instance.start({ modelDirectory, stages: [[{ program: countingProgram, device }]], ...rest });

t.test('a device in JavaScript makes the tokens of a native member', async (t) => {
  const device = countingDevice();
  await using instance = await start(device);
  const { tokens, end } = await instance.generate([10, 20, 30], { maximumTokens: 5 });
  t.same(tokens, [31, 32, 33, 34, 35]);
  t.match(end, { kind: 'request-finished', reason: 'length', promptTokens: 3, generatedTokens: 5 });

  const [prefill, ...decodes] = device.calls.steps;
  t.same([...prefill!.tokens], [10, 20, 30]);
  t.same(prefill!.sequences, [{ slot: prefill!.sequences[0]!.slot, startPosition: 0, tokenCount: 3, outputRows: 1 }]);
  t.same(
    decodes.map(({ sequences }) => sequences[0]!.startPosition),
    [3, 4, 5, 6],
    'each decode continues where the step before ended',
  );
  t.equal(device.calls.endedSteps, device.calls.steps.length);
  t.equal(instance.head.statistics().steps, device.calls.steps.length);
});

t.test('stop tokens, several sequences at once and long prompts work as with any device', async (t) => {
  const device = countingDevice();
  await using instance = await start(device, { slotCount: 3, maximumStepTokens: 4 });
  const generations = await Promise.all([
    instance.generate([1], { maximumTokens: 20, stopTokens: [5] }),
    instance.generate([100, 200], { maximumTokens: 4 }),
    instance.generate([7, 7, 7, 7, 7, 7, 7, 7, 7, 60], { maximumTokens: 2 }),
    instance.generate([300], { maximumTokens: 1 }),
  ]);
  t.same(
    generations.map(({ tokens }) => tokens),
    [[2, 3, 4, 5], [201, 202, 203, 204], [61, 62], [301]],
  );
  t.equal((generations[0]!.end as { reason: string }).reason, 'stop');
  t.ok(
    device.calls.steps.every(({ tokens }) => tokens.length <= 4),
    'no step is larger than was compiled for',
  );
  t.ok(device.calls.slotOperations.length > 0, 'slots are freed for the requests that come after');
});

t.test('weights are read on demand, as numbers of the checkpoint', async (t) => {
  const rows: Float32Array[] = [];
  let compiled: { program: MemberProgram; options: CompileOptions } | undefined;
  const device = countingDevice({
    compile: (weights) => {
      for (const first of [0, 383]) {
        const into = new Float32Array(96);
        weights.read('head', [first, first + 1], into);
        rows.push(into);
      }
      t.throws(() => weights.read('head', [383, 385], new Float32Array(192)), ShoalErrorLike, 'beyond the last row');
      t.throws(() => weights.read('head', [0, 1], new Float32Array(95)), ShoalErrorLike, 'a target of the wrong size');
      t.throws(() => weights.read('absent', [0, 1], new Float32Array(96)), ShoalErrorLike, 'an unknown weight');
      t.throws(() => weights.read('head', [0.5, 1.5], new Float32Array(96)), { code: 'ARGUMENT_INVALID' });
    },
  });
  const { compile } = device;
  const watched = {
    ...device,
    compile: (program: MemberProgram, weights: Parameters<typeof compile>[1], options: CompileOptions) => {
      compiled = { program, options };
      return compile(program, weights, options);
    },
  };
  await using instance = await start(watched);
  t.equal(rows.length, 2);
  t.ok(
    rows.every((row) => row.some((value) => value !== 0)),
    'there are numbers',
  );
  t.notSame(rows[0], rows[1]);
  t.same(compiled?.program, countingProgram, 'the program arrives as it was sent');
  t.same(compiled?.options, { slotCount: 2, contextLength: 128, stateStorage: 'f32', maximumStepTokens: 64 });
  const progress = instance.events.flatMap(({ event }) => (event.kind === 'load-progress' ? [event] : []));
  t.equal(progress.at(-1)?.loadedBytes, progress.at(-1)?.totalBytes);
});

const ShoalErrorLike = { code: /^(MODEL|PROGRAM|ARGUMENT)_/ };

t.test('a compile that fails keeps its code', async (t) => {
  const device = countingDevice({
    compile: () => {
      throw new ShoalError('BACKEND_OUT_OF_MEMORY', 'no room for the head');
    },
  });
  await t.rejects(start(device), { code: 'BACKEND_OUT_OF_MEMORY', message: /no room for the head/ });
  const broken = countingDevice({ compile: () => Promise.reject(new TypeError('x is not a function')) });
  await t.rejects(start(broken), { code: 'BACKEND_FAILED', message: /x is not a function/ });
});

t.test('a step that fails ends the request with the code and the text of the exception', async (t) => {
  const device = countingDevice({
    execute: ({ sequences }) => {
      if (sequences[0]!.startPosition > 0) throw new ShoalError('BACKEND_FAILED', 'the script tripped');
    },
  });
  await using instance = await start(device);
  const { tokens, end } = await instance.generate([1, 2]);
  t.same(tokens, [3]);
  t.match(end, { kind: 'request-failed', code: 'BACKEND_FAILED', message: /the script tripped/ });
});

t.test('a load can be given up while JavaScript compiles', async (t) => {
  const controller = new AbortController();
  const device = countingDevice({
    compile: () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()),
  });
  const starting = start(device, { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await t.rejects(starting, { code: 'ABORTED' });
});

t.test('what JavaScript holds is released with the member', async (t) => {
  const device = countingDevice();
  const instance = await start(device);
  await instance.generate([1]);
  await instance[Symbol.asyncDispose]();
  // The release travels to the event loop like any call.
  for (let turn = 0; turn < 3000 && device.calls.released === 0; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.equal(device.calls.released, 1);
});

t.test('closing the device ends a member that waits for it', async (t) => {
  const handle = createScriptDevice(countingDevice());
  const options = {
    credentials: { epoch: 1 },
    self: { stage: 0, member: 0 },
    stageSizes: [1],
    program: countingProgram,
    modelDirectory,
    slotCount: 1,
    contextLength: 4096,
    stateStorage: 'f32',
    maximumStepTokens: 8,
  };
  const events: { kind: string; code?: string }[] = [];
  const member = await createMember(JSON.stringify(options), { device: handle.table }, (json) => {
    events.push(JSON.parse(json) as { kind: string });
    if (events.length === 20) handle.close();
  });
  member.submit(JSON.stringify({ id: 1, maximumTokens: 4000, sampling: { temperature: 0 } }), Uint32Array.of(1));
  while (!events.some(({ kind }) => kind === 'request-failed')) await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(
    events.find(({ kind }) => kind === 'request-failed'),
    { code: 'ENGINE_ABORTED' },
  );
  await member.close();
  await member.close();
  t.throws(() => member.submit(JSON.stringify({ id: 2, maximumTokens: 1 }), Uint32Array.of(1)));
});

t.test('a member outlives the thread whose JavaScript was its device', async (t) => {
  const thread = new Worker(new URL('support/device-thread.js', import.meta.url));
  t.teardown(() => thread.terminate());
  const table = await new Promise<bigint>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  await using instance = await Instance.start({
    modelDirectory,
    stages: [[{ program: countingProgram, device: { kind: 'native', table, operations: [], close: async () => {} } }]],
    contextLength: 1_000_000,
  });
  const id = instance.submit([1], { maximumTokens: 900_000 });
  await instance.waitFor(({ kind }) => kind === 'token');
  await thread.terminate();
  const end = await instance.waitFor(({ kind }) => kind === 'request-failed');
  t.match(end, { requestId: id, code: 'ENGINE_ABORTED', message: /environment of the script device has ended/ });
});

t.test('a device that does not answer in time fails the step, and late writes reach nobody', async (t) => {
  let slow = true;
  const device = countingDevice({
    execute: () => {
      // Blocks this thread, as a device does that is too slow.
      if (slow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000);
      slow = false;
    },
  });
  const handle = createScriptDevice(device, { callTimeoutMilliseconds: 2000 });
  const options = {
    credentials: { epoch: 1 },
    self: { stage: 0, member: 0 },
    stageSizes: [1],
    program: countingProgram,
    modelDirectory,
    slotCount: 1,
    contextLength: 64,
    stateStorage: 'f32',
    maximumStepTokens: 8,
  };
  const failed = new Promise<{ code: string; message: string }>((resolve, reject) => {
    createMember(JSON.stringify(options), { device: handle.table }, (json) => {
      const event = JSON.parse(json) as { kind: string; code: string; message: string };
      if (event.kind === 'request-failed') resolve(event);
    }).then((member) => {
      t.teardown(() => member.close());
      member.submit(JSON.stringify({ id: 1, maximumTokens: 4, sampling: { temperature: 0 } }), Uint32Array.of(1));
    }, reject);
  });
  t.match(await failed, { code: 'BACKEND_FAILED', message: /did not answer `execute` within 2000 ms/ });
});

t.test('options that cannot be read are refused with their place', async (t) => {
  const handle = createScriptDevice(countingDevice());
  t.teardown(() => handle.close());
  const member = (json: string, mesh?: bigint) =>
    createMember(json, { device: handle.table, ...(mesh === undefined ? {} : { mesh }) }, () => {});
  await t.rejects(member('{'), { code: 'ARGUMENT_INVALID' });
  await t.rejects(member('{}'), { code: 'ARGUMENT_INVALID', message: /credentials/ });
  const options = {
    credentials: { epoch: 1 },
    self: { stage: 0, member: 0 },
    stageSizes: [1, 1],
    program: { programVersion: 99 },
    modelDirectory,
    slotCount: 1,
    contextLength: 64,
    stateStorage: 'f32',
    maximumStepTokens: 8,
  };
  await t.rejects(member(JSON.stringify(options)), { code: 'ARGUMENT_INVALID', message: /mesh/ });
  await t.rejects(member(JSON.stringify(options), 99n), { code: 'TRANSPORT_CLOSED', message: /99/ });
  const alone = { ...options, stageSizes: [1] };
  await t.rejects(member(JSON.stringify(alone)), { code: 'PLUGIN_VERSION_MISMATCH', message: /99/ });
  const elsewhere = { ...alone, program: countingProgram, modelDirectory: path.join(modelDirectory, 'absent') };
  await t.rejects(member(JSON.stringify(elsewhere)), { code: /^MODEL_/, message: /absent/ });
  t.equal(vocabularySize, 384);
});
