import { parseTemplateVariables, templateVariableOption } from '../answer-rules.js';
import type { Command, CommandInvocation } from '../command.js';
import {
  choicesOption,
  generationOptions,
  loadModel,
  modelArgument,
  parseGenerationOptions,
  printGeneration,
  systemOption,
} from '../generation.js';
import { readPrompt } from '../prompt.js';
import { modelOptions, openCluster, sessionOptions } from '../session.js';

async function run({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = '', ...words] = positionals;
  // Before anything is loaded: what is wrong with a command line is said at once.
  const generationSettings = { ...parseGenerationOptions(options), signal };
  const prompt = await readPrompt(words, terminal, signal);
  await using cluster = await openCluster(options, terminal, signal);
  const loaded = await loadModel(cluster, model, options, terminal, signal);
  const system = options.text('system');
  const generation = options.flag('raw')
    ? loaded.generate(prompt, generationSettings)
    : loaded.chat(
        [
          ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
          { role: 'user' as const, content: prompt },
        ],
        { ...generationSettings, ...parseTemplateVariables(options) },
      );
  await printGeneration(generation, loaded, generationSettings.choices ?? 1, terminal);
}

export const runCommand: Command = {
  name: 'run',
  group: 'Ask a model',
  arguments: [
    modelArgument,
    {
      name: 'PROMPT',
      description:
        'What to ask; several words are joined by spaces. The word - stands for standard input, which is also read where ' +
        'there is no prompt.',
      optional: true,
      repeated: true,
    },
  ],
  summary: 'Answer one prompt and end.',
  description: 'The prompt is one message of a conversation; with --raw it goes in as it is, without chat template.',
  options: [
    { name: 'raw', description: 'Continue the prompt as plain text, without the chat template.', section: 'Answer' },
    systemOption,
    templateVariableOption,
    ...generationOptions,
    choicesOption,
    ...modelOptions,
    ...sessionOptions,
  ],
  examples: [
    ['shoal run shoal-tiny-chat "What is 12 plus 30?"', 'the model that ships with Shoal'],
    ['shoal run ./Llama-3.2-1B "Hello" --storage q4_0', 'quantize while loading'],
    ['shoal run ./Llama-3.2-1B "Sum up this letter:" - < letter.txt', 'with a file'],
    ['shoal run shoal-tiny-chat "What is 2 plus 2?" --regex "[0-9]+"', 'a number and nothing else'],
    ['shoal run shoal-tiny-chat "Tell me a joke." --choices 3 --temperature 1', 'three answers to one question'],
    ['shoal run shoal-tiny-chat "Spell cat." --local-nodes 4 --plan tp=2,pp=2', 'four processes, two by two'],
  ],
  run,
};
