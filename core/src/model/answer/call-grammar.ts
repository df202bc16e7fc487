/**
 * Grammars of calls as a model's format writes them, with names and arguments of the tools that were offered: alone, where
 * a request wants a call, or within a text that may have some, where the model decides.
 */
import type { ToolDefinition } from '../chat-message.js';
import type { ToolCallFormat } from './answer-format.js';
import { pythonTag } from './bare-calls.js';
import { escaped, type GrammarBuilder, quoted } from './grammar-builder.js';
import { PythonCalls } from './python-grammar.js';
import { callClose, callOpen } from './xml-calls.js';
import { xmlFunctions } from './xml-grammar.js';

export interface CallGrammar {
  /** One call or, where the request does not name a function and the format has a way to, several. */
  readonly calls: string;
  /**
   * Text with calls in it. `unless` is an expression: what the text must not begin with, because it means something else.
   */
  text(unless?: string): string;
}

export interface CallOptions {
  readonly tools: readonly ToolDefinition[];
  /** Whether several calls may follow each other. */
  readonly areSeveral: boolean;
  /** Whether a schema that cannot be kept is passed over, instead of refused. */
  readonly isLenient: boolean;
}

/** Undefined for a format that is not known or is none of these (`harmony` is a grammar of whole answers). */
export function callGrammar(
  format: ToolCallFormat | undefined,
  builder: GrammarBuilder,
  options: CallOptions,
): CallGrammar | undefined {
  switch (format) {
    case 'tagged':
      return taggedCalls(builder, options);
    case 'xml':
      return xmlCalls(builder, options);
    case 'json':
      return bareCalls(builder, options);
    case 'mistral':
      return mistralList(builder, options);
    case 'mistral-named':
      return mistralNamed(builder, options);
    case 'pythonic':
      return pythonicCalls(builder, options);
    default:
      return undefined;
  }
}

/** Arguments of each tool; a tool without a schema takes any object. */
export function argumentsOf(builder: GrammarBuilder, { tools, isLenient }: CallOptions): readonly string[] {
  return tools.map(({ parameters }, index) => {
    // A schema without properties would still leave the model any value.
    return builder.json(`arguments_${index}`, { type: 'object', ...parameters }, isLenient);
  });
}

/** One of the tools as an object with its name and its arguments. */
function object(
  builder: GrammarBuilder,
  options: CallOptions,
  field: string,
  written = argumentsOf(builder, options),
): string {
  const head = (name: string) => quoted(`{"name": ${JSON.stringify(name)}, "${field}": `);
  return builder.rule(
    'call',
    options.tools.map(({ name }, index) => `${head(name)} ${written[index] ?? ''} "}"`).join(' | '),
  );
}

/** Line breaks that some models write and others do not. */
const gap = (builder: GrammarBuilder) => builder.terminal('GAP', '/\\n{0,2}/');

/** Text in which calls stand behind a marker; `call` is what follows the marker. */
function markedText(
  builder: GrammarBuilder,
  {
    marker,
    call,
    areSeveral,
    unless,
  }: { marker: string; call: string; areSeveral: boolean; unless?: string | undefined },
): string {
  const text = builder.text();
  const rest = areSeveral ? `(${builder.until(marker)} ${call})* ${text}` : '';
  if (unless === undefined) return areSeveral ? rest : `(${text} | ${builder.until(marker)} ${call})`;
  const first = builder.textUnless('FIRST', unless);
  return `(${first} | ${builder.until(marker, first)} ${call} ${rest})`;
}

function taggedCalls(builder: GrammarBuilder, options: CallOptions): CallGrammar {
  const [open, close] = ['<tool_call>', '</tool_call>'];
  const { areSeveral } = options;
  const tagged = () =>
    builder.rule(
      'tagged',
      `${builder.mark(open)} "\\n" ${object(builder, options, 'arguments')} "\\n" ${builder.mark(close)}`,
    );
  return {
    get calls() {
      return `${tagged()}${areSeveral ? ' ("\\n" tagged)*' : ''}`;
    },
    text(unless) {
      const space = gap(builder);
      const call = `${space} ${object(builder, options, 'arguments')} ${space} ${builder.mark(close)}`;
      return markedText(builder, { marker: open, call, areSeveral, unless });
    },
  };
}

function xmlCalls(builder: GrammarBuilder, options: CallOptions): CallGrammar | undefined {
  const { areSeveral, isLenient, tools } = options;
  const functions = xmlFunctions(builder, tools, isLenient);
  if (!functions) return undefined;
  const call = builder.rule('call', functions.join(' | '));
  const tagged = `${builder.mark(callOpen)} "\\n" ${call} "\\n" ${builder.mark(callClose)}`;
  return {
    get calls() {
      return areSeveral ? `${builder.rule('tagged', tagged)} ("\\n" tagged)*` : tagged;
    },
    text(unless) {
      const space = gap(builder);
      const behind = `${space} ${call} ${space} ${builder.mark(callClose)}`;
      return markedText(builder, { marker: callOpen, call: behind, areSeveral, unless });
    },
  };
}

