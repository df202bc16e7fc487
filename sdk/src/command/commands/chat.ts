import { createInterface } from 'node:readline/promises';
import { ShoalError } from '@shoal/core';
import type { Command, CommandInvocation } from '../command.js';
import { generationOptions, loadModel, modelArgument, parseGenerationOptions, systemOption } from '../generation.js';
import { modelOptions, openCluster, sessionOptions } from '../session.js';

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

async function chat({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = ''] = positionals;
  await using cluster = await openCluster(options, terminal, signal);
  const loaded = await loadModel(cluster, model, options, terminal, signal);
  const settings = parseGenerationOptions(options);
  const system = options.text('system');
  const opening: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let messages = [...opening];
  terminal.note('Type a message; /new starts over, /exit ends, Ctrl-C stops an answer.');
  const lines = createInterface({
    input: process.stdin,
    ...(terminal.isJson ? {} : { output: terminal.output, prompt: terminal.bold('> ') }),
  });
  const prompt = () => {
    if (!terminal.isJson) lines.prompt();
  };
  let answering: AbortController | undefined;
  lines.on('SIGINT', () => {
    if (answering) answering.abort();
    else lines.close();
  });
  const close = () => lines.close();
  signal.addEventListener('abort', close, { once: true });
  prompt();
  for await (const line of lines) {
    const text = line.trim();
    if (text === '/exit') break;
    if (text === '/new') messages = [...opening];
    else if (text !== '') {
      messages.push({ role: 'user', content: text });
      answering = new AbortController();
      let answer = '';
      const generation = loaded.chat(messages, { ...settings, signal: answering.signal });
      try {
        for await (const part of generation) {
          answer += part.text;
          if (!terminal.isJson) terminal.write(part.text);
        }
        if (terminal.isJson) terminal.json({ question: text, ...(await generation.result) });
      } catch (error) {
        if (!(ShoalError.is(error) && error.code === 'ABORTED')) throw error;
      } finally {
        answering = undefined;
      }
      if (!terminal.isJson) terminal.line();
      messages.push({ role: 'assistant', content: answer });
    }
    prompt();
  }
  lines.close();
  signal.removeEventListener('abort', close);
}

export const chatCommand: Command = {
  name: 'chat',
  group: 'Ask a model',
  arguments: [modelArgument],
  summary: 'Talk with a model, turn by turn.',
  description:
    'Reads messages from standard input, one a line. /new starts over, /exit or the end of the input ends, Ctrl-C stops ' +
    'an answer. With --json every answer is a line of JSON.',
  options: [systemOption, ...generationOptions, ...modelOptions, ...sessionOptions],
  examples: [
    ['shoal chat shoal-tiny-chat', 'the model that ships with Shoal'],
    ['shoal chat shoal-tiny-chat --local-nodes 2', 'over two processes on this machine'],
  ],
  run: chat,
};
