/**
 * Completion scripts, made from the table of commands. They hold everything but the names of models, for which they ask
 * `shoal models --names`: that a key is answered at once counts for more than that the scripts are short.
 */
import { errorTable } from '@shoal/core';
import {
  type ArgumentSpecification,
  type Command,
  type Completion,
  type OptionSpecification,
  optionsOf,
} from './command.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

/** Where the words after a command or an option come from. */
type Source =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'models' | 'files' | 'directories' | 'nothing' };

function sourceOf(
  specification: Pick<OptionSpecification, 'choices' | 'suggestions' | 'completes'>,
  commands: readonly Command[],
): Source {
  const words = specification.choices ?? specification.suggestions;
  if (words !== undefined) return { kind: 'words', words };
  return completionSource(specification.completes, commands);
}

function completionSource(completes: Completion | undefined, commands: readonly Command[]): Source {
  switch (completes) {
    case 'model':
      return { kind: 'models' };
    case 'file':
      return { kind: 'files' };
    case 'directory':
      return { kind: 'directories' };
    case 'command':
      return { kind: 'words', words: commands.map(({ name }) => name) };
    case 'error-code':
      return { kind: 'words', words: Object.keys(errorTable) };
    case undefined:
      return { kind: 'nothing' };
  }
}

/** In single quotes, for any of the shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const spellings = ({ name, short }: OptionSpecification) => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
];

const header = (shell: Shell) => `# Completion of shoal for ${shell}; made by \`shoal completion ${shell}\`.`;

function bashScript(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    optionsOf(command)
      .filter(({ value }) => value !== undefined)
      .map((option) => {
        const patterns = spellings(option).map((spelling) => `${command.name}:${spelling}`);
        return `    ${patterns.join('|')}) ${bashAction(sourceOf(option, commands))} ;;`;
      }),
  );
  const options = commands.map(
    (command) => `    ${command.name}) options=${quote(optionsOf(command).flatMap(spellings).join(' '))} ;;`,
  );
  const words = commands.flatMap((command) =>
    command.arguments.map((argument, index) => {
      const last = index === command.arguments.length - 1 && argument.repeated;
      const pattern = last ? `${command.name}:*` : `${command.name}:${index}`;
      return `    ${pattern}) ${bashAction(sourceOf(argument, commands))} ;;`;
    }),
  );
  const takingValue = new Set(
    commands.flatMap((command) => optionsOf(command).filter(({ value }) => value !== undefined)).flatMap(spellings),
  );
  return `${header('bash')}
# In ~/.bashrc:  source <(shoal completion bash)

_shoal_words() {
  local word
  while IFS= read -r word; do
    [[ $word == "$current"* ]] && COMPREPLY+=("$word")
  done < <(printf '%s\\n' "$@")
}
_shoal_models() {
  local names=()
  mapfile -t names < <(shoal models --names 2>/dev/null)
  _shoal_words "\${names[@]}"
  _shoal_files -d
}
_shoal_files() {
  local path
  compopt -o filenames 2>/dev/null
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$current")
}

_shoal() {
  # "=" and ":" break words in bash; here they belong to them.
  local current previous words cword index command='' position=0 options='' prefix
  COMPREPLY=()
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n =: cur prev words cword
    current=$cur previous=$prev
  else
    _shoal_join_words
    current=\${words[cword]} previous=\${words[cword-1]}
  fi
  for ((index = 1; index < cword; index++)); do
    case \${words[index]} in
      ${[...takingValue].join('|')}) ((index++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${words[index]}; else ((position++)); fi ;;
    esac
  done
  if [[ -z $command ]]; then
    if [[ $current == -* ]]; then _shoal_words --help --version --json --quiet --no-color
    else _shoal_words ${commands.map(({ name }) => name).join(' ')}; fi
    return
  fi
  # --option=value is --option value.
  if [[ $current == --*=* ]]; then
    previous=\${current%%=*} prefix="\${current%%=*}=" current=\${current#*=}
  fi
  case $command:$previous in
${values.join('\n')}
    *) previous='' ;;
  esac
  if [[ -n $previous ]]; then
    if [[ -n $prefix ]]; then COMPREPLY=("\${COMPREPLY[@]/#/$prefix}"); fi
    _shoal_trim "$prefix$current"
    return
  fi
  if [[ $current == -* ]]; then
    case $command in
${options.join('\n')}
    esac
    # shellcheck disable=SC2086
    _shoal_words $options
    return
  fi
  case $command:$position in
${words.join('\n')}
  esac
}

# Words as the user sees them, where bash-completion is not loaded.
_shoal_join_words() {
  local line=\${COMP_LINE:0:COMP_POINT} word
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  cword=$((\${#words[@]} - 1))
}

# Bash replaces only what stands after the last "=" or ":".
_shoal_trim() {
  local typed=$1 index
  [[ $COMP_WORDBREAKS == *=* && $typed == *=* ]] || return 0
  for index in "\${!COMPREPLY[@]}"; do
    COMPREPLY[index]=\${COMPREPLY[index]#"\${typed%"\${typed##*=}"}"}
  done
}

complete -F _shoal shoal
`;
}

function bashAction(source: Source): string {
  switch (source.kind) {
    case 'words':
      return `_shoal_words ${source.words.map(quote).join(' ')}`;
    case 'models':
      return '_shoal_models';
    case 'files':
      return '_shoal_files -f';
    case 'directories':
      return '_shoal_files -d';
    case 'nothing':
      return ':';
  }
}

function zshScript(commands: readonly Command[]): string {
  const describe = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const specifications = [
      ...optionsOf(command).flatMap((option) => zshOption(option, commands)),
      ...command.arguments.map((argument, index) => zshArgument(argument, index + 1, commands)),
    ];
    return `    ${command.name})\n      _arguments -s -S \\\n        ${specifications.map(quote).join(' \\\n        ')} ;;`;
  });
  return `#compdef shoal
${header('zsh')}
# In ~/.zshrc, after compinit:  source <(shoal completion zsh)

_shoal_models() {
  local -a names
  names=(\${(f)"$(shoal models --names 2>/dev/null)"})
  _alternative 'models:model:compadd -a names' 'folders:folder:_files -/'
}

_shoal() {
  local -a commands
  commands=(
${describe.join('\n')}
  )
  if ((CURRENT == 2)); then
    if [[ $words[2] == -* ]]; then
      _arguments '--help[Show how it is used.]' '--version[Show the version.]' '--json[Print JSON.]'
    else
      _describe -t commands command commands
    fi
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}

if [[ $funcstack[1] == _shoal ]]; then _shoal "$@"; else compdef _shoal shoal; fi
`;
}

const zshText = (text: string) => text.replaceAll(/[[\]:\\]/g, (character) => `\\${character}`);

function zshOption(option: OptionSpecification, commands: readonly Command[]): string[] {
  const repeat = option.multiple ? '*' : '';
  const action = option.value === undefined ? '' : `:${option.value}:${zshAction(sourceOf(option, commands))}`;
  return spellings(option).map((spelling) => {
    // A long option takes its value after "=", too.
    const equals = option.value !== undefined && spelling.startsWith('--') ? '=' : '';
    return `${repeat}${spelling}${equals}[${zshText(option.description)}]${action}`;
  });
}

function zshArgument(argument: ArgumentSpecification, position: number, commands: readonly Command[]): string {
  const where = argument.repeated ? '*' : String(position);
  return `${where}:${argument.name}:${zshAction(sourceOf(argument, commands))}`;
}

function zshAction(source: Source): string {
  switch (source.kind) {
    case 'words':
      return `(${source.words.map((word) => word.replaceAll(/[\s()\\:]/g, (character) => `\\${character}`)).join(' ')})`;
    case 'models':
      return '_shoal_models';
    case 'files':
      return '_files';
    case 'directories':
      return '_files -/';
    case 'nothing':
      return ' ';
  }
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const inCommand = `-n ${quote(`__shoal_command ${command.name}`)}`;
    return [
      `complete -c shoal -n __shoal_no_command -a ${command.name} -d ${quote(command.summary)}`,
      ...optionsOf(command).map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short}`;
        const value = option.value === undefined ? '' : ` ${fishAction(sourceOf(option, commands), true)}`;
        return `complete -c shoal ${inCommand} -l ${option.name}${short}${value} -d ${quote(option.description)}`;
      }),
      ...command.arguments.flatMap((argument, index) => {
        const where = argument.repeated ? '' : ` ${index}`;
        const source = sourceOf(argument, commands);
        if (source.kind === 'nothing') return [];
        return [
          `complete -c shoal -n ${quote(`__shoal_command ${command.name}${where}`)} ${fishAction(source, false)}`,
        ];
      }),
    ];
  });
  const takingValue = new Set(
    commands.flatMap((command) => optionsOf(command).filter(({ value }) => value !== undefined)).flatMap(spellings),
  );
  return `${header('fish')}
# In ~/.config/fish/completions/shoal.fish:  shoal completion fish | source

# The words that are neither options nor their values.
function __shoal_arguments
    set -l words (commandline -opc)
    set -l skip no
    for word in $words[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${[...takingValue].join(' ')}
                set skip yes
            case '-*'
            case '*'
                echo -- $word
        end
    end
end

function __shoal_no_command
    test (count (__shoal_arguments)) -eq 0
end

# Whether this is the command, and, with a number, whether so many arguments stand before the cursor.
function __shoal_command
    set -l words (__shoal_arguments)
    test (count $words) -gt 0; or return 1
    test $words[1] = $argv[1]; or return 1
    test (count $argv) -eq 1; or test (count $words) -eq (math $argv[2] + 1)
end

complete -c shoal -f
complete -c shoal -n __shoal_no_command -l help -s h -d 'Show how it is used.'
complete -c shoal -n __shoal_no_command -l version -s V -d 'Show the version.'
${lines.join('\n')}
`;
}

function fishAction(source: Source, isOption: boolean): string {
  const required = isOption ? '-x ' : '';
  switch (source.kind) {
    case 'words':
      return `${required}-a ${quote(source.words.join(' '))}`;
    case 'models':
      return `${required}-a '(shoal models --names 2>/dev/null; __fish_complete_directories)'`;
    case 'files':
      return isOption ? '-r -F' : '-F';
    case 'directories':
      return `${required}-a '(__fish_complete_directories)'`;
    case 'nothing':
      return isOption ? '-x' : '';
  }
}
