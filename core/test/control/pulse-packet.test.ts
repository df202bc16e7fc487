import { randomBytes } from 'node:crypto';
import {
  channelNameOf,
  encodePulse,
  openPulse,
  type PulseEnd,
  pulseBytes,
  pulseChannel,
} from '@shoal/core/internal/control/pulse/pulse-packet.js';
import t from 'tap';

const key = randomBytes(32);
const anna: PulseEnd = { nodeId: 'anna', incarnation: '0123456789abcdef' };
const bert: PulseEnd = { nodeId: 'bert', incarnation: 'fedcba9876543210' };
const pulse = { sequence: 2 ** 47 + 5, loopSilenceMilliseconds: 1234, wantsAnswer: true };

t.test('a pulse arrives as it was sent', async (t) => {
  const channel = pulseChannel(key, anna, bert);
  const bytes = encodePulse(channel, pulse);
  t.equal(bytes.length, pulseBytes);
  t.equal(channelNameOf(bytes), channel.name);
  t.same(openPulse(channel, bytes), pulse);
});

t.test('no byte of it can be changed', async (t) => {
  const channel = pulseChannel(key, anna, bert);
  const bytes = encodePulse(channel, pulse);
  for (let at = 0; at < bytes.length; at++) {
    const forged = Buffer.from(bytes);
    forged[at] = (forged[at] ?? 0) ^ (1 << (at % 8));
    t.equal(openPulse(channel, forged), undefined, `byte ${at}`);
  }
});

t.test('it is worth nothing to anybody else, in the other direction, or in another run', async (t) => {
  const channel = pulseChannel(key, anna, bert);
  const bytes = encodePulse(channel, pulse);
  const others = {
    'another cluster': pulseChannel(randomBytes(32), anna, bert),
    'the other direction': pulseChannel(key, bert, anna),
    'a later run of the sender': pulseChannel(key, { ...anna, incarnation: '1'.repeat(16) }, bert),
    'a later run of the receiver': pulseChannel(key, anna, { ...bert, incarnation: '1'.repeat(16) }),
    'ends that read the same together': pulseChannel(key, { nodeId: 'annab', incarnation: anna.incarnation }, bert),
  };
  for (const [what, other] of Object.entries(others)) {
    t.equal(openPulse(other, bytes), undefined, what);
    t.not(other.name, channel.name, what);
  }
});

t.test('what is no pulse is not read', async (t) => {
  const bytes = encodePulse(pulseChannel(key, anna, bert), pulse);
  for (const other of [Buffer.alloc(0), bytes.subarray(1), Buffer.concat([bytes, bytes]), Buffer.alloc(pulseBytes)]) {
    t.equal(channelNameOf(other), undefined);
  }
  t.equal(openPulse(pulseChannel(key, anna, bert), bytes.subarray(0, 10)), undefined);
});
