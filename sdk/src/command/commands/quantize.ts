import { formatBytes, type StorageType } from '@shoal/core';
import { quantizeModel } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { modelArgument } from '../generation.js';
import { homeOption, parseHome, pluginsOption } from '../home-options.js';
import { storageTypes } from '../session.js';

async function quantize({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = '', output = ''] = positionals;
  const storage = (options.text('storage') ?? 'q4_0') as StorageType;
  const started = performance.now();
  const { directory, weightBytes } = await quantizeModel(model, output, {
    ...parseHome(options),
    storage: { matrix: storage, embedding: storage },
    threads: options.number('threads'),
    signal,
    onProgress: ({ writtenBytes, totalBytes }) => terminal.progress('writing weights', writtenBytes / totalBytes),
  });
  terminal.clearProgress();
  const seconds = (performance.now() - started) / 1000;
  if (terminal.isJson) terminal.json({ directory, weightBytes, seconds });
  else terminal.line(`${directory}: ${formatBytes(weightBytes)} of weights, in ${seconds.toFixed(1)} s`);
}

export const quantizeCommand: Command = {
  name: 'quantize',
  group: 'Ask a model',
  arguments: [
    modelArgument,
    { name: 'FOLDER', description: 'The folder to write; it must not exist, or be empty.', completes: 'directory' },
  ],
  summary: 'Write a model anew with its matrices quantized, so that it loads fast.',
  description:
    'The new folder is a checkpoint like the old one, and every command takes it. Loading it copies the weights\n' +
    'instead of quantizing them each time. Vectors, such as norms and biases, stay as they are.',
  options: [
    {
      name: 'storage',
      value: 'TYPE',
      description: 'The type of matrices and embeddings; see docs/checkpoints.md.',
      default: 'q4_0',
      choices: storageTypes,
    },
    {
      name: 'threads',
      value: 'N',
      number: { minimum: 1, maximum: 4096, integer: true },
      description: 'Threads to quantize with.',
      default: 'one for each core',
    },
    homeOption,
    pluginsOption,
  ],
  examples: [['shoal quantize ./Llama-3.2-1B ./Llama-3.2-1B-q4_0 --storage q4_0', 'a quarter of the size']],
  run: quantize,
};
