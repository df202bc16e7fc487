// Run under every runtime by runtimes.test.ts: a whole model in one process, its device in JavaScript, and one on ggml.
import path from 'node:path';
import {
  createMember,
  createScriptDevice,
  FabricListener,
  type MemberHandle,
  openGgmlDevice,
} from '@shoal/engine-node';
import { countingDevice, countingProgram } from '../../../plugins/engine/native/test/support/counting-device.js';
import { newCredentials } from '../../../plugins/engine/native/test/support/instance.js';

const modelDirectory = path.resolve(import.meta.dirname, '../../../../test/fixtures/checkpoints/llama-grouped-query');

interface Event {
  readonly kind: string;
  readonly token: number;
  readonly reason: string;
  readonly code: string;
}

/** Loads the program on a device; gives the member and a promise of the end of its first request. */
async function load(device: { readonly table: bigint; close(): void }) {
  const options = {
    credentials: newCredentials(),
    self: { stage: 0, member: 0 },
    stageSizes: [1],
    program: countingProgram,
    modelDirectory,
    slotCount: 1,
    contextLength: 64,
    stateStorage: 'f32',
    maximumStepTokens: 8,
  };
  const tokens: number[] = [];
  let end: (event: Event) => void = () => {};
  const ended = new Promise<Event>((resolve) => {
    end = resolve;
  });
  const member = await createMember(JSON.stringify(options), { device: device.table }, (json) => {
    const event = JSON.parse(json) as Event;
    if (event.kind === 'token') tokens.push(event.token);
    if (event.kind === 'request-finished' || event.kind === 'request-failed') end(event);
  });
  device.close();
  return { member, tokens, ended };
}

function submit(member: MemberHandle, maximumTokens: number): void {
  const request = { id: 1, maximumTokens, stopTokens: [], sampling: { temperature: 0, seed: 0 } };
  member.submit(JSON.stringify(request), Uint32Array.of(1, 2, 3));
}

/** A device in JavaScript makes tokens; what is still running when its member closes is told so. */
async function onScript() {
  const script = createScriptDevice(countingDevice());
  const { member, tokens, ended } = await load({ table: script.table, close: () => {} });
  submit(member, 4);
  const { reason } = await ended;
  await member.close();
  script.close();
  return { tokens, reason };
}

/** The same program on ggml: no meaning, but tokens. */
async function onGgml() {
  const { member, tokens, ended } = await load(openGgmlDevice({ device: 'cpu', threads: 1 }));
  submit(member, 4);
  const { reason } = await ended;
  await member.close();
  return { count: tokens.length, reason };
}

/** Errors keep their codes under every runtime, thrown and rejected. */
async function codes() {
  const credentials = newCredentials();
  const listen = (kind: string) =>
    FabricListener.listen({
      credentials,
      self: { stage: 0, member: 0 },
      bindAddress: '127.0.0.1',
      kind: kind as 'tcp',
    });
  const found: unknown[] = [];
  try {
    listen('pigeon');
  } catch (error) {
    found.push((error as { code: unknown }).code);
  }
  const endpoint = { transport: 'tcp', host: 'elsewhere', addresses: ['tcp:192.0.2.1:9'] };
  const peers = JSON.stringify([{ stage: 1, member: 0, nodeId: 'absent', endpoint }]);
  await listen('tcp')
    .connect(peers, 200)
    .catch((error: { code: unknown }) => found.push(error.code));
  return found;
}

process.stdout.write(JSON.stringify({ script: await onScript(), ggml: await onGgml(), codes: await codes() }));
