import { createInterface } from 'node:readline/promises';
import { ShoalError } from '@shoal/core';
import type { Generation } from '../../index.js';
import { parseTemplateVariables, templateVariableOption } from '../answer-rules.js';
import type { Command, CommandInvocation } from '../command.js';
import { generationOptions, loadModel, modelArgument, parseGenerationOptions, systemOption } from '../generation.js';
import { modelOptions, openCluster, sessionOptions } from '../session.js';
import type { Terminal } from '../terminal.js';

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

async function chat({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = ''] = positionals;
  const settings = { ...parseGenerationOptions(options), ...parseTemplateVariables(options) };
  await using cluster = await openCluster(options, terminal, signal);
  const loaded = await loadModel(cluster, model, options, terminal, signal);
  const system = options.text('system');
  const opening: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = [...opening];
  // A person has a prompt, and goes on after what cannot be answered; a program reads answers alone.
  const isConversation = process.stdin.isTTY === true && !terminal.isJson;
  const lines = createInterface({
    input: process.stdin,
    ...(isConversation ? { output: terminal.output, prompt: terminal.bold('> ') } : {}),
  });
  const prompt = () => {
    if (isConversation) lines.prompt();
  };
  let answering: AbortController | undefined;
  lines.on('SIGINT', () => {
    if (answering) answering.abort();
    else lines.close();
  });
  const close = () => lines.close();
  signal.addEventListener('abort', close, { once: true });
  if (isConversation) {
    terminal.note(
      'Type a message, or several lines between """; /new starts over, /exit ends, Ctrl-C stops an answer.',
    );
  }
  const incoming = new MessageReader();
  prompt();
  for await (const line of lines) {
    if (signal.aborted) break;
    const text = incoming.add(line);
    if (text === undefined) continue;
    if (text === '/exit') break;
    if (text === '/new') messages = [...opening];
    else if (text !== '') {
      answering = new AbortController();
      const stop = AbortSignal.any([signal, answering.signal]);
      const question: Message = { role: 'user', content: text };
      const generation = loaded.chat([...messages, question], { ...settings, signal: stop });
      const answer = await printAnswer(text, generation, terminal, isConversation);
      answering = undefined;
      if (answer !== undefined) messages.push(question, { role: 'assistant', content: answer });
    }
    prompt();
  }
  lines.close();
  signal.removeEventListener('abort', close);
}

/** The answer, as far as it came; undefined where the message could not be answered. */
async function printAnswer(
  question: string,
  generation: Generation,
  terminal: Terminal,
  isConversation: boolean,
): Promise<string | undefined> {
  let answer = '';
  try {
    for await (const part of generation) {
      answer += part.text;
      if (!terminal.isJson) terminal.write(part.text);
    }
    if (terminal.isJson) terminal.json({ question, ...(await generation.result) });
  } catch (error) {
    if (!ShoalError.is(error)) throw error;
    if (error.code !== 'ABORTED') {
      if (!isConversation || !error.code.startsWith('REQUEST_')) throw error;
      if (answer !== '') terminal.line();
      const hint = error.code === 'REQUEST_TOO_LONG' ? ' Or type /new to start over.' : '';
      terminal.diagnostics.write(`${error.code}: ${error.message}\n  ${error.remedy}${hint}\n`);
      return undefined;
    }
  }
  if (!terminal.isJson) terminal.line();
  return answer;
}

const fence = '"""';

/** Makes messages of lines: one each, or what stands between two fences. */
export class MessageReader {
  #lines: string[] | undefined;

  /** The message that this line ends; undefined: it goes on. */
  add(line: string): string | undefined {
    if (this.#lines === undefined) {
      const text = line.trim();
      if (!text.startsWith(fence)) return text;
      this.#lines = [];
      return this.#more(text.slice(fence.length));
    }
    return this.#more(line);
  }

  #more(line: string): string | undefined {
    const lines = this.#lines ?? [];
    const end = line.trimEnd().endsWith(fence);
    lines.push(end ? line.trimEnd().slice(0, -fence.length) : line);
    if (!end) return undefined;
    this.#lines = undefined;
    return lines.join('\n').trim();
  }
}

export const chatCommand: Command = {
  name: 'chat',
  group: 'Ask a model',
  arguments: [modelArgument],
  summary: 'Talk with a model, turn by turn.',
  description:
    'Reads messages from standard input, one a line, or several lines between """. /new starts over, /exit or the end of the input ends, Ctrl-C stops ' +
    'an answer. With --json every answer is a line of JSON.',
  options: [systemOption, templateVariableOption, ...generationOptions, ...modelOptions, ...sessionOptions],
  examples: [
    ['shoal chat shoal-tiny-chat', 'the model that ships with Shoal'],
    ['shoal chat shoal-tiny-chat --local-nodes 2', 'over two processes on this machine'],
  ],
  run: chat,
};
