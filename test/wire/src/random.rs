//! Random numbers that are a function of a key and a counter: what befalls the n-th frame of a path does not depend on
//! what befell others, so that a seed means the same whatever else happens on the network.

/// Odd constant of Weyl sequences, 2⁶⁴ divided by the golden ratio.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finishing steps of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A key from a seed and words, such as the two ends of a path.
pub fn key_of(seed: u64, words: &[&str]) -> u64 {
    let mut key = mix(seed.wrapping_add(GOLDEN_GAMMA));
    for word in words {
        for byte in word.bytes() {
            key = mix(key ^ u64::from(byte)).wrapping_add(GOLDEN_GAMMA);
        }
        // Words are kept apart: ("ab", "c") is not ("a", "bc").
        key = mix(key ^ 0x1ff);
    }
    key
}

/// The random numbers of one frame on one path.
pub struct Draws {
    state: u64,
}

impl Draws {
    /// Of the frame with this number.
    pub fn new(key: u64, frame: u64) -> Self {
        Self {
            state: mix(key ^ frame.wrapping_mul(GOLDEN_GAMMA)),
        }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Of the standard normal distribution, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Of the Pareto distribution of this shape, moved to begin at 0 (Lomax).
    pub fn pareto(&mut self, shape: f64) -> f64 {
        (1.0 - self.unit()).powf(-1.0 / shape) - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: u64 = 200_000;

    fn mean(mut value: impl FnMut(&mut Draws) -> f64) -> f64 {
        let key = key_of(7, &["a", "b"]);
        (0..COUNT).map(|frame| value(&mut Draws::new(key, frame))).sum::<f64>() / COUNT as f64
    }

    #[test]
    fn distributions_have_their_moments() {
        // Six standard errors each.
        let error = 6.0 / (COUNT as f64).sqrt();
        assert!((mean(Draws::unit) - 0.5).abs() < error * 0.29);
        assert!(mean(Draws::normal).abs() < error);
        assert!((mean(|draws| draws.normal().powi(2)) - 1.0).abs() < error * 1.42);
        // Lomax of shape 3: mean 1/2, variance 3/4.
        assert!((mean(|draws| draws.pareto(3.0)) - 0.5).abs() < error * 0.87);
        assert!((mean(|draws| f64::from(draws.happens(0.02))) - 0.02).abs() < error * 0.14);
    }

    #[test]
    fn successive_draws_of_a_frame_are_independent() {
        let correlation = mean(|draws| (draws.unit() - 0.5) * (draws.unit() - 0.5));
        assert!(correlation.abs() < 6.0 / (COUNT as f64).sqrt() / 12.0);
    }

    #[test]
    fn keys_depend_on_every_part() {
        let keys = [
            key_of(1, &["a", "b"]),
            key_of(2, &["a", "b"]),
            key_of(1, &["b", "a"]),
            key_of(1, &["ab"]),
            key_of(1, &["", "ab"]),
            key_of(1, &["ab", ""]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{index}");
        }
    }
}
