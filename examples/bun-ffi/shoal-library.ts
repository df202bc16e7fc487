import { dlopen } from 'bun:ffi';
import type { EngineEvent, EngineRequest, MemberStatistics } from '@shoal/core';
import { libraryPath } from '@shoal/engine-node/library';
import { signatures } from './signatures.js';

const interfaceVersion = 1;
const { symbols } = dlopen(libraryPath(), signatures);
if (Number(symbols.shoal_abi_version()) !== interfaceVersion) {
  throw new Error(`the engine has interface ${symbols.shoal_abi_version()}, this program needs ${interfaceVersion}`);
}

/** Nothing waits longer in native code, so that the event loop gets its turn. */
const pollMilliseconds = 10;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const errorText = new Uint8Array(1024);

/** Throws what a failed call wrote: `CODE: message`. */
function check(status: unknown): void {
  if (Number(status) === 0) return;
  const text = decoder.decode(errorText.subarray(0, errorText.indexOf(0)));
  const [code = '', message = text] = text.split(/: (.*)/s);
  throw Object.assign(new Error(message), { code });
}

/** One event; the longest is a failure with a message. */
const eventText = new Uint8Array(1 << 16);

function readText(read: (buffer: Uint8Array, capacity: number, length: BigUint64Array) => unknown): string {
  const length = new BigUint64Array(1);
  check(read(eventText, eventText.length, length));
  return decoder.decode(eventText.subarray(0, Number(length[0])));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A device of ggml. */
export class Device implements Disposable {
  readonly handle: bigint;

  constructor(options: { readonly device: string; readonly threads?: number }) {
    const json = encoder.encode(JSON.stringify(options));
    const handle = new BigUint64Array(1);
    check(symbols.shoal_device_open(json, json.length, handle, errorText, errorText.length));
    this.handle = handle[0] as bigint;
  }

  [Symbol.dispose](): void {
    symbols.shoal_device_close(this.handle);
  }
}

/** A loaded member that is the head: asks for tokens, hears of them. */
export class Member implements Disposable {
  private constructor(private readonly handle: bigint) {}

  /** Loads what `options` (JSON) say; `onProgress` hears of the bytes of the weights. */
  static async load(
    device: Device,
    options: string,
    onProgress: (loadedBytes: number, totalBytes: number) => void = () => {},
  ): Promise<Member> {
    const json = encoder.encode(options);
    const handle = new BigUint64Array(1);
    check(symbols.shoal_member_load(device.handle, 0, null, 0, json, json.length, handle, errorText, errorText.length));
    const member = new Member(handle[0] as bigint);
    try {
      const isLoaded = new Uint32Array(1);
      while (isLoaded[0] === 0) {
        const event = member.#nextEvent();
        if (event?.kind === 'load-progress') onProgress(event.loadedBytes, event.totalBytes);
        check(symbols.shoal_member_wait(member.handle, 0, isLoaded, errorText, errorText.length));
        await turn();
      }
      return member;
    } catch (error) {
      member[Symbol.dispose]();
      throw error;
    }
  }

  /** Generates; the tokens of one request at a time. Leaving the loop early cancels. */
  async *generate(prompt: Uint32Array, request: Omit<EngineRequest, 'promptTokens'>): AsyncGenerator<number> {
    const json = encoder.encode(JSON.stringify(request));
    const { handle } = this;
    check(symbols.shoal_member_submit(handle, json, json.length, prompt, prompt.length, errorText, errorText.length));
    let isRunning = true;
    try {
      while (isRunning) {
        const event = this.#nextEvent();
        if (event?.kind === 'token') yield event.token;
        if (event?.kind === 'request-finished') isRunning = false;
        if (event?.kind === 'request-failed' || event?.kind === 'member-failed') {
          isRunning = false;
          throw Object.assign(new Error(event.message), { code: event.code });
        }
        if (event === undefined) await turn();
      }
    } finally {
      if (isRunning) this.#cancel(request.id);
    }
  }

  statistics(): MemberStatistics {
    const text = readText((buffer, capacity, length) =>
      symbols.shoal_member_statistics(this.handle, buffer, capacity, length, errorText, errorText.length),
    );
    return JSON.parse(text) as MemberStatistics;
  }

  [Symbol.dispose](): void {
    symbols.shoal_member_close(this.handle);
  }

  #cancel(requestId: number): void {
    check(symbols.shoal_member_cancel(this.handle, BigInt(requestId), errorText, errorText.length));
    for (;;) {
      const kind = this.#nextEvent()?.kind;
      if (kind === 'request-finished' || kind === 'request-failed' || kind === 'member-failed') return;
    }
  }

  #nextEvent(): EngineEvent | undefined {
    const text = readText((buffer, capacity, length) =>
      symbols.shoal_member_next_event(
        this.handle,
        pollMilliseconds,
        buffer,
        capacity,
        length,
        errorText,
        errorText.length,
      ),
    );
    return text === '' ? undefined : (JSON.parse(text) as EngineEvent);
  }
}
