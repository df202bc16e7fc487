/** What must hold among simulated nodes that reach each other, once everything has healed. */
import { cordonOf, decisionsDigest, pauseReason } from '../consensus/state.js';
import type { SimulatedNode } from './simulated-node.js';
import { InvariantError } from './witness.js';

/** `conclusions`: whom each node followed, election by election; absent where lost messages may make them any number. */
export function checkLeader(
  part: readonly SimulatedNode[],
  conclusions: ReadonlyMap<SimulatedNode, readonly string[]> | undefined,
): void {
  const leaders = new Set(part.map(({ consensus }) => consensus.leader.nodeId));
  const inOffice = part.filter(({ consensus }) => consensus.isLeader);
  const [leader] = leaders;
  if (leaders.size !== 1 || inOffice.length !== 1 || inOffice[0]?.nodeId !== leader) {
    const views = part.map(({ nodeId, consensus }) => `${nodeId}→${consensus.leader.nodeId}`).join(', ');
    throw new InvariantError('one leader per connected part', views);
  }
  if (!inOffice[0]?.stands && part.some(({ stands }) => stands)) {
    throw new InvariantError('who does not stand does not lead', `${leader} leads, though others stand`);
  }
  if (!conclusions) return;
  for (const node of part) {
    const late = (conclusions.get(node) ?? []).slice(1).find((nodeId) => nodeId !== leader);
    if (late === undefined) continue;
    const outcomes = conclusions.get(node)?.join(', ');
    throw new InvariantError('one leader after two campaigns', `${node.nodeId} followed ${outcomes}`);
  }
}

export function checkAgreement(part: readonly SimulatedNode[]): void {
  const [first] = part;
  if (!first) return;
  const expected = describeState(first);
  for (const node of part) {
    const actual = describeState(node);
    if (actual !== expected) {
      throw new InvariantError('one state after healing', `${first.nodeId}: ${expected}\n${node.nodeId}: ${actual}`);
    }
    for (const other of part) {
      const word = other.consensus.ownFact;
      const heard = node.consensus.state.facts[other.nodeId];
      if (heard?.incarnation === word.incarnation && heard.version === word.version) continue;
      const said = `${other.nodeId} said ${word.incarnation}.${word.version}`;
      const what = `${node.nodeId} heard ${heard?.incarnation}.${heard?.version}`;
      throw new InvariantError('facts are their writer’s last word', `${said}, ${what}`);
    }
  }
}

/** What the cluster is to keep loaded serves once, where any node may take it. */
export function checkWishes(part: readonly SimulatedNode[]): void {
  const state = part[0]?.consensus.state;
  if (!state) return;
  const serving = part.flatMap((node) => node.serving);
  const isUsable = part.some(({ nodeId }) => !cordonOf(state, nodeId));
  for (const [write] of Object.values(state.decisions.registers)) {
    if (write?.change.kind !== 'want-model') continue;
    const { wish } = write.change;
    const all = serving.filter((one) => one.wish === wish);
    const running = all.filter((one) => pauseReason(state, one) === undefined);
    if (running.length > 1 || (all.length === 0 && isUsable)) {
      const what = `${wish} is served by ${all.map(({ instance }) => instance).join(', ') || 'nobody'}`;
      throw new InvariantError('what is to be kept serves once', what);
    }
  }
}

function describeState({ consensus }: SimulatedNode): string {
  const { facts, decisions } = consensus.state;
  const sorted = Object.keys(facts)
    .sort()
    .map((nodeId) => facts[nodeId]);
  return JSON.stringify([sorted, decisionsDigest(decisions)]);
}
