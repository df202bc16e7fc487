//! What options may be.

use super::log_probability::MAXIMUM_ALTERNATIVES;
use super::registration::{MAXIMUM_BIASES, MAXIMUM_KIND_BYTES, MAXIMUM_SPECIFICATION_BYTES};
use crate::options::SamplingOptions;

/// Largest presence and frequency penalty, either way, as in OpenAI's interface.
const LARGEST_PENALTY: f64 = 2.0;
/// Largest bias, either way, as in OpenAI's interface.
const LARGEST_BIAS: f32 = 100.0;

impl SamplingOptions {
    /// What is wrong with the options, by the name of the field. Whether a constraint can be made is another matter.
    pub(crate) fn problem(&self) -> Option<String> {
        let within = |name: &str, value: Option<f64>, from: f64, to: f64| match value {
            Some(value) if !(from..=to).contains(&value) => {
                Some(format!("{name} is {value}, it must be within {from} and {to}"))
            }
            _ => None,
        };
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            let temperature = self.temperature;
            return Some(format!("temperature is {temperature}, it must be 0 or above"));
        }
        within("topP", self.top_p, 0.0, 1.0)
            .or_else(|| within("minP", self.min_p, 0.0, 1.0))
            .or_else(|| {
                within(
                    "presencePenalty",
                    self.presence_penalty,
                    -LARGEST_PENALTY,
                    LARGEST_PENALTY,
                )
            })
            .or_else(|| {
                within(
                    "frequencyPenalty",
                    self.frequency_penalty,
                    -LARGEST_PENALTY,
                    LARGEST_PENALTY,
                )
            })
            .or_else(|| self.repetition_problem())
            .or_else(|| self.bias_problem())
            .or_else(|| self.constraint_problem())
            .or_else(|| {
                self.log_probabilities
                    .filter(|count| *count > MAXIMUM_ALTERNATIVES)
                    .map(|count| format!("logProbabilities is {count}, at most are {MAXIMUM_ALTERNATIVES}"))
            })
    }

    fn repetition_problem(&self) -> Option<String> {
        // In single precision it must still be a number above 0.
        let wrong = |penalty: &f64| !(*penalty as f32 > 0.0 && (*penalty as f32).is_finite());
        self.repetition_penalty
            .filter(wrong)
            .map(|penalty| format!("repetitionPenalty is {penalty}, it must be above 0"))
    }

    fn bias_problem(&self) -> Option<String> {
        let count = self.logit_bias.len();
        if count > MAXIMUM_BIASES {
            return Some(format!("logitBias names {count} tokens, at most are {MAXIMUM_BIASES}"));
        }
        let wrong = |bias: f32| !(-LARGEST_BIAS..=LARGEST_BIAS).contains(&bias);
        let entry = self.logit_bias.iter().find(|entry| wrong(entry.bias))?;
        Some(format!(
            "logitBias of token {} is {}, it must be within -{LARGEST_BIAS} and {LARGEST_BIAS}",
            entry.token, entry.bias
        ))
    }

    fn constraint_problem(&self) -> Option<String> {
        let constraint = self.constraint.as_ref()?;
        if constraint.kind.is_empty() || constraint.kind.len() > MAXIMUM_KIND_BYTES {
            return Some(format!(
                "the kind of the constraint has no name of 1 to {MAXIMUM_KIND_BYTES} bytes"
            ));
        }
        let length = constraint.specification.len();
        (length > MAXIMUM_SPECIFICATION_BYTES).then(|| {
            format!("the constraint's specification has {length} bytes, at most are {MAXIMUM_SPECIFICATION_BYTES}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Constraint, TokenBias};

    #[test]
    fn wrong_options_are_named() {
        let right = SamplingOptions {
            repetition_penalty: Some(1.1),
            presence_penalty: Some(-2.0),
            log_probabilities: Some(20),
            ..SamplingOptions::default()
        };
        assert_eq!(right.problem(), None);
        let bias = |bias| vec![TokenBias { token: 3, bias }];
        let constraint = |kind: &str, length| {
            Some(Constraint {
                kind: kind.to_owned(),
                specification: "x".repeat(length),
            })
        };
        type Change = fn(&mut SamplingOptions);
        let wrong: [(&str, Change); 12] = [
            ("temperature", |options| options.temperature = -1.0),
            ("temperature", |options| options.temperature = f64::NAN),
            ("temperature", |options| options.temperature = f64::INFINITY),
            ("topP", |options| options.top_p = Some(1.5)),
            ("topP", |options| options.top_p = Some(f64::NAN)),
            ("minP", |options| options.min_p = Some(-0.5)),
            ("presencePenalty", |options| options.presence_penalty = Some(2.1)),
            ("frequencyPenalty", |options| options.frequency_penalty = Some(f64::NAN)),
            ("repetitionPenalty", |options| options.repetition_penalty = Some(0.0)),
            ("repetitionPenalty", |options| options.repetition_penalty = Some(1e300)),
            ("repetitionPenalty", |options| options.repetition_penalty = Some(1e-300)),
            ("logProbabilities", |options| options.log_probabilities = Some(21)),
        ];
        for (name, change) in wrong {
            let mut options = right.clone();
            change(&mut options);
            let problem = options.problem().unwrap();
            assert!(problem.starts_with(name), "{problem}");
        }
        for logit_bias in [bias(100.1), bias(f32::NAN), bias(0.0).repeat(MAXIMUM_BIASES + 1)] {
            let options = SamplingOptions {
                logit_bias,
                ..right.clone()
            };
            assert!(options.problem().unwrap().starts_with("logitBias"));
        }
        for constraint in [
            constraint("", 1),
            constraint(&"k".repeat(65), 1),
            constraint("k", (1 << 20) + 1),
        ] {
            let options = SamplingOptions {
                constraint,
                ..right.clone()
            };
            assert!(options.problem().unwrap().contains("constraint"));
        }
    }
}
