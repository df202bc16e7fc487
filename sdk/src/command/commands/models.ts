import { formatBytes, formatTable } from '@shoal/core/client';
import { listModels } from '../../model-library.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function models({ options, terminal }: CommandInvocation): Promise<void> {
  const found = await listModels(parseHome(options));
  if (terminal.isJson) terminal.json(found);
  else if (options.flag('names')) for (const { name } of found) terminal.line(name);
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
    ['shoal models', 'what is in SHOAL_HOME/models, and what ships with Shoal'],
    ['shoal models --names', 'for scripts'],
  ],
  run: models,
};
