import type { Change } from '@shoal/core/internal/consensus/changes.js';
import type { Decision } from '@shoal/core/internal/consensus/decisions.js';
import type { FactRecord } from '@shoal/core/internal/consensus/facts.js';
import type { Candidacy, ConsensusMessage } from '@shoal/core/internal/consensus/messages.js';

/** One of each kind of change. */
export const changes: readonly Change[] = [
  { kind: 'want-model', wish: 'w1', model: 'shoal-tiny-chat', optionsJson: '{"slotCount":2}' },
  { kind: 'drop-model', wish: 'w1' },
  { kind: 'cordon-node', nodeId: 'n1', reason: 'a new fan' },
  { kind: 'drain-node', nodeId: 'n1', reason: '' },
  { kind: 'uncordon-node', nodeId: 'n1' },
  { kind: 'pause-node', nodeId: 'n1', reason: 'ein Spiel läuft' },
  { kind: 'resume-node', nodeId: 'n1' },
  { kind: 'pause-instance', instance: '0123456789abcdef', reason: 'x' },
  { kind: 'resume-instance', instance: '0123456789abcdef' },
  { kind: 'forget-node', nodeId: 'n9', incarnation: 1.7e12 },
];

const decisions = changes.map(
  (change, index): Decision => ({
    id: `d${index}`,
    session: { term: 3, leader: 'n2', nonce: 'abc' },
    sequence: index + 1,
    order: index + 7,
    change,
  }),
);

const candidacy: Candidacy = { clock: 4, seniority: -1, commandCount: 9, nodeId: 'n1', life: 'feed' };

const record: FactRecord = {
  nodeId: 'n1',
  incarnation: 1.7e12,
  version: 3,
  fact: {
    nodeName: 'one',
    softwareVersion: '0.1.0',
    offersDevices: true,
    departed: false,
    seniority: 2,
    instances: [
      {
        instance: '0123456789abcdef',
        epoch: 1,
        state: 'ready',
        modelName: 'm',
        nodeIds: ['n1', 'n2'],
        wish: 'w1',
        replaces: ['fedcba9876543210'],
        millisecondsPerToken: 12.5,
        stuck: 'no room',
      },
      { instance: 'fedcba9876543210', epoch: 2, state: 'loading', modelName: 'm', nodeIds: [] },
    ],
  },
};

/** One of each kind. */
export const consensusMessages: readonly ConsensusMessage[] = [
  { kind: 'candidacy', candidacy },
  { kind: 'fact', record },
  ...decisions.map((decision) => ({ kind: 'decision' as const, decision })),
  { kind: 'command', command: { id: 'c1', origin: 'n3', change: { kind: 'uncordon-node', nodeId: 'n1' } }, attempt: 2 },
  { kind: 'rejection', command: 'c1', origin: 'n3', attempt: 2, code: 'CLUSTER_STATE_FULL', message: 'full' },
  { kind: 'acknowledgement', decision: 'd1' },
  {
    kind: 'digest',
    digest: {
      entries: [{ nodeId: 'n1', incarnation: 1.7e12, version: 3, beat: 5 }],
      decisions: 'abcd',
      candidacy,
      reply: 'if-different',
    },
  },
  { kind: 'snapshot', snapshot: { facts: [record], decisions: undefined } },
  {
    kind: 'snapshot',
    snapshot: {
      facts: [],
      decisions: {
        registers: Object.fromEntries([
          ['model/w1', decisions.slice(0, 2).reverse()],
          ['shares/n1', decisions.slice(2, 5).reverse()],
        ]),
        seen: { '3.n2.abc': 10 },
        forgottenTerm: -1,
      },
    },
  },
];
