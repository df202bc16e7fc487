/** All keys, once: what they do is looked up here, and the help is made of it. */
import { type ScreenName, screenNames } from '../views/twin.js';
import type { KeyPress } from '../widgets/display.js';

export { type ScreenName, screenNames };

export const screenTitles: Readonly<Record<ScreenName, string>> = {
  topology: 'Topology',
  requests: 'Requests',
  node: 'Node',
  chat: 'Chat',
  models: 'Models',
  events: 'Events',
  plan: 'Plan',
};

export type ActionName =
  | 'show-topology'
  | 'show-requests'
  | 'show-node'
  | 'show-chat'
  | 'show-models'
  | 'show-events'
  | 'show-plan'
  | 'next-pane'
  | 'previous-pane'
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'first'
  | 'last'
  | 'open'
  | 'back'
  | 'filter'
  | 'command'
  | 'help'
  | 'cordon'
  | 'drain'
  | 'toggle-pause'
  | 'faster'
  | 'slower'
  | 'type'
  | 'stop-answer'
  | 'next-model'
  | 'new-chat'
  | 'load-model'
  | 'unload-model'
  | 'explain'
  | 'toggle-faults'
  | 'toggle-follow'
  | 'redraw'
  | 'quit';

export interface KeyBinding {
  /** As in `KeyPress`. */
  readonly keys: readonly string[];
  /** As people read it. */
  readonly shown: string;
  readonly action: ActionName;
  /** Absent: on all. */
  readonly screens?: readonly ScreenName[];
  readonly help: string;
  /** A word for the bottom line; absent: it is in the help alone. */
  readonly footer?: string;
}

const nodeScreens = ['topology', 'node'] as const;

