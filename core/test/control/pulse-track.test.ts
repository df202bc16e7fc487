import { PulseTrack, pulseTimes } from '@shoal/core/internal/control/pulse/pulse-track.js';
import t from 'tap';

const { suspectedAfterMilliseconds: suspected, silentAfterMilliseconds: silent } = pulseTimes;

const pulse = (sequence: number, loopSilenceMilliseconds = 0) => ({
  sequence,
  loopSilenceMilliseconds,
  wantsAnswer: false,
});

t.test('a peer that was never heard stays unproven, however long', async (t) => {
  const track = new PulseTrack();
  track.look(1e9);
  t.equal(track.state, 'unproven');
  t.equal(track.nextLookAt(0), undefined);
});

t.test('silence is suspected first, then believed', async (t) => {
  const track = new PulseTrack();
  track.heard(pulse(1), 1000);
  const states: [number, string][] = [
    [1000, 'heard'],
    [1000 + suspected - 1, 'heard'],
    [1000 + suspected, 'suspected'],
    [1000 + silent - 1, 'suspected'],
    [1000 + silent, 'silent'],
    [1e9, 'silent'],
  ];
  for (const [now, state] of states) {
    track.look(now);
    t.equal(track.state, state, `at ${now}`);
  }
  track.heard(pulse(2), 5000);
  t.equal(track.state, 'heard');
});

t.test('it is looked at when something may have changed, and more often while it is suspected', async (t) => {
  const track = new PulseTrack();
  track.heard(pulse(1), 0);
  t.equal(track.nextLookAt(100), suspected);
  track.look(suspected);
  t.equal(track.nextLookAt(suspected), suspected + pulseTimes.burstIntervalMilliseconds);
  t.equal(track.nextLookAt(silent - 10), silent, 'and not later than it is decided');
  track.look(silent);
  t.equal(track.nextLookAt(silent), undefined);
});

t.test('what comes late or again counts for nothing', async (t) => {
  const track = new PulseTrack();
  t.ok(track.heard(pulse(7), 0));
  t.notOk(track.heard(pulse(7), 500));
  t.notOk(track.heard(pulse(6), 500));
  t.equal(track.silenceMilliseconds(500), 500);
});

t.test("the observer's own stall is not the peer's", async (t) => {
  const track = new PulseTrack();
  track.heard(pulse(1), 0);
  track.forgive(10_000);
  track.look(10_300);
  t.equal(track.state, 'heard');
});

t.test('a blocked event loop is told from a dead one', async (t) => {
  const track = new PulseTrack();
  track.heard(pulse(1, pulseTimes.loopStalledAfterMilliseconds), 0);
  t.ok(track.isLoopStalled);
  t.equal(track.state, 'heard');
  track.heard(pulse(2, 0), 300);
  t.notOk(track.isLoopStalled);
});
