import { type AnswerProgress, type EngineRequest, type Member, type MemberStatistics, ShoalError } from '@shoal/core';
import type { MemberHandle } from '@shoal/engine-node';

/** A member on native threads. JavaScript hands over requests; tokens come as events. */
export class NativeMember implements Member {
  readonly #handle: MemberHandle;
  readonly #shims: readonly { close(): void }[];
  #closing: Promise<void> | undefined;

  /** `shims`: those of a device and of channels in TypeScript, which must live as long as the member. */
  constructor(handle: MemberHandle, shims: readonly { close(): void }[]) {
    this.#handle = handle;
    this.#shims = shims;
  }

  submit({ promptTokens, ...request }: EngineRequest): void {
    try {
      this.#handle.submit(JSON.stringify(request), promptTokens);
    } catch (thrown) {
      throw ShoalError.from(thrown, 'REQUEST_INVALID');
    }
  }

  cancel(requestId: number, choice?: number): void {
    this.#handle.cancel(requestId, choice);
  }

  statistics(): MemberStatistics {
    const counters = JSON.parse(this.#handle.statistics()) as MemberStatistics;
    const answers = JSON.parse(this.#handle.answers()) as readonly AnswerProgress[];
    return answers.length === 0 ? counters : { ...counters, answers };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#handle.close();
    } finally {
      for (const shim of this.#shims) shim.close();
    }
  }
}
