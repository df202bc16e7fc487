/**
 * The reducer: a state and what became known make the next state. Pure, and whatever an update says, what comes out is of
 * its type and bounded. Updates of different kinds may come in any order (`cluster`, `machines`, `topology`, `models`, `chat-…`
 * and `explained` change different things); of one kind the later one counts.
 */
import { applyChat } from './apply-chat.js';
import { applyCluster } from './apply-cluster.js';
import { applyEvents, applyLogs } from './apply-events.js';
import { applyMachines, applyTopology } from './apply-machines.js';
import { applyStatistics } from './apply-statistics.js';
import { first, limits } from './limits.js';
import { cleanExplanation, cleanFailure } from './plan-cleaning.js';
import type { ExplanationQuestion, ExplanationState } from './plan-state.js';
import { count, list, moment, oneOf, plainFigure, record, records, text } from './sanitize.js';
import type { ConnectionState, DashboardState, ModelState } from './state.js';
import type { Update } from './update.js';

export function apply(state: DashboardState, update: Update): DashboardState {
  const at = moment(update.at) ?? state.at;
  return { ...changed(state, { ...update, at }), at: Math.max(at, state.at) };
}

export function applyAll(state: DashboardState, updates: Iterable<Update>): DashboardState {
  let next = state;
  for (const update of updates) next = apply(next, update);
  return next;
}

function changed(state: DashboardState, update: Update): DashboardState {
  switch (update.kind) {
    case 'connection': {
      const selfNodeId = text(update.selfNodeId) || state.selfNodeId;
      return { ...state, connection: cleanConnection(update.connection, update.at), selfNodeId };
    }
    case 'cluster':
      return applyCluster(state, update);
    case 'machines':
      return applyMachines(state, update);
    case 'topology':
      return applyTopology(state, update);
    case 'statistics':
      return applyStatistics(state, update);
    case 'models':
      return { ...state, models: cleanModels(update.models) };
    case 'explaining':
      return withExplanation(state, {
        question: cleanQuestion(update.question),
        at: update.at,
        outcome: { phase: 'planning' },
        considered: [],
        needs: [],
      });
    case 'explained':
      return withExplanation(state, {
        question: cleanQuestion(update.question),
        at: update.at,
        ...cleanExplanation(update.explanation),
      });
    case 'events':
      return applyEvents(state, update);
    case 'logs':
      return applyLogs(state, update);
    case 'chat-model-chosen':
    case 'chat-asked':
    case 'chat-delta':
    case 'chat-ended':
    case 'chat-cleared':
      return { ...state, chat: applyChat(state.chat, update) };
    default:
      // Of a newer version.
      return state;
  }
}

function cleanConnection(value: unknown, at: number): ConnectionState {
  const connection = record(value) ?? {};
  const phase = oneOf(connection.phase, ['connecting', 'attached', 'lost'] as const, 'lost');
  const since = moment(connection.since) ?? at;
  if (phase === 'attached') return { phase, since };
  const attempt = count(connection.attempt) ?? 1;
  return phase === 'connecting'
    ? { phase, since, attempt }
    : { phase, since, attempt, reason: text(connection.reason, 600) || 'no reason is given' };
}

function cleanModels(value: unknown): readonly ModelState[] {
  return records(value, limits.models).flatMap((model): readonly ModelState[] => {
    const name = text(model.name);
    if (name === '') return [];
    const problem = record(model.problem);
    return [
      {
        name,
        architecture: text(model.architecture) || 'unnamed',
        weightBytes: plainFigure(model.weightBytes, 'operating-system', 'its checkpoint cannot be read'),
        ...(problem === undefined ? {} : { problem: cleanFailure(problem) }),
      },
    ];
  });
}

function cleanQuestion(value: unknown): ExplanationQuestion {
  const question = record(value) ?? {};
  const names = (of: unknown) => list(of, limits.questionNodes).flatMap((name) => text(name) || []);
  return { model: text(question.model), without: names(question.without), added: names(question.added) };
}

export function questionKey({ model, without, added }: ExplanationQuestion): string {
  return JSON.stringify([model, [...without].sort(), [...added].sort()]);
}

/** One for each question, the newest first. */
function withExplanation(state: DashboardState, explanation: ExplanationState): DashboardState {
  const key = questionKey(explanation.question);
  const others = state.explanations.filter(({ question }) => questionKey(question) !== key);
  return { ...state, explanations: first([explanation, ...others], limits.explanations) };
}