/** The first that fits counts: keys of one screen come before those of all. */
export const keyTable: readonly KeyBinding[] = [
  {
    keys: ['enter', 'i'],
    shown: 'Enter i',
    action: 'type',
    screens: ['chat'],
    help: 'Type a message; Esc ends typing',
    footer: 'type',
  },
  { keys: ['s'], shown: 's', action: 'stop-answer', screens: ['chat'], help: 'Stop the answer', footer: 'stop' },
  { keys: ['m'], shown: 'm', action: 'next-model', screens: ['chat'], help: 'Ask the next model', footer: 'model' },
  { keys: ['n'], shown: 'n', action: 'new-chat', screens: ['chat'], help: 'Begin a new conversation', footer: 'new' },
  {
    keys: ['c'],
    shown: 'c',
    action: 'cordon',
    screens: nodeScreens,
    help: 'Cordon the node: it takes no new shares; once more ends it',
    footer: 'cordon',
  },
  {
    keys: ['d'],
    shown: 'd',
    action: 'drain',
    screens: nodeScreens,
    help: 'Drain the node: what it has a part in moves away; asks first',
    footer: 'drain',
  },
  {
    keys: ['L'],
    shown: 'L',
    action: 'load-model',
    screens: ['models'],
    help: 'Have the cluster keep the model loaded',
    footer: 'load',
  },
  {
    keys: ['U'],
    shown: 'U',
    action: 'unload-model',
    screens: ['models'],
    help: 'Unload the model; asks first',
    footer: 'unload',
  },
  {
    keys: ['e'],
    shown: 'e',
    action: 'explain',
    screens: ['models', 'plan'],
    help: 'Explain how the model would be placed',
    footer: 'explain',
  },
  {
    keys: ['f'],
    shown: 'f',
    action: 'toggle-faults',
    screens: ['events'],
    help: 'Show faults only, or everything',
    footer: 'faults',
  },
  {
    keys: ['F'],
    shown: 'F',
    action: 'toggle-follow',
    screens: ['events'],
    help: 'Follow what is new, or stay',
    footer: 'follow',
  },
  { keys: ['1'], shown: '1', action: 'show-topology', help: 'Topology: nodes, links, who is left out and why' },
  { keys: ['2'], shown: '2', action: 'show-requests', help: 'Requests: what runs, and where time goes' },
  { keys: ['3'], shown: '3', action: 'show-node', help: 'Node: load, memory, temperature, devices' },
  { keys: ['4'], shown: '4', action: 'show-chat', help: 'Chat: ask a model that is loaded' },
  { keys: ['5'], shown: '5', action: 'show-models', help: 'Models: what fits where, load and unload' },
  { keys: ['6'], shown: '6', action: 'show-events', help: 'Events: what happens, faults only if wanted' },
  { keys: ['7'], shown: '7', action: 'show-plan', help: 'Plan: who computes what and why, predicted and measured' },
  { keys: ['tab'], shown: 'Tab', action: 'next-pane', help: 'Next pane; Shift-Tab the one before' },
  { keys: ['S-tab'], shown: 'Shift-Tab', action: 'previous-pane', help: 'Previous pane' },
  { keys: ['up', 'k'], shown: 'Up k', action: 'up', help: 'Row above' },
  { keys: ['down', 'j'], shown: 'Down j', action: 'down', help: 'Row below' },
  { keys: ['left', 'h'], shown: 'Left h', action: 'left', help: 'Previous pane; on the map the node before' },
  { keys: ['right', 'l'], shown: 'Right l', action: 'right', help: 'Next pane; on the map the node after' },
  { keys: ['pageup', 'C-b'], shown: 'PgUp', action: 'page-up', help: 'A page up' },
  { keys: ['pagedown', 'C-f', 'space'], shown: 'PgDn', action: 'page-down', help: 'A page down' },
  { keys: ['home', 'g'], shown: 'Home g', action: 'first', help: 'First row' },
  { keys: ['end', 'G'], shown: 'End G', action: 'last', help: 'Last row' },
  { keys: ['enter'], shown: 'Enter', action: 'open', help: 'Details of what is selected', footer: 'details' },
  {
    keys: ['escape'],
    shown: 'Esc',
    action: 'back',
    help: 'Back: closes what is open, ends the filter, then the screen before',
  },
  {
    keys: ['/'],
    shown: '/',
    action: 'filter',
    help: 'Filter rows: words that all must occur; ! before one turns it around',
    footer: 'filter',
  },
  { keys: [':'], shown: ':', action: 'command', help: 'Command line; Tab completes', footer: 'command' },
  { keys: ['?'], shown: '?', action: 'help', help: 'This help', footer: 'help' },
  { keys: ['p'], shown: 'p', action: 'toggle-pause', help: 'Hold the picture still, or go on', footer: 'pause' },
  { keys: ['+', '='], shown: '+', action: 'faster', help: 'Look twice as often' },
  { keys: ['-'], shown: '-', action: 'slower', help: 'Look half as often' },
  { keys: ['C-l'], shown: 'Ctrl-L', action: 'redraw', help: 'Draw everything anew' },
  { keys: ['q', 'C-c'], shown: 'q Ctrl-C', action: 'quit', help: 'Leave; what is served goes on', footer: 'quit' },
];

export function actionOf({ key }: KeyPress, screen: ScreenName): ActionName | undefined {
  return bindingsOf(screen).find(({ keys }) => keys.includes(key))?.action;
}

/** Keys that mean something on a screen. */
export function bindingsOf(screen: ScreenName): readonly KeyBinding[] {
  return keyTable.filter(({ screens }) => screens === undefined || screens.includes(screen));
}

/** Lines of the help: keys of this screen first. */
export function helpOf(
  screen: ScreenName,
): readonly { readonly heading: string; readonly bindings: readonly KeyBinding[] }[] {
  const own = keyTable.filter(({ screens }) => screens?.includes(screen));
  const everywhere = keyTable.filter(({ screens }) => screens === undefined);
  const sections = [
    { heading: screenTitles[screen], bindings: own },
    { heading: 'Everywhere', bindings: everywhere },
  ];
  return sections.filter(({ bindings }) => bindings.length > 0);
}
