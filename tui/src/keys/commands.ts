/** The command line: what can be typed after `:`, how it is completed, and what it means. Pure. */
import type { DashboardState } from '../state/state.js';
import { type ScreenName, screenNames } from './key-table.js';

export type Order =
  | { readonly kind: 'load'; readonly model: string }
  | { readonly kind: 'unload'; readonly model: string }
  | { readonly kind: 'cordon' | 'uncordon' | 'drain' | 'pause' | 'resume' | 'leave'; readonly node: string }
  | {
      readonly kind: 'plan';
      readonly model: string;
      readonly without: readonly string[];
      readonly added: readonly string[];
    }
  | { readonly kind: 'profile' }
  | { readonly kind: 'show'; readonly screen: ScreenName }
  | { readonly kind: 'help' }
  | { readonly kind: 'quit' };

type Completion = 'model' | 'loaded' | 'node' | 'none';

interface CommandEntry {
  readonly name: string;
  readonly usage: string;
  readonly help: string;
  readonly completes: Completion;
  /** Undefined: it is not complete. */
  readonly parse: (words: readonly string[]) => Order | undefined;
}

const one = <Kind extends Order>(words: readonly string[], make: (word: string) => Kind) => {
  const [word] = words;
  return words.length === 1 && word !== undefined ? make(word) : undefined;
};
const none = (words: readonly string[], order: Order) => (words.length === 0 ? order : undefined);

function nodeCommand(kind: 'cordon' | 'uncordon' | 'drain' | 'pause' | 'resume' | 'leave', help: string): CommandEntry {
  return {
    name: kind,
    usage: `${kind} NODE`,
    help,
    completes: 'node',
    parse: (words) => one(words, (node) => ({ kind, node })),
  };
}

export const commandTable: readonly CommandEntry[] = [
  {
    name: 'load',
    usage: 'load MODEL',
    help: 'The cluster keeps the model loaded, wherever there is room',
    completes: 'model',
    parse: (words) => one(words, (model) => ({ kind: 'load', model })),
  },
  {
    name: 'unload',
    usage: 'unload MODEL',
    help: 'Unload a model, by name or instance',
    completes: 'loaded',
    parse: (words) => one(words, (model) => ({ kind: 'unload', model })),
  },
  nodeCommand('cordon', 'The node takes no new shares'),
  nodeCommand('uncordon', 'Ends cordon and drain'),
  nodeCommand('drain', 'What the node has a part in moves away; asks first'),
  nodeCommand('pause', 'Its instances take no new requests'),
  nodeCommand('resume', 'Ends pause'),
  nodeCommand('leave', 'The node is drained and leaves; asks first'),
  {
    name: 'plan',
    usage: 'plan [MODEL [without NODE…] [with NODE…]]',
    help: 'Who would compute what; pretend nodes are gone, or there twice',
    completes: 'model',
    parse: parsePlan,
  },
  {
    name: 'profile',
    usage: 'profile',
    help: 'Measure all links and look at all machines anew',
    completes: 'none',
    parse: (words) => none(words, { kind: 'profile' }),
  },
  // `plan` alone shows its screen.
  ...screenNames
    .filter((name) => name !== 'plan')
    .map(
      (screen): CommandEntry => ({
        name: screen,
        usage: screen,
        help: `Show the screen ${screen}`,
        completes: 'none',
        parse: (words) => none(words, { kind: 'show', screen }),
      }),
    ),
  {
    name: 'help',
    usage: 'help',
    help: 'Keys and commands',
    completes: 'none',
    parse: (words) => none(words, { kind: 'help' }),
  },
  {
    name: 'quit',
    usage: 'quit',
    help: 'Leave; what is served goes on',
    completes: 'none',
    parse: (words) => none(words, { kind: 'quit' }),
  },
];

function parsePlan([model, ...rest]: readonly string[]): Order | undefined {
  if (model === undefined) return { kind: 'show', screen: 'plan' };
  if (model === 'without' || model === 'with') return undefined;
  const without: string[] = [];
  const added: string[] = [];
  let list: string[] | undefined;
  for (const word of rest) {
    if (word === 'without') list = without;
    else if (word === 'with') list = added;
    else if (list === undefined) return undefined;
    else list.push(word);
  }
  if (list?.length === 0) return undefined;
  return { kind: 'plan', model, without, added };
}

/** What a line means, or why it means nothing. */
export function parseOrder(line: string): Order | { readonly problem: string } {
  const [name = '', ...words] = wordsOf(line);
  // `q` as people are used to.
  const known = commandTable.filter((entry) => entry.name.startsWith(name));
  const entry =
    commandTable.find((candidate) => candidate.name === name) ?? (known.length === 1 ? known[0] : undefined);
  if (name === '') return { problem: 'nothing was typed' };
  if (entry === undefined) {
    const hint =
      known.length > 1 ? `did you mean ${known.map((one) => one.name).join(', ')}?` : 'Tab shows what there is';
    return { problem: `there is no command "${name}"; ${hint}` };
  }
  return entry.parse(words) ?? { problem: `usage: ${entry.usage}` };
}

/** Names may have spaces: they are quoted then. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"?|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** What the last word of a line may become. */
export function completionsOf(line: string, state: DashboardState): readonly string[] {
  const words = wordsOf(line);
  const isNew = line === '' || /\s$/.test(line);
  const last = isNew ? '' : (words.at(-1) ?? '');
  const before = isNew ? words : words.slice(0, -1);
  const candidates = before.length === 0 ? commandTable.map(({ name }) => name) : argumentsOf(before, state);
  return candidates.filter((candidate) => candidate.toLowerCase().startsWith(last.toLowerCase()));
}

function argumentsOf(before: readonly string[], state: DashboardState): readonly string[] {
  const entry = commandTable.find(({ name }) => name === before[0]);
  if (entry === undefined) return [];
  const nodes = state.nodes.map(({ nodeName }) => nodeName);
  if (entry.name === 'plan' && before.length > 1)
    return ['without', 'with', ...nodes].filter((word) => !before.includes(word));
  if (before.length > 1) return [];
  switch (entry.completes) {
    case 'model':
      return state.models.map(({ name }) => name);
    case 'loaded':
      return [...new Set(state.instances.map(({ modelName }) => modelName))];
    case 'node':
      return nodes;
    default:
      return [];
  }
}

/** The line with its last word completed as far as all candidates agree. */
export function completed(line: string, candidates: readonly string[]): string {
  const [first] = candidates;
  if (first === undefined) return line;
  let common = first;
  for (const candidate of candidates) while (!candidate.startsWith(common)) common = common.slice(0, -1);
  const start = /\s$/.test(line) || line === '' ? line : line.replace(/("[^"]*|\S+)$/, '');
  if (common === '') return line;
  const word = /\s/.test(common) ? `"${common}${candidates.length === 1 ? '"' : ''}` : common;
  return `${start}${word}${candidates.length === 1 ? ' ' : ''}`;
}
