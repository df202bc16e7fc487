/** What an answer may be, of everything that a request and a model's format say of it, as one constraint. */
import type { Constraint } from '../../spec/engine.js';
import { ShoalError } from '../../spec/errors.js';
import type { ToolChoice, ToolDefinition } from '../chat-message.js';
import type { AnswerFormat } from './answer-format.js';
import { type CallOptions, callGrammar } from './call-grammar.js';
import { escaped, GrammarBuilder } from './grammar-builder.js';
import { harmonyGrammar } from './harmony-grammar.js';
import { thinkClose, thinkOpen } from './reasoning.js';

/** Where a prompt leaves the thoughts of its answer: within one, behind one, or before them. */
export type Thought = 'open' | 'closed' | 'none';

export interface AnswerWishes {
  readonly format: AnswerFormat;
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice: ToolChoice;
  /** Whether several calls may be made at once. */
  readonly areSeveral: boolean;
  readonly thought: Thought;
  /** Of what is said, as the request gives it. */
  readonly requested: Constraint | undefined;
  /** Whether the answer also ends elsewhere than where a grammar knows of, or not there. */
  readonly hasOwnEnd: boolean;
  /** Id of a special token. */
  readonly tokenOf: (text: string) => number | undefined;
}

/** Kinds that can be a part of a grammar. */
const composable = new Set(['json-schema', 'regex', 'lark']);

/**
 * Undefined where an answer may be any text. Thoughts are free: what is asked of the answer begins behind them. Where the
 * model decides whether it calls, what it calls is bound as soon as it begins a call. Throws REQUEST_INVALID where calls
 * are to be had that cannot be.
 */
export function answerConstraint(wishes: AnswerWishes): Constraint | undefined {
  const { format, tools, toolChoice, requested } = wishes;
  const isForced = toolChoice !== 'auto';
  const chosen = typeof toolChoice === 'string' ? tools : tools.filter(({ name }) => name === toolChoice.name);
  // Other kinds are of whoever has brought them, and know nothing of calls and thoughts.
  if (!isForced && requested && !composable.has(requested.kind)) return requested;
  if (!requested && (chosen.length === 0 || (!isForced && wishes.hasOwnEnd))) return undefined;
  const builder = new GrammarBuilder(wishes.tokenOf);
  const options: CallOptions = {
    tools: chosen,
    areSeveral: wishes.areSeveral && typeof toolChoice === 'string',
    isLenient: !isForced,
  };
  if (format.toolCalls === 'harmony') {
    const said = requested && !isForced ? requestedPart(builder, requested) : undefined;
    const start = harmonyGrammar(builder, { ...options, isForced, said });
    if (start !== undefined) return builder.constraint(start);
  }
  const calls = chosen.length === 0 ? undefined : callGrammar(format.toolCalls, builder, options);
  if (isForced) {
    if (!calls) throw unforceable(format);
    return builder.constraint(`${thoughts(builder, wishes)}${calls.calls}`);
  }
  if (requested) {
    const before = thoughts(builder, wishes);
    if (!calls && before === '') return requested;
    const said = requestedPart(builder, requested);
    return builder.constraint(`${before}${calls ? `(${said} | ${calls.calls})` : said}`);
  }
  if (!calls) return undefined;
  const before = thoughts(builder, wishes);
  // A text that begins with the tag is a thought, in which the marks of calls mean nothing.
  const isAmbiguous = format.thinks && wishes.thought === 'none' && !builder.isSpecial(thinkOpen);
  return builder.constraint(`${before}${calls.text(isAmbiguous ? `\\s*${escaped(thinkOpen)}` : undefined)}`);
}

function requestedPart(builder: GrammarBuilder, { kind, specification }: Constraint): string {
  return builder.part({ name: 'answer', kind, specification });
}

/** The thoughts before an answer, with the empty lines behind them; none for a model that has none. */
function thoughts(builder: GrammarBuilder, { format, thought }: AnswerWishes): string {
  if (thought === 'open') return `${builder.until(thinkClose)} ${space(builder)} `;
  if (!format.thinks || thought === 'closed') return '';
  return `(${space(builder)} ${builder.mark(thinkOpen)} ${builder.until(thinkClose)} ${space(builder)})? `;
}

const space = (builder: GrammarBuilder) => builder.terminal('SPACE', '/[ \\n]{0,4}/');

function unforceable({ toolCalls }: AnswerFormat): ShoalError {
  const reasons: Readonly<Record<string, string>> = {
    pythonic:
      'it writes calls in Python, in which one of these tools cannot be called: a name that is none there, or a schema ' +
      'that says more of the arguments together than which there are',
    xml:
      'it writes arguments between tags, where one of these tools cannot be called: a name or a text with signs of the ' +
      'tags, or a schema that says more of a text than length, choices and a plain pattern, or of the arguments together',
    harmony: 'its tokenizer has not the tokens of its format',
  };
  const why = reasons[toolCalls ?? ''] ?? 'its chat template does not show how it writes them';
  const message = `a request is wrong: toolChoice cannot force calls of this model: ${why}`;
  return new ShoalError('REQUEST_INVALID', message, { details: { parameter: 'tool_choice' } });
}
