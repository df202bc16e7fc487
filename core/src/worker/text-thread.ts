/**
 * Entry of the thread that makes tokens of prompts. The model's files are not trusted: its template and its expressions
 * may run for ever. Here they keep nobody waiting, and the thread can be ended from outside.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ChatTemplate } from '../model/chat-template.js';
import { TextTokenizer } from '../model/tokenizer.js';
import { ShoalError } from '../spec/errors.js';
import { type PromptJob, type TextThreadMessage, type TextThreadOptions } from './text-thread-protocol.js';

class PromptEncoder {
  private constructor(
    readonly tokenizer: TextTokenizer,
    private readonly template: ChatTemplate | ShoalError | undefined,
  ) {}

  static async load(directory: string): Promise<PromptEncoder> {
    const tokenizer = await TextTokenizer.load(directory);
    // A broken template does not keep those away who bring prompts of their own.
    const template = await ChatTemplate.load(directory, tokenizer.specialTokens).catch((thrown: unknown) =>
      ShoalError.from(thrown, 'MODEL_TEMPLATE_INVALID'),
    );
    return new PromptEncoder(tokenizer, template);
  }

  encode({ input, parseSpecialTokens }: PromptJob, rendered: () => void): Uint32Array {
    if (input.kind === 'prompt') return this.tokenizer.encode(input.prompt, { parseSpecialTokens });
    if (this.template === undefined) {
      const message = 'the model has no chat template; give a prompt instead of messages';
      throw new ShoalError('MODEL_TEMPLATE_INVALID', message);
    }
    if (ShoalError.is(this.template)) throw this.template;
    const { messages } = input;
    const marks = parseSpecialTokens
      ? undefined
      : this.tokenizer.marks(messages.flatMap(({ role, content }) => [role, content]));
    const marked = marks
      ? messages.map(({ role, content }) => ({ role: marks.apply(role), content: marks.apply(content) }))
      : messages;
    const text = this.template.render(marked);
    rendered();
    return this.tokenizer.encode(text, { addSpecialTokens: false, marks });
  }
}

function send(message: TextThreadMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function fail(job: number | undefined, thrown: unknown, code: 'INTERNAL' | 'MODEL_TOKENIZER_INVALID'): void {
  const { code: known, message, details } = ShoalError.from(thrown, code);
  // Details may hold what cannot be sent.
  send({ kind: 'failed', job, error: { code: known, message, details: JSON.parse(JSON.stringify(details)) } });
}

async function main(): Promise<void> {
  const { directory } = workerData as TextThreadOptions;
  let encoder: PromptEncoder;
  try {
    encoder = await PromptEncoder.load(directory);
  } catch (thrown) {
    fail(undefined, thrown, 'MODEL_TOKENIZER_INVALID');
    return;
  }
  parentPort?.on('message', (job: PromptJob) => {
    try {
      const tokens = encoder.encode(job, () => send({ kind: 'rendered', job: job.job }));
      send({ kind: 'encoded', job: job.job, tokens }, [tokens.buffer as ArrayBuffer]);
    } catch (thrown) {
      fail(job.job, thrown, 'INTERNAL');
    }
  });
  const { pieces, endToken } = encoder.tokenizer;
  send({ kind: 'loaded', pieces, endToken });
}

void main();
