/** Models of a cluster for the Vercel AI SDK. */
import { randomUUID } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';
import type { Generation, GenerationChoice, GenerationPart, GenerationResult } from '../generation.js';
import type { LoadedModel } from '../loaded-model.js';
import { type ChatCall, chatCall } from './call.js';
import type {
  LanguageModel,
  LanguageModelCallOptions,
  LanguageModelFinishReason,
  LanguageModelResult,
  LanguageModelStreamPart,
  LanguageModelUsage,
} from './specification.js';

/** `find` looks a loaded model up when a call comes, so that the object outlives instances. */
export function languageModel(modelId: string, find: () => Promise<LoadedModel>): LanguageModel {
  const start = async (call: ChatCall) => (await find()).chat(call.messages, call.options);
  return {
    specificationVersion: 'v4',
    provider: 'shoal',
    modelId,
    supportedUrls: {},
    async doGenerate(options) {
      return orAbort(options, async () => {
        const call = chatCall(options);
        const result = await (await start(call)).result;
        return wholeResult(modelId, result, call);
      });
    },
    async doStream(options) {
      return orAbort(options, async () => {
        const call = chatCall(options);
        return { stream: await streamOf(modelId, await start(call), call, options) };
      });
    },
  };
}

/** Who aborts wants their own reason back: the AI SDK knows an abort by it. */
async function orAbort<Result>({ abortSignal }: LanguageModelCallOptions, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (thrown) {
    throw abortSignal?.aborted ? abortSignal.reason : thrown;
  }
}

function wholeResult(modelId: string, result: GenerationResult, { warnings }: ChatCall): LanguageModelResult {
  const { text, reasoning, toolCalls = [] } = result;
  return {
    content: [
      ...(reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
      ...(text === '' ? [] : [{ type: 'text' as const, text }]),
      ...toolCalls.map((call) => ({
        type: 'tool-call' as const,
        toolCallId: call.id,
        toolName: call.name,
        input: call.arguments,
      })),
    ],
    finishReason: finishReason(result),
    usage: usageOf(result),
    warnings,
    response: metadata(modelId),
  };
}

const metadata = (modelId: string) => ({ id: randomUUID(), timestamp: new Date(), modelId });

function usageOf({ usage }: GenerationResult): LanguageModelUsage {
  return {
    inputTokens: { total: usage.promptTokens, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: usage.generatedTokens, text: undefined, reasoning: undefined },
  };
}

function finishReason({ finishReason: raw, toolCalls }: GenerationChoice): LanguageModelFinishReason {
  if (raw === 'length') return { unified: 'length', raw };
  if (toolCalls) return { unified: 'tool-calls', raw };
  return { unified: raw === 'stop' ? 'stop' : 'other', raw };
}

/** Resolves with the first token, so that what is wrong with a call rejects it instead of ending its stream. */
async function streamOf(
  modelId: string,
  generation: Generation,
  { warnings }: ChatCall,
  { abortSignal }: LanguageModelCallOptions,
): Promise<ReadableStream<LanguageModelStreamPart>> {
  const parts = generation[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<GenerationPart>> | undefined = Promise.resolve(await parts.next());
  const writer = new PartWriter();
  return new ReadableStream<LanguageModelStreamPart>({
    start(controller) {
      controller.enqueue({ type: 'stream-start', warnings });
      controller.enqueue({ type: 'response-metadata', ...metadata(modelId) });
    },
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await (next ?? parts.next());
          next = undefined;
          const made = done ? writer.end() : writer.add(value);
          for (const part of made) controller.enqueue(part);
          if (done) {
            const result = await generation.result;
            controller.enqueue({ type: 'finish', usage: usageOf(result), finishReason: finishReason(result) });
            controller.close();
            return;
          }
          if (made.length > 0) return;
        }
      } catch (thrown) {
        controller.enqueue({ type: 'error', error: abortSignal?.aborted ? abortSignal.reason : thrown });
        controller.close();
      }
    },
    cancel() {
      generation.cancel();
    },
  });
}

/** Makes blocks with a beginning and an end of pieces. */
class PartWriter {
  private blocks = 0;
  private open: 'text' | 'reasoning' | undefined;
  private call: { id: string; name: string; input: string; index: number } | undefined;

  add({ text, reasoning, toolCalls = [] }: GenerationPart): LanguageModelStreamPart[] {
    const made: LanguageModelStreamPart[] = [];
    if (reasoning !== undefined) made.push(...this.block('reasoning', reasoning));
    if (text !== '') made.push(...this.block('text', text));
    for (const { index, id, name, arguments: input } of toolCalls) {
      if (name !== undefined && id !== undefined) {
        made.push(...this.endBlock(), ...this.endCall());
        this.call = { id, name, input: '', index };
        made.push({ type: 'tool-input-start', id, toolName: name });
      }
      if (this.call?.index !== index || input === '') continue;
      this.call.input += input;
      made.push({ type: 'tool-input-delta', id: this.call.id, delta: input });
    }
    return made;
  }

  end(): LanguageModelStreamPart[] {
    return [...this.endBlock(), ...this.endCall()];
  }

  private block(kind: 'text' | 'reasoning', delta: string): LanguageModelStreamPart[] {
    const made: LanguageModelStreamPart[] = [];
    if (this.open !== kind) {
      made.push(...this.endBlock(), ...this.endCall(), { type: `${kind}-start`, id: String(this.blocks) });
      this.open = kind;
    }
    made.push({ type: `${kind}-delta`, id: String(this.blocks), delta });
    return made;
  }

  private endBlock(): LanguageModelStreamPart[] {
    if (this.open === undefined) return [];
    const part = { type: `${this.open}-end` as const, id: String(this.blocks) };
    this.open = undefined;
    this.blocks += 1;
    return [part];
  }

  private endCall(): LanguageModelStreamPart[] {
    if (this.call === undefined) return [];
    const { id, name, input } = this.call;
    this.call = undefined;
    return [
      { type: 'tool-input-end', id },
      { type: 'tool-call', toolCallId: id, toolName: name, input },
    ];
  }
}
