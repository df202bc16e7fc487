import type { Command, CommandInvocation } from '../command.js';
import { completionScript, type Shell, shells } from '../completion.js';
import { loadCommands } from '../registry.js';

async function completion({ positionals, terminal }: CommandInvocation): Promise<void> {
  const shell = positionals[0] as Shell;
  const script = completionScript(shell, await loadCommands());
  if (terminal.isJson) terminal.json({ shell, script });
  else terminal.write(script);
}

export const completionCommand: Command = {
  name: 'completion',
  group: 'This command',
  arguments: [{ name: 'SHELL', description: 'Shell that the script is for.', choices: shells }],
  summary: 'Print a script that completes commands, options, values, models and files.',
  options: [],
  examples: [
    ['source <(shoal completion bash)', 'for this bash, or in ~/.bashrc for all'],
    ['source <(shoal completion zsh)', 'in ~/.zshrc, after compinit'],
    ['shoal completion fish > ~/.config/fish/completions/shoal.fish', 'for fish'],
  ],
  run: completion,
};
