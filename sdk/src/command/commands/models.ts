import { formatBytes, formatTable } from '@shoal/core/client';
import { listModels, modelFolders } from '../../model-library.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function models({ options, terminal }: CommandInvocation): Promise<void> {
  const home = parseHome(options);
  if (options.flag('names') && !terminal.isJson) {
    for (const name of (await modelFolders(home)).keys()) terminal.line(name);
    return;
  }
  const found = await listModels(home);
  if (terminal.isJson) terminal.json(found);
  else {
    const rows = found.map(({ name, architecture, weightBytes, problem, directory }) => [
      name,
      problem === undefined ? architecture : terminal.red('broken'),
      weightBytes === undefined ? '' : formatBytes(weightBytes),
      directory,
    ]);
    for (const line of formatTable([['name', 'architecture', 'weights', 'folder'], ...rows])) terminal.line(line);
    for (const { name, problem } of found) {
      if (problem !== undefined) terminal.note(`${name}: ${problem.code}: ${problem.message}`);
    }
  }
}

export const modelsCommand: Command = {
  name: 'models',
  group: 'Look',
  arguments: [],
  summary: 'List the models that can be asked for by name.',
  options: [{ name: 'names', description: 'Print names alone, one a line.' }, homeOption],
  examples: [
    ['shoal models', "what is in SHOAL_HOME/models, what ships with Shoal, and Hugging Face's cache"],
    ['shoal models --names', 'for scripts'],
  ],
  run: models,
};
