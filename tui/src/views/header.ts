/** What stands at the top of every screen. */
import type { DashboardState } from '../state/state.js';
import type { Cell } from './blocks.js';
import { requestTotals } from './requests-figures.js';
import { badgesOf, isThere } from './shares.js';
import type { HeaderView } from './view-models.js';
import { age, cell, counted, dash, fact, figureCell, tokenRate } from './words.js';

export function headerView(state: DashboardState, now: number): HeaderView {
  const there = state.nodes.filter(isThere);
  const self = state.nodes.find(({ nodeId }) => nodeId === state.selfNodeId);
  const leader = state.nodes.find(({ nodeId }) => nodeId === state.leader?.nodeId);
  const ready = state.instances.filter((one) => one.state === 'ready');
  const { running, queued, tokensPerSecond } = requestTotals(state);
  const worst = alert(state, now);
  return {
    facts: [
      fact('at', self?.nodeName ?? dash, 'accent'),
      fact('nodes', String(there.length)),
      fact('leader', leader?.nodeName ?? dash),
      fact(
        'models',
        ready
          .map(({ modelName }) => modelName)
          .slice(0, 3)
          .join(', ') || 'none',
      ),
      fact('requests', queued > 0 ? `${running} and ${queued} queued` : String(running)),
      { label: 'speed', ...figureCell(tokensPerSecond, tokenRate) },
    ],
    ...(worst === undefined ? {} : { alert: worst }),
  };
}

/** The one thing that must be read. */
function alert(state: DashboardState, now: number): Cell | undefined {
  const { connection } = state;
  const ready = state.instances.filter((one) => one.state === 'ready');
  if (connection.phase === 'lost') {
    return cell(
      `the connection is lost since ${age(now - connection.since)} (${connection.reason}); try ${connection.attempt} is under way, and what is shown is old`,
      'bad',
    );
  }
  if (connection.phase === 'connecting') return cell('connecting to the node', 'accent');
  // Once the model is served again, it is history, and stands with the events and the plans.
  const failed = state.instances.find(
    (one) => one.state === 'failed' && !ready.some(({ modelName }) => modelName === one.modelName),
  );
  if (failed !== undefined)
    return cell(`${failed.modelName} failed: ${failed.failure?.message ?? 'no reason is given'}`, 'bad');
  const bad = state.nodes.filter(({ presence }) => presence === 'unreachable' || presence === 'refused');
  const [node] = bad;
  if (node === undefined) return undefined;
  const [badge] = badgesOf(node);
  const more = bad.length > 1 ? ` and ${counted(bad.length - 1, 'other node')}` : '';
  return cell(`${node.nodeName}${more}: ${badge?.text ?? ''}, ${badge?.reason ?? ''}`, 'warning');
}
