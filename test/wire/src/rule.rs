//! What a path does to frames, as data.

use serde::{Deserialize, Serialize};

/// Nanoseconds since the emulation began.
pub type Nanoseconds = u64;

/// What a path does to frames. An empty rule is a perfect path.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// Time that a frame travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// How fast frames leave, and how many may wait to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// Frames that vanish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Frames that arrive twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Chance>,
    /// Frames that are held back, so that later ones overtake them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// Frames of which one bit is turned, behind the link addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Chance>,
    /// Longer frames vanish without a word, as on a path whose switches disagree about jumbo frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_frame_bytes: Option<u32>,
    /// Frames to a group address vanish (broadcasts, without which no address is resolved, do not), as on guest networks.
    pub drops_multicast: bool,
}

/// Time that a frame travels.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delay {
    /// The constant part; with `normal` jitter the mean, with the others the least.
    pub microseconds: f64,
    /// What is added, frame by frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Jitter>,
    /// Whether a frame that drew less jitter than the one before it overtakes it. Most networks keep the order.
    #[serde(default)]
    pub overtakes: bool,
}

/// Random part of a delay.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields,
    tag = "distribution"
)]
pub enum Jitter {
    /// Evenly from nothing to the most.
    Uniform {
        /// The most that is added.
        microseconds: f64,
    },
    /// A normal distribution around the delay, cut off at no delay.
    Normal {
        /// Its standard deviation.
        microseconds: f64,
    },
    /// Mostly little and sometimes much: queues elsewhere, radio. Its mean is `microseconds / (shape - 1)`.
    Pareto {
        /// Its scale.
        microseconds: f64,
        /// The smaller, the heavier its tail.
        #[serde(default = "default_shape")]
        shape: f64,
        /// The most that is added.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most_microseconds: Option<f64>,
    },
}

fn default_shape() -> f64 {
    3.0
}

/// How fast frames leave, and how many may wait to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bandwidth {
    /// Bits of frames, link header included and preamble and gap not, that leave in a second.
    pub bits_per_second: f64,
    /// What may leave at once after a pause.
    #[serde(default)]
    pub burst_bytes: u32,
    /// What may wait; a frame that finds no room vanishes. 50 ms worth and at least 64 KiB unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_bytes: Option<u32>,
}

impl Bandwidth {
    /// The bound of the queue.
    pub fn queue_bytes(&self) -> f64 {
        match self.queue_bytes {
            Some(bytes) => f64::from(bytes),
            None => (self.bits_per_second / 8.0 * 0.05).max(65_536.0),
        }
    }
}

/// Frames that vanish.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields,
    tag = "model"
)]
pub enum Loss {
    /// Each with the same probability.
    Random {
        /// Of a frame to vanish.
        probability: f64,
    },
    /// Gilbert's and Elliott's chain of a good and a bad state, which it may change with each frame.
    Bursts {
        /// Probability that a burst begins, a frame.
        begins: f64,
        /// Probability that a burst ends, a frame; its inverse is the mean length.
        ends: f64,
        /// Probability of a frame to vanish outside bursts.
        #[serde(default)]
        outside: f64,
        /// Probability of a frame to vanish in a burst.
        #[serde(default = "certain")]
        within: f64,
    },
}

fn certain() -> f64 {
    1.0
}

/// Something that befalls a frame now and then.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chance {
    /// For each frame.
    pub probability: f64,
}

/// Frames that are held back, so that later ones overtake them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reorder {
    /// For each frame.
    pub probability: f64,
    /// For how long.
    pub microseconds: f64,
}

/// An hour: longer delays are mistakes of units.
const LONGEST_MICROSECONDS: f64 = 3.6e9;

impl Rule {
    /// What is wrong with it, in words that name the field.
    pub fn problem(&self) -> Option<String> {
        let mut problems = Problems(None);
        if let Some(delay) = &self.delay {
            problems.time("delay.microseconds", delay.microseconds);
            match &delay.jitter {
                Some(Jitter::Uniform { microseconds } | Jitter::Normal { microseconds }) => {
                    problems.time("delay.jitter.microseconds", *microseconds);
                }
                Some(Jitter::Pareto {
                    microseconds,
                    shape,
                    at_most_microseconds,
                }) => {
                    problems.time("delay.jitter.microseconds", *microseconds);
                    problems.time("delay.jitter.atMostMicroseconds", at_most_microseconds.unwrap_or(0.0));
                    problems.check(*shape > 1.0 && shape.is_finite(), || {
                        format!("delay.jitter.shape is {shape}: it must be above 1, or the mean is infinite")
                    });
                }
                None => {}
            }
        }
        if let Some(bandwidth) = &self.bandwidth {
            let rate = bandwidth.bits_per_second;
            problems.check((1000.0..=1e12).contains(&rate), || {
                format!(
                    "bandwidth.bitsPerSecond is {rate}: it must be from 1e3 to 1e12; to stop all frames, cut the path"
                )
            });
        }
        match &self.loss {
            Some(Loss::Random { probability }) => problems.probability("loss.probability", *probability),
            Some(Loss::Bursts {
                begins,
                ends,
                outside,
                within,
            }) => {
                problems.probability("loss.begins", *begins);
                problems.probability("loss.ends", *ends);
                problems.probability("loss.outside", *outside);
                problems.probability("loss.within", *within);
            }
            None => {}
        }
        if let Some(Chance { probability }) = &self.duplicate {
            problems.probability("duplicate.probability", *probability);
        }
        if let Some(Chance { probability }) = &self.corrupt {
            problems.probability("corrupt.probability", *probability);
        }
        if let Some(Reorder {
            probability,
            microseconds,
        }) = &self.reorder
        {
            problems.probability("reorder.probability", *probability);
            problems.time("reorder.microseconds", *microseconds);
        }
        problems.0
    }
}

/// The first thing that is wrong.
struct Problems(Option<String>);

impl Problems {
    fn check(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds && self.0.is_none() {
            self.0 = Some(problem());
        }
    }

    fn probability(&mut self, name: &str, value: f64) {
        self.check((0.0..=1.0).contains(&value), || {
            format!("{name} is {value}: a probability is from 0 to 1")
        });
    }

    fn time(&mut self, name: &str, value: f64) {
        self.check((0.0..=LONGEST_MICROSECONDS).contains(&value), || {
            format!("{name} is {value}: it must be from 0 to an hour, {LONGEST_MICROSECONDS:e}")
        });
    }
}
