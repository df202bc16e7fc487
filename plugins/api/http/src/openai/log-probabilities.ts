import type { GeneratedToken } from '@shoal/core';

type Explained = NonNullable<GeneratedToken['logProbabilities']>;

const replacement = '\uFFFD';

/** A token as chat completions show it; a part of a character has no bytes of its own here. */
function entry({ text, logProbability }: { readonly text: string; readonly logProbability: number }) {
  const bytes = text.includes(replacement) ? null : [...Buffer.from(text)];
  return { token: text, logprob: logProbability, bytes };
}

export function chatLogProbability(explained: Explained) {
  return { ...entry(explained), top_logprobs: explained.alternatives.map(entry) };
}

/** The older form: a list for each field. */
export interface CompletionLogProbabilities {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  readonly top_logprobs: Record<string, number>[];
  readonly text_offset: number[];
}

export function completionLogProbabilities(): CompletionLogProbabilities {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
}

export function addLogProbability(to: CompletionLogProbabilities, explained: Explained, offset: number): void {
  const { text, logProbability, alternatives } = explained;
  to.tokens.push(text);
  to.token_logprobs.push(logProbability);
  to.top_logprobs.push(Object.fromEntries(alternatives.map((one) => [one.text, one.logProbability])));
  to.text_offset.push(offset);
}
