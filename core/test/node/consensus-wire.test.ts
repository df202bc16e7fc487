import { messages } from '@shoal/core/internal/control/messages.js';
import { changeFromJson, consensusFromMessage, consensusToMessage } from '@shoal/core/internal/node/consensus-wire.js';
import t from 'tap';
import { changes, consensusMessages } from '../consensus/consensus-messages.js';

t.test('what is sent is what arrives', async (t) => {
  for (const message of consensusMessages) {
    const bytes = messages.ConsensusMessage.encode(consensusToMessage(message)).finish();
    t.strictSame(consensusFromMessage(messages.ConsensusMessage.decode(bytes)), message, message.kind);
  }
  for (const change of changes) t.strictSame(changeFromJson(JSON.stringify(change)), change, change.kind);
});

t.test('a kind of a newer version is passed over', async (t) => {
  t.equal(consensusFromMessage({}), undefined);
});

t.test('what is wrong is refused', async (t) => {
  const refused = { code: 'REQUEST_INVALID' };
  const wrong: messages.ConsensusMessage.$Properties[] = [
    { candidacy: { clock: 1 } },
    { fact: { nodeId: 'n', incarnation: 0.5, version: 1, factJson: '{}' } },
    { fact: { nodeId: 'n', incarnation: 1, version: 1, factJson: '{"nodeName":"x"}' } },
    { decision: { id: 'd', session: { term: 1, leader: 'n' }, changeJson: '{"kind":"uncordon-node","nodeId":"n"}' } },
    { snapshot: { decisions: { seen: [{ session: 'termless', sequence: 1 }] } } },
    { command: { id: 'x'.repeat(300), origin: 'n', changeJson: '{}' } },
  ];
  for (const message of wrong) t.throws(() => consensusFromMessage(message), refused, JSON.stringify(message));
  for (const change of ['', 'null', '[]', '{"kind":"explode"}', '{"kind":"cordon-node","nodeId":7}']) {
    t.throws(() => changeFromJson(change), refused, change);
  }
});
