/** What the head's worker and its text thread say to each other. */
import type { AnswerFormat } from '../model/answer/answer-format.js';
import type { Thought } from '../model/answer/answer-grammar.js';
import type { TokenPieceTable } from '../model/token-pieces.js';
import type { ErrorDocument, GenerationInput } from './worker-protocol.js';

export interface TextThreadOptions {
  /** The model's folder. */
  readonly directory: string;
}

/** A prompt that is to become tokens. */
export interface PromptJob {
  /** Number of the job. */
  readonly job: number;
  readonly input: Exclude<GenerationInput, { kind: 'tokens' }>;
  /** Whether text that spells a special token becomes that token. */
  readonly parseSpecialTokens: boolean;
}

export type TextThreadMessage =
  | {
      readonly kind: 'loaded';
      readonly pieces: TokenPieceTable;
      /** Id of the tokenizer's own end-of-text token. */
      readonly endToken: number | undefined;
      /** Undefined where the model has no chat template that can be used. */
      readonly format: AnswerFormat | undefined;
    }
  /** The template is done with a job. */
  | { readonly kind: 'rendered'; readonly job: number }
  | { readonly kind: 'encoded'; readonly job: number; readonly tokens: Uint32Array; readonly thought: Thought }
  /** Of a job, or of loading. */
  | { readonly kind: 'failed'; readonly job: number | undefined; readonly error: ErrorDocument };
