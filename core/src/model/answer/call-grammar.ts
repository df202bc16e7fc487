/** Grammars that leave a model nothing but calls of tools, written as its format wants them, with arguments that fit. */
import type { ToolChoice, ToolDefinition } from '../chat-message.js';
import type { ToolCallFormat } from './answer-format.js';

/** Where nothing is said of its arguments, any object does. On one line: a model that may choose adds space for ever. */
const anyObject = {
  type: 'object',
  'x-guidance': { whitespace_flexible: false, item_separator: ', ', key_separator: ': ' },
};

/**
 * In the language of the constraint `lark`. `tokenOf` gives the id of a special token: its text alone would not be that
 * token. Undefined for a format whose calls are no such text.
 */
export function callGrammar(
  format: ToolCallFormat | undefined,
  tools: readonly ToolDefinition[],
  choice: Exclude<ToolChoice, 'auto'>,
  tokenOf: (text: string) => number | undefined,
): string | undefined {
  const chosen = choice === 'required' ? tools : tools.filter(({ name }) => name === choice.name);
  const marker = (text: string) => {
    const token = tokenOf(text);
    return token === undefined ? quoted(text) : `<[${token}]>`;
  };
  // Who wants one function called wants it once.
  const several = choice === 'required';
  const calls = chosen.map((_, index) => `call_${index}`).join(' | ');
  const object = (name: string, field: string, index: number) =>
    `call_${index}: ${quoted(`{"name": ${JSON.stringify(name)}, "${field}": `)} arguments_${index} "}"`;
  const rules = (field: string) => chosen.map(({ name }, index) => object(name, field, index));
  const schemas = chosen.map(({ parameters }, index) => {
    // A schema without properties would still leave the model any object.
    return `arguments_${index}: %json ${JSON.stringify({ ...anyObject, ...parameters })}`;
  });
  const lines = (start: readonly string[], field: string) => [...start, ...rules(field), ...schemas].join('\n');
  switch (format) {
    case 'tagged': {
      const tagged = `tagged: ${marker('<tool_call>')} "\\n" call "\\n" ${marker('</tool_call>')}`;
      return lines([`start: tagged${several ? ' ("\\n" tagged)*' : ''}`, tagged, `call: ${calls}`], 'arguments');
    }
    case 'json':
      // The template asks for one call.
      return lines(['start: call', `call: ${calls}`], 'parameters');
    case 'mistral':
      return lines(
        [`start: ${marker('[TOOL_CALLS]')} "[" call${several ? ' (", " call)*' : ''} "]"`, `call: ${calls}`],
        'arguments',
      );
    default:
      return undefined;
  }
}

/** A text in Lark, whose escapes are JSON's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
