/** Answers of gpt-oss as a grammar: thoughts and asides, then what is said, or a call. */
import { argumentsOf, type CallOptions } from './call-grammar.js';
import { type GrammarBuilder, quoted } from './grammar-builder.js';
import { harmonyMarkers } from './harmony.js';

export interface HarmonyOptions extends CallOptions {
  /** Whether the answer has to be a call. */
  readonly isForced: boolean;
  /** Of what is said; any text without. */
  readonly said?: string | undefined;
}

/** What an answer begins with; undefined where the tokenizer has not the tokens of this format. */
export function harmonyGrammar(builder: GrammarBuilder, options: HarmonyOptions): string | undefined {
  if (!harmonyMarkers.slice(0, 5).every((marker) => builder.isSpecial(marker))) return undefined;
  const [start, channel, message, constrain, end] = harmonyMarkers.map((marker) => builder.mark(marker));
  const text = builder.text();
  const aside = (name: string) =>
    `${channel ?? ''} ${quoted(name)} ${message ?? ''} ${text} ${end ?? ''} ${start ?? ''} "assistant"`;
  const before = builder.rule('aside', `${aside('analysis')} | ${aside('commentary')}`);
  const json = builder.rule('form', `(/ ?/ ${constrain ?? ''} "json" | " json")?`);
  const written = argumentsOf(builder, options);
  const calls = options.tools.flatMap(({ name }, index) => {
    const to = ` to=functions.${name}`;
    const body = `${json} ${message ?? ''} ${written[index] ?? ''}`;
    return [
      `${channel ?? ''} ${quoted(`commentary${to}`)} ${body}`,
      `${quoted(to)} ${channel ?? ''} "commentary" ${body}`,
    ];
  });
  const form = options.said === undefined ? '' : `${json} `;
  const final = `${channel ?? ''} "final" ${form}${message ?? ''} ${options.said ?? text}`;
  const last = builder.rule('last', [...calls, ...(options.isForced ? [] : [final])].join(' | '));
  return `${before}* ${last}`;
}
