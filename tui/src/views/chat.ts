/** Screen 4: a conversation with a loaded model. */
import type { ChatMessageState, ChatState, DashboardState, InstanceState } from '../state/state.js';
import type { Cell, ViewContext } from './blocks.js';
import { table } from './tables.js';
import type { ChatMessageView, ChatView } from './view-models.js';
import { cell, clock, figureCell, milliseconds, tokenRate, whole } from './words.js';

/** What the screen can be told of in numbers; what was said is nobody's but the asker's. */
export interface ChatFigures {
  /** The instance that answers; absent: none is ready. */
  readonly instance?: string;
  readonly modelName?: string;
  readonly phase: ChatState['phase'];
  readonly choices: readonly { readonly instance: string; readonly modelName: string }[];
  readonly answers: readonly Pick<
    ChatMessageState,
    'at' | 'modelName' | 'ended' | 'generatedTokens' | 'timeToFirstTokenMilliseconds' | 'tokensPerSecond'
  >[];
}

export function chatFigures({ chat, instances }: DashboardState): ChatFigures {
  const ready = answeringInstances(instances);
  const chosen = chosenInstance(chat, ready);
  return {
    ...(chosen === undefined ? {} : { instance: chosen.instance, modelName: chosen.modelName }),
    phase: chat.phase,
    choices: ready.map(({ instance, modelName }) => ({ instance, modelName })),
    answers: chat.messages.flatMap((message) => {
      if (message.role !== 'assistant') return [];
      const { at, modelName, ended, generatedTokens, timeToFirstTokenMilliseconds, tokensPerSecond } = message;
      const end = ended === undefined ? {} : { ended };
      return [{ at, modelName, ...end, generatedTokens, timeToFirstTokenMilliseconds, tokensPerSecond }];
    }),
  };
}

/** Instances that take questions. */
export function answeringInstances(instances: readonly InstanceState[]): readonly InstanceState[] {
  return instances.filter(({ state, paused }) => state === 'ready' && paused === undefined);
}

/** The one that was chosen while it answers, else the first. */
export function chosenInstance({ instance }: ChatState, ready: readonly InstanceState[]): InstanceState | undefined {
  return ready.find((one) => one.instance === instance) ?? ready[0];
}

export function chatView(state: DashboardState, context: ViewContext): ChatView {
  const { chat, connection } = state;
  const ready = answeringInstances(state.instances);
  const chosen = chosenInstance(chat, ready);
  const isBusy = chat.phase !== 'idle';
  return {
    title: chosen === undefined ? cell('no model answers', 'dim') : cell(chosen.modelName, 'accent'),
    models: table({
      title: 'Models',
      columns: [
        { key: 'model', title: 'model', isWide: true },
        { key: 'speed', title: 'speed', align: 'right' },
        { key: 'instance', title: 'instance', from: 'wide' },
      ],
      rows: ready.map(({ instance, modelName, tokensPerSecond }) => ({
        id: instance,
        cells: [cell(modelName), figureCell(tokensPerSecond, tokenRate), cell(instance, 'dim')],
      })),
      empty: 'no model is loaded: load one with :load NAME',
      context: { ...context, selected: chosen?.instance, filter: undefined },
      isMain: true,
    }),
    messages: chat.messages.map(messageView),
    status: status(chat, chosen, connection.phase),
    canStop: isBusy,
    canAsk: !isBusy && chosen !== undefined && connection.phase === 'attached',
  };
}

function status({ phase, messages }: ChatState, chosen: InstanceState | undefined, connection: string): Cell {
  if (connection === 'lost') return cell('the connection is lost; it is being tried again', 'bad');
  if (phase === 'waiting') return cell('waiting for the first token', 'accent');
  if (phase === 'answering') {
    const speed = messages.at(-1)?.tokensPerSecond;
    return cell(speed === undefined || 'unknown' in speed ? 'answering' : `answering at ${tokenRate(speed)}`, 'good');
  }
  return chosen === undefined ? cell('nothing answers yet', 'dim') : cell('type a question', 'dim');
}

const failureTones = { stop: 'dim', length: 'warning', cancelled: 'warning', failed: 'bad' } as const;
const endings = { stop: '', length: 'cut at its longest', cancelled: 'stopped', failed: 'failed' } as const;

function messageView(message: ChatMessageState, index: number): ChatMessageView {
  const { role, at, modelName, text, reasoning, ended, failure } = message;
  const isAnswer = role === 'assistant';
  const who = isAnswer ? modelName || 'assistant' : role === 'user' ? 'you' : 'system';
  return {
    id: `${at} ${index}`,
    role,
    heading: cell(`${who} ${clock(at)}`, isAnswer ? 'accent' : 'plain'),
    reasoning,
    text,
    footer: isAnswer ? footer(message, ended === undefined ? '' : (failure?.message ?? endings[ended])) : cell(''),
  };
}

function footer(message: ChatMessageState, ending: string): Cell {
  const { generatedTokens, timeToFirstTokenMilliseconds, tokensPerSecond, ended, failure } = message;
  const known = [
    'unknown' in generatedTokens ? '' : `${whole(generatedTokens)} tokens`,
    'unknown' in timeToFirstTokenMilliseconds ? '' : `first after ${milliseconds(timeToFirstTokenMilliseconds)}`,
    'unknown' in tokensPerSecond ? '' : tokenRate(tokensPerSecond),
    failure === undefined ? '' : failure.code,
    ending,
  ];
  return cell(known.filter((part) => part !== '').join(', '), ended === undefined ? 'dim' : failureTones[ended]);
}
