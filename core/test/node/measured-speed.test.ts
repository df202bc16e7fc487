import type { Plan } from '@shoal/core';
import { measuredSpeed, noteSpeed } from '@shoal/core/internal/node/local-member.js';
import { hasDrifted } from '@shoal/core/internal/placement/reconsider.js';
import t from 'tap';

type Prediction = NonNullable<Plan['predicted']>;

/** 20 ms with 500 positions, 40 ms with 8,500. */
const predicted: Prediction = {
  millisecondsPerToken: 20,
  tokensPerSecond: 50,
  prefillTokensPerSecond: 100,
  timeToFirstTokenMilliseconds: 5000,
  promptTokens: 500,
  fullContext: { positions: 8500, millisecondsPerToken: 40, timeToFirstTokenMilliseconds: 120_000 },
  source: 'measured',
};

/** What is made of four such answers. */
function speedOf(promptTokens: number, milliseconds: number, prediction?: Prediction, requests = 1, tokens = 101) {
  const { fullContext: _unknown, ...middle } = predicted;
  const member = {
    requests: new Map(Array.from({ length: requests }, (_, index) => [index, {}])),
    speeds: [],
    plan: { predicted: prediction ?? middle },
  } as unknown as Parameters<typeof noteSpeed>[0];
  for (let count = 0; count < 4; count += 1) {
    noteSpeed(member, {
      promptTokens,
      generatedTokens: tokens,
      decodeMicroseconds: milliseconds * 1000 * (tokens - 1),
    });
  }
  return measuredSpeed(member);
}

t.test('a long conversation that is as slow as its length makes it has not drifted', async (t) => {
  for (const [promptTokens, milliseconds] of [
    [449.5, 20],
    [4449.5, 30],
    [8399.5, 39.875],
  ] as const) {
    t.match(
      speedOf(promptTokens, milliseconds, predicted)?.toFixed(6),
      '20.000000',
      `${promptTokens} tokens before it`,
    );
  }
  t.ok(hasDrifted(20, speedOf(8400, 60, predicted)), 'half as slow again is a drift there, too');
  t.notOk(hasDrifted(20, speedOf(8400, 45, predicted)));
});

t.test('a short one is not taken for quicker than it is', async (t) => {
  t.ok((speedOf(1, 20, predicted) ?? 0) > 20);
  t.ok((speedOf(1, 20, predicted) ?? 0) < 22);
});

t.test('where nothing was predicted for the full context, answers count as they are', async (t) => {
  t.equal(speedOf(8400, 40), 40);
});

t.test('answers beside others, and those that hardly began, say nothing', async (t) => {
  t.equal(speedOf(500, 20, predicted, 2), undefined);
  t.equal(speedOf(500, 20, predicted, 1, 7), undefined);
});
