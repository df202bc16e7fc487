/**
 * What is used of the provider specification V4 of the Vercel AI SDK (`LanguageModelV4` of @ai-sdk/provider). Written down
 * here, so that programs without that SDK need nothing of it.
 */
import type { ReadableStream } from 'node:stream/web';

export interface ProviderOptions {
  readonly [provider: string]: Readonly<Record<string, unknown>> | undefined;
}

export type PromptPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'tool-call'; readonly toolCallId: string; readonly toolName: string; readonly input: unknown }
  | {
      readonly type: 'tool-result';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly output: ToolResultOutput;
    }
  /** Files, approvals, and what a provider made for itself. */
  | { readonly type: 'file' | 'reasoning-file' | 'custom' | 'tool-approval-response' };

export type ToolResultOutput =
  | { readonly type: 'text' | 'error-text'; readonly value: string }
  | { readonly type: 'json' | 'error-json'; readonly value: unknown }
  | { readonly type: 'execution-denied'; readonly reason?: string }
  | { readonly type: 'content'; readonly value: readonly { readonly type: string; readonly text?: string }[] };

export type PromptMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user' | 'assistant' | 'tool'; readonly content: readonly PromptPart[] };

export type LanguageModelTool =
  | {
      readonly type: 'function';
      readonly name: string;
      readonly description?: string | undefined;
      readonly inputSchema: object;
    }
  | { readonly type: 'provider'; readonly id: string; readonly name: string };

export interface LanguageModelCallOptions {
  readonly prompt: readonly PromptMessage[];
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly responseFormat?:
    | { readonly type: 'text' }
    | { readonly type: 'json'; readonly schema?: object | undefined }
    | undefined;
  readonly seed?: number | undefined;
  readonly tools?: readonly LanguageModelTool[] | undefined;
  readonly toolChoice?:
    | { readonly type: 'auto' | 'none' | 'required' }
    | { readonly type: 'tool'; readonly toolName: string }
    | undefined;
  readonly reasoning?: string | undefined;
  readonly abortSignal?: AbortSignal | undefined;
  readonly providerOptions?: ProviderOptions | undefined;
}

export interface CallWarning {
  type: 'unsupported';
  feature: string;
  details?: string;
}

export interface LanguageModelUsage {
  inputTokens: { total: number | undefined; noCache: undefined; cacheRead: undefined; cacheWrite: undefined };
  outputTokens: { total: number | undefined; text: undefined; reasoning: undefined };
}

export interface LanguageModelFinishReason {
  unified: 'stop' | 'length' | 'tool-calls' | 'other';
  raw: string | undefined;
}

export interface ToolCallContent {
  type: 'tool-call';
  toolCallId: string;
  toolName: string;
  input: string;
}

export type LanguageModelContent =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | ToolCallContent;

export interface ResponseMetadata {
  id: string;
  timestamp: Date;
  modelId: string;
}

export interface LanguageModelResult {
  content: LanguageModelContent[];
  finishReason: LanguageModelFinishReason;
  usage: LanguageModelUsage;
  warnings: CallWarning[];
  response: ResponseMetadata;
}

export type LanguageModelStreamPart =
  | { type: 'stream-start'; warnings: CallWarning[] }
  | ({ type: 'response-metadata' } & ResponseMetadata)
  | { type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end' | 'tool-input-end'; id: string }
  | { type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta'; id: string; delta: string }
  | { type: 'tool-input-start'; id: string; toolName: string }
  | ToolCallContent
  | { type: 'finish'; usage: LanguageModelUsage; finishReason: LanguageModelFinishReason }
  | { type: 'error'; error: unknown };

/** A model for `generateText`, `streamText`, `generateObject` and their like. */
export interface LanguageModel {
  readonly specificationVersion: 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** URLs that the model reads by itself: none. */
  readonly supportedUrls: Record<string, RegExp[]>;
  doGenerate(options: LanguageModelCallOptions): Promise<LanguageModelResult>;
  doStream(options: LanguageModelCallOptions): Promise<{ stream: ReadableStream<LanguageModelStreamPart> }>;
}
