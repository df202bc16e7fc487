import type { ChatMessage, InstanceSummary, MemberReport, NodeService, Plan } from '@shoal/core';
import { Generation } from './generation.js';
import type { ChatOptions, GenerationOptions } from './generation-options.js';

/** A model that is loaded over the cluster and answers. */
export class LoadedModel implements AsyncDisposable {
  constructor(
    private readonly service: NodeService,
    private readonly summary: InstanceSummary,
    private readonly onUnload: (instance: string) => Promise<void>,
  ) {}

  /** Identifies the loaded instance in the cluster. */
  get instance(): string {
    return this.summary.instance;
  }

  /** Who computes what. */
  get plan(): Plan {
    return this.summary.plan;
  }

  /** Answers a conversation, written with the model's chat template. */
  chat(messages: readonly ChatMessage[], options: ChatOptions = {}): Generation {
    const { tools, toolChoice, parallelToolCalls, templateVariables, ...rest } = options;
    const given = {
      ...(tools === undefined || tools.length === 0 ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(parallelToolCalls === undefined ? {} : { parallelToolCalls }),
      ...(templateVariables === undefined ? {} : { templateVariables }),
    };
    return new Generation(this.service, this.instance, { kind: 'messages', messages, ...given }, rest);
  }

  /** Continues a text, or a list of token ids, as it is. */
  generate(prompt: string | readonly number[], options: GenerationOptions = {}): Generation {
    const input =
      typeof prompt === 'string'
        ? ({ kind: 'prompt', prompt } as const)
        : ({ kind: 'tokens', tokens: prompt } as const);
    return new Generation(this.service, this.instance, input, options);
  }

  /** Counters of all members since the load, by stage and member: steps, and where their time went. */
  statistics(signal?: AbortSignal): Promise<readonly MemberReport[]> {
    return this.service.statistics(this.instance, signal);
  }

  /** Frees it on all its nodes. */
  unload(): Promise<void> {
    return this.onUnload(this.instance);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unload();
  }
}
