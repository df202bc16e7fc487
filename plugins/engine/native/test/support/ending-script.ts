// Ends in the way that the first argument names, while a member generates; run under every runtime by endings.test.ts.
import path from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createMember, createScriptDevice, type MemberHandle, openGgmlDevice } from '@shoal/engine-node';
import { countingDevice, countingProgram } from './counting-device.js';
import { newCredentials } from './instance.js';

const modelDirectory = path.resolve(
  import.meta.dirname,
  '../../../../../../test/fixtures/checkpoints/llama-grouped-query',
);

/** A member in the middle of a long generation; `onToken` hears the number of each token. */
async function generate(device: 'script' | 'ggml', onToken: (count: number) => void): Promise<MemberHandle> {
  const handle =
    device === 'script' ? createScriptDevice(countingDevice()) : openGgmlDevice({ device: 'cpu', threads: 1 });
  const options = {
    credentials: newCredentials(),
    self: { stage: 0, member: 0 },
    stageSizes: [1],
    program: countingProgram,
    modelDirectory,
    slotCount: 1,
    contextLength: 1_000_000,
    stateStorage: 'f32',
    maximumStepTokens: 8,
  };
  let count = 0;
  const member = await createMember(JSON.stringify(options), { device: handle.table }, (json) => {
    const { kind } = JSON.parse(json) as { kind: string };
    if (kind === 'token') {
      count += 1;
      onToken(count);
    }
  });
  const request = { id: 1, maximumTokens: 900_000, stopTokens: [], sampling: { temperature: 0, seed: 0 } };
  member.submit(JSON.stringify(request), Uint32Array.of(1));
  return member;
}

const device = process.argv[3] as 'script' | 'ggml';

const endings: Readonly<Record<string, () => Promise<unknown>>> = {
  /** `process.exit` from within an event. */
  exit: () => generate(device, (count) => count === 20 && process.exit(7)),
  /** An exception that nobody catches, thrown where the event is heard. */
  throw: () =>
    generate(device, (count) => {
      if (count === 20) throw new Error('thrown while hearing a token');
    }),
  /** A signal that the process does not handle. */
  signal: () => generate(device, (count) => count === 20 && process.kill(process.pid, 'SIGTERM')),
  /** The environment of a worker thread is taken down around a running member. */
  terminate: async () => {
    const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), workerData: { device } });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    process.stdout.write('terminated');
  },
  /** Close while tokens come: what is left of the request is told, and the process ends by itself. */
  close: async () => {
    let reached: () => void = () => {};
    const twenty = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const member = await generate(device, (count) => count === 20 && reached());
    await twenty;
    await member.close();
    process.stdout.write('closed');
  },
};

if (isMainThread) {
  await endings[process.argv[2] as string]?.();
} else {
  const { parentPort } = await import('node:worker_threads');
  await generate((workerData as { device: 'script' | 'ggml' }).device, (count) => {
    if (count === 20) parentPort?.postMessage('running');
  });
}
