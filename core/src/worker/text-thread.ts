/**
 * Entry of the thread that makes tokens of prompts. The model's files are not trusted: its template and its expressions
 * may run for ever. Here they keep nobody waiting, and the thread can be ended from outside.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { Thought } from '../model/answer/answer-grammar.js';
import { thinkClose, thinkOpen } from '../model/answer/reasoning.js';
import { mapTexts, textsIn } from '../model/chat-message.js';
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

  /** How the model writes calls and thoughts; undefined without a template. */
  get format() {
    return ShoalError.is(this.template) ? undefined : this.template?.format;
  }

  encode({ input, parseSpecialTokens }: PromptJob, rendered: () => void): Encoded {
    if (input.kind === 'prompt') {
      return { tokens: this.tokenizer.encode(input.prompt, { parseSpecialTokens }), thought: 'none' };
    }
    if (this.template === undefined) {
      const message = 'the model has no chat template; give a prompt instead of messages';
      throw new ShoalError('MODEL_TEMPLATE_INVALID', message);
    }
    if (ShoalError.is(this.template)) throw this.template;
    const { messages, tools, templateVariables: variables } = input;
    if (tools !== undefined && !this.template.format.takesTools) {
      const message = "a request is wrong: it has tools, and the model's chat template has no place for them";
      throw new ShoalError('REQUEST_INVALID', message, { details: { parameter: 'tools' } });
    }
    const given = { messages, tools, variables };
    const marks = parseSpecialTokens ? undefined : this.tokenizer.marks([...textsIn(given)]);
    const marked = marks ? mapTexts(given, (text) => marks.apply(text)) : given;
    const text = this.template.render(marked.messages, {
      ...(marked.tools === undefined ? {} : { tools: marked.tools }),
      ...(marked.variables === undefined ? {} : { variables: marked.variables }),
    });
    rendered();
    const tokens = this.tokenizer.encode(text, { addSpecialTokens: false, marks });
    return { tokens, thought: thoughtAt(text) };
  }
}

interface Encoded {
  readonly tokens: Uint32Array;
  readonly thought: Thought;
}

/** Nothing has been thought yet: what a user wrote about the tag does not count. */
function thoughtAt(text: string): Thought {
  const prompt = text.trimEnd();
  if (prompt.endsWith(thinkOpen)) return 'open';
  return prompt.endsWith(thinkClose) ? 'closed' : 'none';
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
      const encoded = encoder.encode(job, () => send({ kind: 'rendered', job: job.job }));
      send({ kind: 'encoded', job: job.job, ...encoded }, [encoded.tokens.buffer as ArrayBuffer]);
    } catch (thrown) {
      fail(job.job, thrown, 'INTERNAL');
    }
  });
  const { pieces, endToken } = encoder.tokenizer;
  send({ kind: 'loaded', pieces, endToken, format: encoder.format });
}

void main();
