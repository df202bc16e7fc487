//! One stretch of a path, such as a host's own cable or what lies between two hosts: a rule at work. Pure: time comes in.

use crate::random::Draws;
use crate::rule::{Bandwidth, Delay, Jitter, Loss, Nanoseconds, Rule};
use serde::Serialize;

/// What a stage needs to know of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Link header included.
    pub bytes: u32,
    /// To a group address other than the one of all.
    pub multicast: bool,
}

/// What has befallen the frames of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Frames that came in, and their bytes.
    pub frames: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// Frames that arrive at the other end, second copies included.
    pub passed: u64,
    /// Bytes that arrive at the other end.
    pub bytes_passed: u64,
    /// Vanished by the rule's loss.
    pub lost: u64,
    /// Vanished because the path is cut.
    pub cut: u64,
    /// Vanished because the queue was full.
    pub overflowed: u64,
    /// Vanished because they were too long.
    pub too_long: u64,
    /// Vanished because the path lets no multicast through.
    pub multicast_dropped: u64,
    /// Second copies.
    pub duplicated: u64,
    /// Held back so that later ones overtake them.
    pub held_back: u64,
    /// Changed in one bit.
    pub corrupted: u64,
    /// Frames that took time.
    pub delayed: u64,
    /// The time that all of them took, waiting in the queue included.
    pub delay_microseconds: f64,
    /// The most that waited in the queue.
    pub longest_queue_bytes: u64,
}

/// A frame that arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When.
    pub at: Nanoseconds,
    /// Which bit is turned, counted through the frame behind its link addresses and type.
    pub turned_bit: Option<u64>,
}

/// Bytes of both link addresses and the type.
pub const LINK_HEADER_BYTES: u32 = 14;

/// A rule at work.
#[derive(Debug)]
pub struct Stage {
    rule: Rule,
    key: u64,
    /// Frames so far: the counter of the random numbers.
    frame: u64,
    in_burst: bool,
    /// When the queue is empty and the token bucket full again if nothing more comes.
    settled_at: Nanoseconds,
    /// When the last frame that keeps the order arrives.
    last_arrival: Nanoseconds,
    statistics: Statistics,
}

impl Stage {
    /// A perfect stretch whose random numbers will follow this key.
    pub fn new(key: u64) -> Self {
        Self {
            rule: Rule::default(),
            key,
            frame: 0,
            in_burst: false,
            settled_at: 0,
            last_arrival: 0,
            statistics: Statistics::default(),
        }
    }

