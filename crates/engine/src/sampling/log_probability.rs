//! Log-probabilities of the model's own distribution: the softmax over its logits, before penalties, biases, constraints,
//! temperature and filters.

use serde::Serialize;

use super::candidates::Candidate;

/// Most alternatives that a request may ask for.
pub(crate) const MAXIMUM_ALTERNATIVES: u32 = 20;

/// How probable the model found a drawn token, and what it found most probable in its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenLogProbabilities {
    /// Natural logarithm of the drawn token's probability.
    pub log_probability: f32,
    /// The most probable tokens, most probable first; the drawn one may be among them.
    pub alternatives: Vec<Alternative>,
}

/// A token that might have been drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// The token.
    pub token: u32,
    /// Natural logarithm of its probability.
    pub log_probability: f32,
}

/// The sum of exponentials of a range of logits, relative to its largest: ranges add up without overflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalizer {
    pub(crate) maximum: f32,
    pub(crate) sum: f64,
}

impl Normalizer {
    /// Of no logits at all.
    pub(crate) const EMPTY: Self = Self {
        maximum: f32::NEG_INFINITY,
        sum: 0.0,
    };

    /// Logits that are no finite numbers count for nothing, as nothing draws them.
    pub(crate) fn of(logits: &[f32]) -> Self {
        let finite = || logits.iter().copied().filter(|logit| logit.is_finite());
        let maximum = finite().fold(f32::NEG_INFINITY, f32::max);
        let sum = finite().map(|logit| f64::from(logit - maximum).exp()).sum();
        Self { maximum, sum }
    }

    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        let maximum = self.maximum.max(other.maximum);
        let scaled = |one: Self| match one.sum > 0.0 {
            true => one.sum * f64::from(one.maximum - maximum).exp(),
            false => 0.0,
        };
        Self {
            maximum,
            sum: scaled(self) + scaled(other),
        }
    }

    pub(crate) fn log_probability(&self, logit: f32) -> f32 {
        (f64::from(logit - self.maximum) - self.sum.ln()) as f32
    }

    /// `largest`: the model's largest logits, largest first.
    pub(crate) fn log_probabilities(&self, drawn: f32, largest: &[Candidate]) -> TokenLogProbabilities {
        let finite = largest.iter().filter(|candidate| candidate.logit.is_finite());
        let alternative = |candidate: &Candidate| Alternative {
            token: candidate.token,
            log_probability: self.log_probability(candidate.logit),
        };
        TokenLogProbabilities {
            log_probability: self.log_probability(drawn),
            alternatives: finite.map(alternative).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_add_up_to_the_whole() {
        let logits = [100.0, 99.0, -5.0, f32::NAN, 100.5, f32::NEG_INFINITY, 3.0];
        let whole = Normalizer::of(&logits);
        let expected = (100.0_f64.exp() + 99.0_f64.exp() + (-5.0_f64).exp() + 100.5_f64.exp() + 3.0_f64.exp()).ln();
        for logit in [100.5_f32, 3.0] {
            assert!((f64::from(whole.log_probability(logit)) - (f64::from(logit) - expected)).abs() < 1e-5);
        }
        for cut in 0..=logits.len() {
            let (low, high) = logits.split_at(cut);
            let both = Normalizer::of(low).and(Normalizer::of(high));
            assert!((both.sum - whole.sum).abs() < 1e-12 && both.maximum == whole.maximum);
        }
        assert_eq!(Normalizer::EMPTY.and(whole), whole);
        assert_eq!(Normalizer::of(&[f32::NAN]), Normalizer::EMPTY);
    }
}
