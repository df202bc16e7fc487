/** Asks a model that is loaded, and tells what it answers as it comes. */
import type { ChatMessage } from '@shoal/core';
import { ShoalError } from '@shoal/core/client';
import type { ClusterSource, News } from '../source/source.js';
import type { DashboardState, InstanceState } from '../state/state.js';
import { answeringInstances, chosenInstance } from '../views/chat.js';

/** Words come one by one; they are shown some at a time. */
const deltaMilliseconds = 50;

export class Conversation {
  private answering: AbortController | undefined;

  constructor(
    private readonly source: ClusterSource,
    private readonly state: () => DashboardState,
  ) {}

  /** The instance that is asked: the one that was chosen while it serves, else the first that does. */
  get instance(): InstanceState | undefined {
    const { instances, chat } = this.state();
    return chosenInstance(chat, answeringInstances(instances));
  }

  chooseNext(): void {
    const ready = answeringInstances(this.state().instances);
    const at = ready.findIndex(({ instance }) => instance === this.instance?.instance);
    const next = ready[(at + 1) % ready.length];
    if (next) this.source.tell({ kind: 'chat-model-chosen', instance: next.instance });
  }

  clear(): void {
    this.stop();
    this.source.tell({ kind: 'chat-cleared' });
  }

  stop(): void {
    this.answering?.abort(new ShoalError('ABORTED', 'the answer was stopped'));
  }

  /** Resolves when the answer has ended, however it did. Throws INSTANCE_NOT_FOUND where nobody can answer. */
  async ask(text: string): Promise<void> {
    const { cluster } = this.source;
    const { instance } = this;
    if (cluster === undefined) throw new ShoalError('NODE_UNREACHABLE', 'there is no connection to a node');
    if (instance === undefined) throw new ShoalError('INSTANCE_NOT_FOUND', 'no model is loaded; :load loads one');
    if (this.answering) throw new ShoalError('ARGUMENT_INVALID', 'an answer is on its way; s stops it');
    const messages = [...earlierMessages(this.state()), { role: 'user', content: text } as const];
    const answering = new AbortController();
    this.answering = answering;
    this.source.tell({ kind: 'chat-asked', text, modelName: instance.modelName });
    const deltas = new Deltas((news) => this.source.tell(news));
    try {
      const model = await cluster.model(instance.instance);
      const generation = model.chat(messages, { signal: answering.signal });
      for await (const part of generation) deltas.add(part);
      const { finishReason } = await generation.result;
      deltas.flush();
      this.source.tell({ kind: 'chat-ended', ended: finishReason });
    } catch (thrown) {
      deltas.flush();
      const { code, message } = ShoalError.from(thrown);
      const wasStopped = answering.signal.aborted;
      this.source.tell(
        wasStopped
          ? { kind: 'chat-ended', ended: 'cancelled' }
          : { kind: 'chat-ended', ended: 'failed', failure: { code, message } },
      );
    } finally {
      deltas.flush();
      this.answering = undefined;
    }
  }
}

/** What was said before; answers that failed before their first word were none. */
function earlierMessages({ chat }: DashboardState): ChatMessage[] {
  return chat.messages.filter(({ text }) => text !== '').map(({ role, text }) => ({ role, content: text }));
}

class Deltas {
  private text = '';
  private reasoning = '';
  private tokens = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: (news: News) => void) {}

  add({ text, reasoning = '', token }: { text: string; reasoning?: string; token?: number }): void {
    this.text += text;
    this.reasoning += reasoning;
    if (token !== undefined) this.tokens += 1;
    this.timer ??= setTimeout(() => this.flush(), deltaMilliseconds);
  }

  flush(): void {
    // Set exactly while something waits.
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    const { text, reasoning, tokens } = this;
    [this.text, this.reasoning] = ['', ''];
    this.tell({ kind: 'chat-delta', text, ...(reasoning === '' ? {} : { reasoning }), generatedTokens: tokens });
  }
}