    /// From now on this is done to frames. It is a new way: those on the old one arrive as they were going to, and those
    /// on the new one wait for nothing of the old.
    pub fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
        self.in_burst = false;
        self.settled_at = 0;
        self.last_arrival = 0;
    }

    /// The rule at work.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What has happened so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Counts a frame that a cut swallows at the entry.
    pub fn count_cut(&mut self, frame: Frame) {
        self.count_entry(frame);
        self.statistics.cut += 1;
    }

    /// Takes back that a frame arrives: its path was cut while it was on its way.
    pub fn count_cut_on_the_way(&mut self, frame: Frame) {
        self.statistics.passed -= 1;
        self.statistics.bytes_passed -= u64::from(frame.bytes);
        self.statistics.cut += 1;
    }

    fn count_entry(&mut self, frame: Frame) {
        self.statistics.frames += 1;
        self.statistics.bytes += u64::from(frame.bytes);
    }

    /// Sends a frame in; what arrives at the other end is appended.
    pub fn pass(&mut self, now: Nanoseconds, frame: Frame, arrivals: &mut Vec<Arrival>) {
        self.count_entry(frame);
        let mut draws = Draws::new(self.key, self.frame);
        self.frame += 1;
        if self.rule.largest_frame_bytes.is_some_and(|limit| frame.bytes > limit) {
            self.statistics.too_long += 1;
            return;
        }
        if self.rule.drops_multicast && frame.multicast {
            self.statistics.multicast_dropped += 1;
            return;
        }
        if self.loses(&mut draws) {
            self.statistics.lost += 1;
            return;
        }
        let twice = matches!(&self.rule.duplicate, Some(chance) if draws.happens(chance.probability));
        for copy in 0..=u8::from(twice) {
            let Some(left) = self.leaves_at(now, frame) else {
                self.statistics.overflowed += 1;
                continue;
            };
            self.statistics.duplicated += u64::from(copy);
            let arrival = Arrival {
                at: self.arrives_at(left, &mut draws),
                turned_bit: self.turned_bit(frame, &mut draws),
            };
            self.statistics.passed += 1;
            self.statistics.bytes_passed += u64::from(frame.bytes);
            if arrival.at > now {
                self.statistics.delayed += 1;
                self.statistics.delay_microseconds += (arrival.at - now) as f64 / 1000.0;
            }
            arrivals.push(arrival);
        }
    }

    fn loses(&mut self, draws: &mut Draws) -> bool {
        match self.rule.loss {
            None => false,
            Some(Loss::Random { probability }) => draws.happens(probability),
            Some(Loss::Bursts {
                begins,
                ends,
                outside,
                within,
            }) => {
                let changes = draws.happens(if self.in_burst { ends } else { begins });
                self.in_burst ^= changes;
                draws.happens(if self.in_burst { within } else { outside })
            }
        }
    }

    /// When a frame has left the queue through the token bucket, or nothing when the queue is full.
    fn leaves_at(&mut self, now: Nanoseconds, frame: Frame) -> Option<Nanoseconds> {
        let Some(bandwidth) = &self.rule.bandwidth else {
            return Some(now);
        };
        let bytes = f64::from(frame.bytes);
        let burst = nanoseconds_of(bandwidth, f64::from(bandwidth.burst_bytes));
        let settled_at = self.settled_at.max(now) + nanoseconds_of(bandwidth, bytes);
        let left = settled_at.saturating_sub(burst).max(now);
        // What waits, this frame included: all that will leave from now until it has.
        let waiting = (left - now) as f64 * bandwidth.bits_per_second / 8e9;
        // A frame that finds the queue empty is on the line, not in the queue.
        if waiting > bandwidth.queue_bytes() && waiting > bytes + 1.0 {
            return None;
        }
        self.settled_at = settled_at;
        self.statistics.longest_queue_bytes = self.statistics.longest_queue_bytes.max(waiting as u64);
        Some(left)
    }

    fn arrives_at(&mut self, left: Nanoseconds, draws: &mut Draws) -> Nanoseconds {
        let delay = match &self.rule.delay {
            None => 0,
            Some(delay) => travel_time(delay, draws),
        };
        let overtakes = matches!(&self.rule.delay, Some(delay) if delay.overtakes);
        let held_back = match &self.rule.reorder {
            Some(reorder) if draws.happens(reorder.probability) => {
                self.statistics.held_back += 1;
                Some(to_nanoseconds(reorder.microseconds))
            }
            _ => None,
        };
        if overtakes {
            return left + delay + held_back.unwrap_or(0);
        }
        let in_order = (left + delay).max(self.last_arrival);
        match held_back {
            // Those behind it do not wait for it.
            Some(time) => in_order + time,
            None => {
                self.last_arrival = in_order;
                in_order
            }
        }
    }

    fn turned_bit(&mut self, frame: Frame, draws: &mut Draws) -> Option<u64> {
        let chance = self.rule.corrupt.as_ref()?;
        let bits = u64::from(frame.bytes.saturating_sub(LINK_HEADER_BYTES)) * 8;
        if bits == 0 || !draws.happens(chance.probability) {
            return None;
        }
        self.statistics.corrupted += 1;
        Some(draws.bits() % bits)
    }
}

fn nanoseconds_of(bandwidth: &Bandwidth, bytes: f64) -> Nanoseconds {
    (bytes * 8e9 / bandwidth.bits_per_second).ceil() as Nanoseconds
}

fn to_nanoseconds(microseconds: f64) -> Nanoseconds {
    (microseconds * 1000.0).round() as Nanoseconds
}

fn travel_time(delay: &Delay, draws: &mut Draws) -> Nanoseconds {
    let jitter = match &delay.jitter {
        None => 0.0,
        Some(Jitter::Uniform { microseconds }) => microseconds * draws.unit(),
        Some(Jitter::Normal { microseconds }) => microseconds * draws.normal(),
        Some(Jitter::Pareto {
            microseconds,
            shape,
            at_most_microseconds,
        }) => {
            let most = at_most_microseconds.unwrap_or(100.0 * microseconds);
            (microseconds * draws.pareto(*shape)).min(most)
        }
    };
    to_nanoseconds((delay.microseconds + jitter).max(0.0))
}
