/** Most prompt tokens of one step: longer prompts are run in pieces, between which others get their tokens. */
const maximumStepTokens = 512;

/** Rows of the largest step: what a member runs at once, and what plans keep memory for. */
export function stepTokens({ contextLength }: { readonly contextLength: number }): number {
  return Math.min(maximumStepTokens, contextLength);
}