/**
 * A beginning that no other text has. It is one terminal with the space before it: of two that may go on, the longer one is
 * taken, and that would be the text.
 */
function beginning(builder: GrammarBuilder, name: string, text: string): string {
  return builder.terminal(`BEGINNING_${name}`, `/[ \\n]{0,4}/ ${quoted(text)}`);
}

/** Text that does not begin as a call does, nor as `unless` says. */
function otherText(builder: GrammarBuilder, begins: string, unless: string | undefined): string {
  return builder.textUnless('OTHER', unless === undefined ? begins : `${begins}|${unless}`);
}

const namesOf = ({ tools }: CallOptions) => tools.map(({ name }) => escaped(name)).join('|');

/** Without a marker, what begins like a call is one. */
function bareCalls(builder: GrammarBuilder, options: CallOptions): CallGrammar {
  return {
    // The template asks for one call.
    get calls() {
      return object(builder, options, 'parameters');
    },
    text(unless) {
      const written = argumentsOf(builder, options);
      const call = object(builder, options, 'parameters', written);
      const first = options.tools.flatMap(({ name }, index) => {
        const named = `"name": ${JSON.stringify(name)}, "parameters": `;
        const heads = [`{${named}`, `{"type": "function", ${named}`];
        return heads.map((head, form) => `${beginning(builder, `${index}_${form}`, head)} ${written[index] ?? ''} "}"`);
      });
      const marked = builder.isSpecial(pythonTag) ? [`${builder.mark(pythonTag)} ${call}`] : [];
      const one = builder.rule('first_call', [...first, ...marked].join(' | '));
      const several = options.areSeveral ? ` (/; ?/ ${call})*` : '';
      const begins = `\\s*\\{\\s*("type"\\s*:\\s*"function"\\s*,\\s*)?"name"\\s*:\\s*"(${namesOf(options)})"`;
      return `(${otherText(builder, begins, unless)} | ${one}${several})`;
    },
  };
}

const mistralMarker = '[TOOL_CALLS]';

function mistralList(builder: GrammarBuilder, options: CallOptions): CallGrammar {
  const { areSeveral } = options;
  const list = (call: string) => `"[" ${call}${areSeveral ? ` (", " ${call})*` : ''} "]"`;
  return {
    get calls() {
      return `${builder.mark(mistralMarker)} ${list(object(builder, options, 'arguments'))}`;
    },
    text(unless) {
      const call = `/ ?/ ${list(object(builder, options, 'arguments'))}`;
      return markedText(builder, { marker: mistralMarker, call, areSeveral: false, unless });
    },
  };
}

/** As later models write it: `[TOOL_CALLS]name[ARGS]{…}`. */
function mistralNamed(builder: GrammarBuilder, options: CallOptions): CallGrammar {
  const { areSeveral } = options;
  const named = () => {
    const written = argumentsOf(builder, options);
    const id = builder.isSpecial('[CALL_ID]') ? `(${builder.mark('[CALL_ID]')} /[A-Za-z0-9]{9}/)? ` : '';
    const head = (name: string) => `${quoted(name)} ${id}${builder.mark('[ARGS]')}`;
    return builder.rule(
      'named',
      options.tools.map(({ name }, index) => `${head(name)} ${written[index] ?? ''}`).join(' | '),
    );
  };
  return {
    get calls() {
      const one = `${builder.mark(mistralMarker)} ${named()}`;
      return areSeveral ? `(${one})+` : one;
    },
    text: (unless) => markedText(builder, { marker: mistralMarker, call: named(), areSeveral, unless }),
  };
}

function pythonicCalls(builder: GrammarBuilder, options: CallOptions): CallGrammar | undefined {
  const python = new PythonCalls(builder, options.isLenient);
  const written = options.tools.flatMap((tool, index) => {
    const list = python.arguments(tool, index);
    return list === undefined ? [] : [{ index, head: `${tool.name}(`, list }];
  });
  if (written.length === 0 || (!options.isLenient && written.length < options.tools.length)) return undefined;
  const call = builder.rule('call', written.map(({ head, list }) => `${quoted(head)} ${list} ")"`).join(' | '));
  const more = options.areSeveral ? ` (", " ${call})*` : '';
  return {
    calls: `"[" ${call}${more} "]"`,
    text(unless) {
      const first = written.map(({ index, head, list }) => `${beginning(builder, `${index}`, `[${head}`)} ${list} ")"`);
      const one = builder.rule('first_call', first.join(' | '));
      const other = otherText(builder, `\\s*\\[\\s*(${namesOf(options)})\\s*\\(`, unless);
      return `(${other} | ${one}${more} "]")`;
    },
  };
}
