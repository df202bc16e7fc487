/** Options that say what an answer may be: a schema, an expression, a grammar. */
import { readFileSync } from 'node:fs';
import { type Constraint, ShoalError } from '@shoal/core';
import type { OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';

const section = 'Answer';

export const answerRuleOptions: readonly OptionSpecification[] = [
  {
    name: 'json-schema',
    value: 'SCHEMA',
    description: 'The answer is JSON that fits this schema: a file, or the schema itself.',
    completes: 'file',
    section,
  },
  {
    name: 'regex',
    value: 'EXPRESSION',
    description: 'The whole answer fits this regular expression.',
    section,
  },
  {
    name: 'grammar',
    value: 'FILE',
    description: 'The answer fits the grammar in this file, in Lark; see docs/sampling.md.',
    completes: 'file',
    section,
  },
];

const ruleNames = ['json-schema', 'regex', 'grammar', 'allowed-tokens'] as const;

/** The constraint that the options ask for, as the SDK takes it. Throws ARGUMENT_INVALID. */
export function parseAnswerRule(options: ParsedOptions): Constraint | undefined {
  const given = ruleNames.filter((name) => options.text(name) !== undefined);
  const [first, second] = given;
  if (second !== undefined) {
    const message = `--${first} and --${second} cannot both say what the answer may be; leave one out`;
    throw new ShoalError('ARGUMENT_INVALID', message, { details: { options: given.map((name) => `--${name}`) } });
  }
  const value = first === undefined ? undefined : options.text(first);
  if (value === undefined) return undefined;
  switch (first) {
    case 'json-schema':
      return { kind: 'json-schema', specification: schemaOf(value) };
    case 'regex':
      return { kind: 'regex', specification: value };
    case 'grammar':
      return { kind: 'lark', specification: textOf('--grammar', value) };
    default:
      return undefined;
  }
}

/** A schema is an object, or `true`; everything else names a file. */
function schemaOf(value: string): string {
  const isInline = /^\s*(\{|true\s*$)/.test(value);
  const text = isInline ? value : textOf('--json-schema', value);
  try {
    JSON.parse(text);
    return text;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const where = isInline ? '--json-schema' : `--json-schema ${value}`;
    throw new ShoalError('ARGUMENT_INVALID', `${where} is not JSON: ${reason}`, {
      cause: thrown,
      details: { option: '--json-schema' },
    });
  }
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : message;
    throw new ShoalError('ARGUMENT_INVALID', `${option} ${file} cannot be read: ${why}`, {
      cause: thrown,
      details: { option, file },
    });
  }
}

/** `enable_thinking=false`: a variable of the chat template; JSON where it is, else text. Throws ARGUMENT_INVALID. */
export function parseTemplateVariable(text: string): readonly [name: string, value: unknown] {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) {
    try {
      return [name, JSON.parse(value) as unknown];
    } catch {
      return [name, value];
    }
  }
  const message = `--template-variable wants NAME=VALUE as in enable_thinking=false, not "${text}"`;
  throw new ShoalError('ARGUMENT_INVALID', message, { details: { option: '--template-variable', value: text } });
}

export const templateVariableOption: OptionSpecification = {
  name: 'template-variable',
  value: 'NAME=VALUE',
  multiple: true,
  check: parseTemplateVariable,
  description: "Give the model's chat template a variable, such as enable_thinking=false.",
  section,
};

/** What a conversation has beside the options of every answer. */
export function parseTemplateVariables(options: ParsedOptions): { templateVariables?: Record<string, unknown> } {
  const variables = options.list('template-variable').map(parseTemplateVariable);
  return variables.length === 0 ? {} : { templateVariables: Object.fromEntries(variables) };
}
