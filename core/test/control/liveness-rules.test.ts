import { judge, type LivenessFacts, livenessTimes } from '@shoal/core/internal/control/liveness-rules.js';
import t from 'tap';

const { answerWithinMilliseconds: answer, lostAfterMilliseconds: lost } = livenessTimes;
const { stalledAfterMilliseconds, stalledAfterWithPulsesMilliseconds } = livenessTimes;

const healthy: LivenessFacts = {
  pulse: 'heard',
  isLoopStalled: false,
  controlSilenceMilliseconds: 0,
  unansweredMilliseconds: undefined,
};

const cases: [string, Partial<LivenessFacts>, string][] = [
  ['all is well', {}, 'connected'],
  ['pings are rare while pulses come', { controlSilenceMilliseconds: stalledAfterMilliseconds }, 'connected'],
  ['its loop is blocked', { isLoopStalled: true }, 'stalled'],
  ['its loop is blocked for an hour', { isLoopStalled: true, controlSilenceMilliseconds: 3_600_000 }, 'stalled'],
  ['it is busy', { controlSilenceMilliseconds: stalledAfterWithPulsesMilliseconds }, 'stalled'],
  ['it lives, but its connection is dead', { controlSilenceMilliseconds: lost }, 'lost'],
  ['a pulse or two are late', { pulse: 'suspected', unansweredMilliseconds: answer }, 'connected'],
  ['its pulses have just stopped', { pulse: 'silent', unansweredMilliseconds: answer - 1 }, 'connected'],
  ['its pulses have stopped and it does not answer', { pulse: 'silent', unansweredMilliseconds: answer }, 'lost'],
  [
    'its pulses have stopped and its loop was blocked',
    { pulse: 'silent', isLoopStalled: true, unansweredMilliseconds: answer },
    'lost',
  ],
  ['its pulses have stopped but it answers', { pulse: 'silent' }, 'connected'],
  ['the same, busy', { pulse: 'silent', controlSilenceMilliseconds: stalledAfterMilliseconds }, 'stalled'],
  ['the same, for too long', { pulse: 'silent', controlSilenceMilliseconds: lost }, 'lost'],
];
for (const pulse of ['unproven', 'none'] as const) {
  cases.push(
    [`${pulse}: it answers`, { pulse }, 'connected'],
    [`${pulse}: it is busy`, { pulse, controlSilenceMilliseconds: stalledAfterMilliseconds }, 'stalled'],
    [`${pulse}: it is busy for long`, { pulse, controlSilenceMilliseconds: lost - 1 }, 'stalled'],
    [`${pulse}: it is silent for too long`, { pulse, controlSilenceMilliseconds: lost }, 'lost'],
  );
}

for (const [what, facts, state] of cases) {
  t.test(what, async (t) => {
    t.equal(judge({ ...healthy, ...facts }).state, state);
  });
}

t.test('silence is noticed within a second and a half', async (t) => {
  const { pulseTimes } = await import('@shoal/core/internal/control/pulse/pulse-track.js');
  t.ok(pulseTimes.silentAfterMilliseconds <= 1500);
  t.ok(pulseTimes.suspectedAfterMilliseconds + answer <= pulseTimes.silentAfterMilliseconds);
  t.ok(pulseTimes.suspectedAfterMilliseconds > 2 * pulseTimes.intervalMilliseconds, 'one lost pulse is nothing');
});
