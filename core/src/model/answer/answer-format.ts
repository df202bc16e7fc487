/** How a model writes calls and thoughts, as its chat template shows. */
import type { ToolDefinition } from '../chat-message.js';
import { BareCalls, pythonTag } from './bare-calls.js';
import { Harmony, harmonyMarkers } from './harmony.js';
import { MistralCalls, mistralMarkers } from './mistral-calls.js';
import { type AnswerParser, type AnswerPieces } from './parts.js';
import { PythonicCalls } from './pythonic-calls.js';
import { Reasoning, thinkClose, thinkOpen } from './reasoning.js';
import { TaggedCalls } from './tagged-calls.js';
import { callClose, callOpen, functionOpen, parameterOpen, XmlCalls } from './xml-calls.js';

/**
 * `json`: `{"name": …, "parameters": …}` without tags, as of Llama 3. `mistral-named`: `name[ARGS]{…}` behind the marker,
 * as of later Mistral models, which `mistral` reads, too. `xml`: tags in tags, as of Qwen3-Coder.
 */
export type ToolCallFormat = 'tagged' | 'xml' | 'json' | 'pythonic' | 'mistral' | 'mistral-named' | 'harmony';

export interface AnswerFormat {
  /** Undefined where the template has no place for tools, or writes calls in a way that is not known. */
  readonly toolCalls: ToolCallFormat | undefined;
  /** Whether the template can take tools at all. */
  readonly takesTools: boolean;
  /** Whether answers may begin with thoughts between tags. */
  readonly thinks: boolean;
}

/** Says it of the template's source. */
export function answerFormatOf(template: string): AnswerFormat {
  return {
    toolCalls: toolCallFormatOf(template),
    takesTools: /\btools\b/.test(template),
    thinks: template.includes(thinkClose) || template.includes(thinkOpen),
  };
}

function toolCallFormatOf(template: string): ToolCallFormat | undefined {
  if (template.includes('<|channel|>')) return 'harmony';
  if (!/\btools\b/.test(template)) return undefined;
  if (template.includes('[TOOL_CALLS]')) return template.includes('[ARGS]') ? 'mistral-named' : 'mistral';
  if (template.includes(functionOpen) && template.includes(parameterOpen)) return 'xml';
  // Within these tags some write otherwise than is known here: that is passed on as text.
  if (template.includes(callOpen) && !template.includes(functionOpen)) return 'tagged';
  if (/\[func_name1\(|\[func1\(|params_name1=/.test(template)) return 'pythonic';
  if (template.includes(pythonTag) || (template.includes('ipython') && template.includes('"parameters"')))
    return 'json';
  return undefined;
}

/** Special tokens whose text a parser of the format needs to see. */
export function markersOf({ toolCalls, thinks }: AnswerFormat): readonly string[] {
  const thoughts = thinks ? [thinkOpen, thinkClose] : [];
  switch (toolCalls) {
    case 'harmony':
      return [...harmonyMarkers, ...thoughts];
    case 'mistral':
    case 'mistral-named':
      return [...mistralMarkers, ...thoughts];
    case 'tagged':
    case 'xml':
      return [callOpen, callClose, ...thoughts];
    case 'json':
      return [pythonTag, ...thoughts];
    default:
      return thoughts;
  }
}

export interface AnswerParserOptions {
  /** The tools that were offered; without any, what looks like a call is text. */
  readonly tools: readonly ToolDefinition[];
  /** Whether the prompt ends within a thought. */
  readonly isThinking: boolean;
}

/** Undefined where an answer is nothing but text. */
export function answerParser(format: AnswerFormat, options: AnswerParserOptions): AnswerParser | undefined {
  if (format.toolCalls === 'harmony') return new Harmony();
  const calls = options.tools.length === 0 ? undefined : callParser(format.toolCalls, options.tools);
  if (!format.thinks && !options.isThinking) return calls;
  return new Reasoning(calls ?? new PlainText(), options.isThinking);
}

function callParser(format: ToolCallFormat | undefined, tools: readonly ToolDefinition[]): AnswerParser | undefined {
  const names = new Set(tools.map(({ name }) => name));
  switch (format) {
    case 'tagged':
      return new TaggedCalls();
    case 'xml':
      return new XmlCalls(tools);
    case 'json':
      return new BareCalls(names);
    case 'pythonic':
      return new PythonicCalls(names);
    case 'mistral':
    case 'mistral-named':
      return new MistralCalls();
    default:
      return undefined;
  }
}

class PlainText implements AnswerParser {
  push(text: string): AnswerPieces {
    return { text, reasoning: '', toolCalls: [] };
  }

  flush(): AnswerPieces {
    return this.push('');
  }
}
