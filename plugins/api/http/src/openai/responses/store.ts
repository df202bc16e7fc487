/**
 * Responses that were made at this node, for those who go on from them. They are in memory: what is too old or too much is
 * forgotten, and nothing outlives the node.
 */
import { FieldError } from '../../problems.js';
import type { KeptItem } from './items.js';

/** A response that can be asked for again. */
export interface StoredResponse {
  readonly id: string;
  /** The response before it, whose conversation it goes on. */
  readonly previous: string | undefined;
  /** What this request added to the conversation. */
  readonly input: readonly KeptItem[];
  /** What was answered; grows while it is made. */
  readonly output: readonly KeptItem[];
  /** As it is now. */
  json(): object;
  /** Whether it may still change. */
  readonly isRunning: boolean;
}

interface Entry {
  readonly response: StoredResponse;
  bytes: number;
}

export class ResponseStore {
  /** The one that was used last is the last. */
  private readonly entries = new Map<string, Entry>();
  private bytes = 0;

  constructor(
    private readonly mostResponses: number,
    private readonly mostBytes: number,
  ) {}

  add(response: StoredResponse): void {
    this.entries.set(response.id, { response, bytes: 0 });
    this.measure(response);
  }

  /** Again when it has ended: it has become larger. `more`: bytes that are kept with it. */
  measure(response: StoredResponse, more = 0): void {
    const entry = this.entries.get(response.id);
    if (!entry) return;
    const bytes = JSON.stringify([response.input, response.json()]).length + more;
    this.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    for (const { response: oldest } of this.entries.values()) {
      if (this.entries.size <= this.mostResponses && this.bytes <= this.mostBytes) return;
      // Whoever waits for one must find it; how many run is limited elsewhere.
      if (!oldest.isRunning) this.remove(oldest.id);
    }
  }

  /** Throws FieldError (404). */
  get(id: string): StoredResponse {
    const entry = this.entries.get(id);
    if (!entry) throw new FieldError('id', `Response with id '${id}' not found${forgotten}`, { status: 404 });
    this.entries.delete(id);
    this.entries.set(id, entry);
    return entry.response;
  }

  /** Throws FieldError (404). */
  delete(id: string): void {
    this.get(id);
    this.remove(id);
  }

  /** Everything that was said up to a response and in it. Throws FieldError where a part is not there any more. */
  conversation(id: string): readonly KeptItem[] {
    const chain: StoredResponse[] = [];
    for (let next: string | undefined = id; next !== undefined; ) {
      const entry = this.entries.get(next);
      if (!entry) {
        const message = `Previous response with id '${next}' not found${forgotten}`;
        throw new FieldError('previous_response_id', message, { code: 'previous_response_not_found' });
      }
      if (entry.response.isRunning) {
        const message = `Previous response with id '${next}' has not ended yet; wait for it, or cancel it.`;
        throw new FieldError('previous_response_id', message);
      }
      chain.push(entry.response);
      next = entry.response.previous;
    }
    chain.reverse();
    // The beginning of a conversation is not forgotten before its end.
    for (const { id: used } of chain) this.get(used);
    return chain.flatMap(({ input, output }) => [...input, ...output]);
  }

  /** What a response was made from, as far as it is still there. Throws FieldError (404). */
  inputItems(id: string): readonly KeptItem[] {
    const items: KeptItem[] = [];
    for (let next: StoredResponse | undefined = this.get(id), isFirst = true; next !== undefined; isFirst = false) {
      items.unshift(...next.input, ...(isFirst ? [] : next.output));
      next = next.previous === undefined ? undefined : this.entries.get(next.previous)?.response;
    }
    return items;
  }

  /** An item of any response that is kept. */
  item(id: string): KeptItem | undefined {
    for (const { response } of this.entries.values()) {
      const found = [...response.output, ...response.input].find((item) => item.id === id);
      // What is still made goes on growing.
      if (found) return structuredClone(found);
    }
    return undefined;
  }

  private remove(id: string): void {
    this.bytes -= this.entries.get(id)?.bytes ?? 0;
    this.entries.delete(id);
  }
}

const forgotten = ': this node keeps those that were made at it with "store", and forgets the oldest.';
