/** A request for a response as the node takes it. */
import type { Constraint, GenerationInput, GenerationOrder, ToolChoice, ToolDefinition } from '@shoal/core';
import { FieldError } from '../../problems.js';
import { given, jsonConstraint, samplingOf, templateVariables, toolOf } from '../fields.js';
import { type KeptItem, messagesOf } from './items.js';
import type { PromptBody, ResponseBody } from './schema.js';

export interface ResponseOrder {
  readonly order: GenerationOrder;
  /** What of the request has no effect. */
  readonly warnings: readonly string[];
  /** Only the first call of an answer counts; where a grammar could not say so (an answer with ends of its own), too. */
  readonly isSingleCall: boolean;
}

/** What the interface knows of functions; what has no effect here is said. */
const idleFunctionFields = ['allowed_callers', 'async', 'defer_loading', 'output_schema'];
const functionFields = new Set(['type', 'name', 'description', 'parameters', 'strict', ...idleFunctionFields]);
const toolName = /^[A-Za-z0-9_.-]{1,128}$/;
const explainedText = 'message.output_text.logprobs';

/** `conversation`: everything that was said before and with this request. Throws FieldError for what cannot be done. */
export function responseOrder(body: ResponseBody, conversation: readonly KeptItem[]): ResponseOrder {
  refuseUnsupported(body);
  const explains = (body.include ?? []).includes(explainedText);
  const base = samplingOf(body, body.max_output_tokens ?? undefined);
  return {
    order: {
      ...base,
      sampling: {
        ...base.sampling,
        ...(explains ? { logProbabilities: body.top_logprobs ?? 0 } : {}),
        ...constraintOf(body),
      },
      input: promptOf(body, conversation),
    },
    warnings: warningsOf(body, explains),
    isSingleCall: body.parallel_tool_calls === false,
  };
}

/** The prompt alone, for an answer or to be counted. */
export function promptOf(body: PromptBody, conversation: readonly KeptItem[]): GenerationInput {
  const messages = messagesOf(conversation, body.instructions);
  if (messages.length === 0) throw new FieldError('input', "Missing required parameter: 'input'.");
  const { tools, toolChoice } = toolsOf(body);
  const variables = templateVariables(body.chat_template_kwargs, body.reasoning?.effort);
  const single = body.parallel_tool_calls === false ? { parallelToolCalls: false } : {};
  return {
    kind: 'messages',
    messages,
    ...(tools.length === 0 ? {} : { tools, ...(toolChoice === undefined ? {} : { toolChoice }), ...single }),
    ...(Object.keys(variables).length === 0 ? {} : { templateVariables: variables }),
  };
}

function refuseUnsupported(body: ResponseBody): void {
  const refuse = (field: string, why: string) => {
    throw new FieldError(field, `Unsupported parameter: '${field}' ${why}`, { code: 'unsupported_parameter' });
  };
  if (body.conversation != null) refuse('conversation', "is not supported here; use 'previous_response_id' instead.");
  if (body.prompt != null) refuse('prompt', 'is not supported: nothing here keeps prompts.');
  if (body.context_management != null)
    refuse('context_management', 'is not supported: nothing here shortens contexts.');
  if (body.moderation != null) refuse('moderation', 'is not supported: nothing here moderates.');
  if (body.background_options != null) refuse('background_options', 'is not supported.');
  if (body.background && body.store === false) {
    throw new FieldError('background', "'background' needs 'store': a response that is not kept cannot be asked for.");
  }
}

const withoutEffect = [
  'max_tool_calls',
  'image',
  'access_programs',
  'prompt_cache_options',
  'prompt_cache_retention',
] as const;

function warningsOf(body: ResponseBody, explains: boolean): string[] {
  const without: string[] = given(body, withoutEffect);
  if (body.service_tier != null && !['auto', 'default'].includes(body.service_tier)) without.push('service_tier');
  if (body.text?.verbosity != null && body.text.verbosity !== 'medium') without.push('text.verbosity');
  if (body.stream_options?.include_obfuscation) without.push('stream_options.include_obfuscation');
  if (body.top_logprobs && !explains) without.push(`top_logprobs (without '${explainedText}' in 'include')`);
  if (body.truncation === 'auto') without.push('truncation (a conversation that is too long is refused)');
  const { summary, generate_summary: older, context, mode } = body.reasoning ?? {};
  if (summary != null || older != null) without.push('reasoning.summary (thoughts are given as they are)');
  if (context != null && context !== 'auto') without.push('reasoning.context');
  if (mode != null && mode !== 'standard') without.push('reasoning.mode');
  for (const name of body.include ?? []) if (name !== explainedText) without.push(`include: ${name}`);
  for (const tool of body.tools ?? []) {
    without.push(...given(tool, idleFunctionFields).map((field) => `tools: ${field} of ${tool.name ?? ''}`));
  }
  return [...new Set(without)].map((name) => `'${name}' has no effect here`);
}

function constraintOf({ text }: ResponseBody): { readonly constraint?: Constraint } {
  const { format } = text ?? {};
  if (format == null || format.type === 'text') return {};
  const schema = format.type === 'json_schema' ? format.schema : { type: 'object' };
  return jsonConstraint(schema);
}

interface Tools {
  readonly tools: readonly ToolDefinition[];
  readonly toolChoice?: ToolChoice;
}

function toolsOf({ tools: given, tool_choice: choice }: PromptBody): Tools {
  const tools = (given ?? []).map(toolDefinition);
  const isAsked = choice != null && choice !== 'none' && choice !== 'auto';
  if (isAsked && tools.length === 0) {
    throw new FieldError('tool_choice', "'tool_choice' is only allowed when 'tools' are specified.");
  }
  if (choice === 'none') return { tools: [] };
  if (choice == null || choice === 'auto') return { tools };
  if (choice === 'required') return { tools, toolChoice: choice };
  const named = (name: string | null | undefined, path: string) => {
    if (tools.some((tool) => tool.name === name)) return name as string;
    throw new FieldError(path, `Tool choice '${name ?? ''}' not found in 'tools' parameter.`);
  };
  if (choice.type === 'function') return { tools, toolChoice: { name: named(choice.name, 'tool_choice') } };
  if (choice.type === 'allowed_tools') {
    const names = new Set((choice.tools ?? []).map(({ name }, index) => named(name, `tool_choice.tools[${index}]`)));
    const allowed = tools.filter(({ name }) => names.has(name));
    return { tools: allowed, ...(choice.mode === 'required' ? { toolChoice: 'required' } : {}) };
  }
  throw new FieldError('tool_choice.type', `Tools of type '${choice.type}' are not supported here, only functions.`);
}

function toolDefinition(tool: NonNullable<PromptBody['tools']>[number], index: number): ToolDefinition {
  const path = `tools[${index}]`;
  if (tool.type !== 'function') {
    const message = `Tools of type '${tool.type}' are not supported here, only functions.`;
    throw new FieldError(`${path}.type`, message);
  }
  const unknown = Object.keys(tool).find((field) => !functionFields.has(field));
  if (unknown !== undefined) {
    throw new FieldError(`${path}.${unknown}`, `Unknown parameter: '${path}.${unknown}'.`, {
      code: 'unknown_parameter',
    });
  }
  if (tool.name == null) throw new FieldError(`${path}.name`, `Missing required parameter: '${path}.name'.`);
  if (!toolName.test(tool.name)) {
    const message = `Invalid '${path}.name': 1 to 128 letters, digits, dots, dashes and underscores are expected.`;
    throw new FieldError(`${path}.name`, message);
  }
  return toolOf(tool.name, tool.description, tool.parameters);
}
