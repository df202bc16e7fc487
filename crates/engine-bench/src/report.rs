//! The results, as printed.

use serde::Serialize;

use crate::instance::Instance;
use crate::protocol::{Generated, Statistics};

/// Speeds of repeated measurements.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    pub best_tokens_per_second: f64,
    pub median_tokens_per_second: f64,
    pub samples: usize,
    #[serde(skip)]
    rates: Vec<f64>,
}

impl Measurement {
    pub fn add(&mut self, rates: impl IntoIterator<Item = f64>) {
        self.rates.extend(rates);
        self.rates.sort_by(f64::total_cmp);
        self.samples = self.rates.len();
        self.best_tokens_per_second = self.rates.last().copied().unwrap_or(0.0);
        self.median_tokens_per_second = self.rates.get(self.samples / 2).copied().unwrap_or(0.0);
    }
}

/// Read bandwidths, in the order of the measurements.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub one_thread_gigabytes_per_second: Vec<f64>,
    pub two_threads_gigabytes_per_second: Vec<f64>,
}

impl Machine {
    pub fn add(&mut self, one: f64, two: f64) {
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        self.one_thread_gigabytes_per_second.push(rounded(one));
        self.two_threads_gigabytes_per_second.push(rounded(two));
    }
}

/// One scenario.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioReport {
    pub name: &'static str,
    pub storage: &'static str,
    pub threads_per_member: usize,
    pub decode: Measurement,
    pub prefill: Measurement,
    /// The first tokens, to compare scenarios by.
    pub first_tokens: Vec<u32>,
    pub members: Vec<Statistics>,
}

impl ScenarioReport {
    pub fn new(instance: &Instance) -> Self {
        Self {
            name: instance.name(),
            storage: instance.storage.name(),
            threads_per_member: instance.threads(),
            decode: Measurement::default(),
            prefill: Measurement::default(),
            first_tokens: Vec::new(),
            members: Vec::new(),
        }
    }

    pub fn add_decode(&mut self, generated: Generated) {
        self.decode.add(
            generated
                .token_microseconds
                .iter()
                .map(|microseconds| 1e6 / microseconds),
        );
        self.first_tokens = generated.tokens.into_iter().take(8).collect();
    }

    pub fn add_prefill(&mut self, prompt: u32, generated: Generated) {
        self.prefill
            .add([f64::from(prompt) * 1e6 / generated.prefill_microseconds]);
    }

    /// One line for people who wait.
    pub fn line(&self) -> String {
        let (decode, prefill) = (crate::rate(&self.decode), crate::rate(&self.prefill));
        format!(
            "{} {}: decode {decode}; prefill {prefill} tokens/s",
            self.name, self.storage
        )
    }
}

/// All of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub machine: Machine,
    pub tokens: u32,
    pub prompt: u32,
    pub scenarios: Vec<ScenarioReport>,
}
