import type { AnswerEvent } from '../requests.js';

/** Counts the tokens of all choices. */
export class Usage {
  private generated = 0;
  private reasoning = 0;

  constructor(private promptTokens: number) {}

  addPrompt(tokens: number): void {
    this.promptTokens += tokens;
  }

  add(event: AnswerEvent): void {
    if (event.kind !== 'token') return;
    this.generated += 1;
    if (event.reasoning !== undefined) this.reasoning += 1;
  }

  json() {
    return {
      prompt_tokens: this.promptTokens,
      completion_tokens: this.generated,
      total_tokens: this.promptTokens + this.generated,
      completion_tokens_details: { reasoning_tokens: this.reasoning },
    };
  }
}
