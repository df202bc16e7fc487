import { ShoalError } from '@shoal/core';
import type { Command, CommandInvocation } from '../command.js';
import { generationOptions, loadModel, parseGenerationOptions, printGeneration } from '../generation.js';
import { modelOptions, openCluster, sessionOptions } from '../session.js';

async function run({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model, ...words] = positionals;
  if (model === undefined || words.length === 0) {
    throw new ShoalError('ARGUMENT_INVALID', 'shoal run wants a model and a prompt (see `shoal run --help`)');
  }
  const prompt = words.join(' ');
  await using cluster = await openCluster(options, terminal, signal);
  const loaded = await loadModel(cluster, model, options, terminal, signal);
  const generationSettings = { ...parseGenerationOptions(options), signal };
  const system = options.text('system');
  const generation = options.flag('raw')
    ? loaded.generate(prompt, generationSettings)
    : loaded.chat(
        [
          ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
          { role: 'user' as const, content: prompt },
        ],
        generationSettings,
      );
  await printGeneration(generation, loaded, terminal, options.flag('json'));
}

export const runCommand: Command = {
  name: 'run',
  arguments: 'MODEL PROMPT',
  summary: 'Answer one prompt and end.',
  description:
    'MODEL is a folder with a Hugging Face checkpoint (config.json, *.safetensors, tokenizer.json),\n' +
    'or the name of one in SHOAL_HOME/models. With --raw the prompt goes in as it is, without chat template.',
  options: [
    { name: 'raw', description: 'Continue the prompt as plain text, without the chat template.' },
    { name: 'system', value: 'TEXT', description: 'System message.' },
    ...generationOptions,
    ...modelOptions,
    ...sessionOptions,
    { name: 'json', description: 'Print one JSON document: token ids, text, usage, timings, the plan.' },
  ],
  examples: [
    ['shoal run shoal-tiny-chat "What is 12 plus 30?"', 'the model that ships with Shoal'],
    ['shoal run ./Llama-3.2-1B "Hello" --storage q4_0', 'quantize while loading'],
    ['shoal run shoal-tiny-chat "Spell cat." --local-nodes 4 --plan tp=2,pp=2', 'four processes, two by two'],
  ],
  run,
};
