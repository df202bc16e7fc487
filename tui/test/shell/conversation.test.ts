import { setTimeout as sleep } from 'node:timers/promises';
import { Conversation } from '@shoal/tui/internal/shell/conversation.js';
import type { ClusterSource } from '@shoal/tui/internal/source/source.js';
import { apply } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import type { DashboardState, InstanceState } from '@shoal/tui/internal/state/state.js';
import type { Update } from '@shoal/tui/internal/state/update.js';
import t from 'tap';

t.test('an answer that comes in several pieces is counted as a whole', async (t) => {
  const serving = { instance: '0123456789abcdef', modelName: 'tiny', state: 'ready' } as InstanceState;
  let state: DashboardState = { ...initialState(Date.now()), instances: [serving] };
  const told: string[] = [];
  const generation = {
    result: Promise.resolve({ finishReason: 'stop' }),
    async *[Symbol.asyncIterator]() {
      for (let token = 0; token < 6; token += 1) {
        yield { text: 'a', token };
        // Longer than pieces are gathered for.
        if (token % 2 === 1) await sleep(120);
      }
    },
  };
  const source = {
    cluster: { model: async () => ({ chat: () => generation }) },
    tell(news: object) {
      const update = { at: Date.now(), ...news } as Update;
      told.push(update.kind);
      state = apply(state, update);
    },
  } as unknown as ClusterSource;
  await new Conversation(source, () => state).ask('How many?');
  t.ok(told.filter((kind) => kind === 'chat-delta').length > 1, 'it came in pieces');
  t.match(state.chat.messages.at(-1), { text: 'aaaaaa', generatedTokens: { value: 6 }, ended: 'stop' });
});
