//! What is drawn, against the exact distribution and against transformers' logits processors.

use std::path::Path;

use serde::Deserialize;

use super::draw::{Drawn, OutputRow, RowNeeds, Scratch};
use super::mask::TokenMaskFactories;
use super::registration::Registration;
use super::registry::Registry;
use super::sample::{OwnLogits, sample_rows, write_shard};
use super::shard::ShardReader;
use crate::options::SamplingOptions;

/// A case of `test/fixtures/make_sampling.py`.
#[derive(Debug, Deserialize)]
struct Case {
    options: SamplingOptions,
    prompt: Vec<u32>,
    generated: Vec<u32>,
    logits: Vec<f32>,
    probabilities: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures/sampling/transformers.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

impl Case {
    fn registry(&self, seed: u64) -> Registry {
        let mut registry = Registry::new(TokenMaskFactories::built_in(), self.logits.len() as u32);
        let registration = Registration {
            sampling_id: 1,
            slot: 0,
            choice: 0,
            options: SamplingOptions {
                seed,
                ..self.options.clone()
            },
            prompt_length: self.prompt.len() as u32,
            // The last token comes with the step.
            log: self.log()[..self.log().len() - 1].to_vec(),
        };
        registry.insert(registration).unwrap();
        registry
    }

    fn log(&self) -> Vec<u32> {
        [self.prompt.as_slice(), self.generated.as_slice()].concat()
    }

    fn row(&self) -> OutputRow {
        OutputRow {
            sampling_id: 1,
            position: self.log().len() as u64,
            previous: *self.generated.last().unwrap(),
            needs: RowNeeds::of(&self.options),
        }
    }

    fn own(&self, from: usize, to: usize) -> OwnLogits<'_> {
        OwnLogits {
            logits: &self.logits[from..to],
            first_token: from as u32,
            width: to - from,
        }
    }

    /// The token that a seed draws, with the vocabulary in two parts or in one.
    fn draw(&self, seed: u64, cut: Option<usize>, scratch: &mut Scratch) -> usize {
        let (rows, vocabulary) = ([self.row()], self.logits.len());
        let mut registry = self.registry(seed);
        let mut message = Vec::new();
        let mut others = Vec::new();
        let own_end = cut.unwrap_or(vocabulary);
        if cut.is_some() {
            let mut registry = self.registry(seed);
            let other = self.own(own_end, vocabulary);
            write_shard(&rows, &mut registry, other, scratch, &mut message).unwrap();
            others.push(ShardReader::new(&message, &rows, vocabulary as u64).unwrap());
        }
        let own = self.own(0, own_end);
        let drawn = sample_rows(&rows, &mut registry, own, &mut others, vocabulary, scratch).unwrap();
        match drawn[..] {
            [Drawn::Token { token, .. }] => token as usize,
            _ => panic!("{drawn:?}"),
        }
    }
}

#[test]
fn filters_leave_the_distribution_of_transformers() {
    let cases = cases();
    assert!(cases.len() >= 19);
    for case in &cases {
        let mut registry = case.registry(0);
        let sequence = registry.get(1).unwrap();
        let row = case.row();
        assert!(sequence.follow(row.position - 1, row.previous));
        let mut logits = case.logits.clone();
        sequence.adjust(&mut logits, 0);
        let exact = super::choose::probabilities(&logits, &case.options);
        for (token, (found, expected)) in exact.iter().zip(&case.probabilities).enumerate() {
            assert!(
                (found - expected).abs() < 1e-6 && (*expected > 0.0 || *found < 1e-30),
                "token {token}: {found} is not {expected} with {:?}",
                case.options
            );
        }
    }
}

/// Pearson's statistic, with the degrees of freedom. Outcomes that are expected less than five times count together.
fn chi_square(counts: &[u32], probabilities: &[f64]) -> (f64, usize) {
    let draws = f64::from(counts.iter().sum::<u32>());
    let total: f64 = probabilities.iter().sum();
    let (mut statistic, mut bins) = (0.0, 0);
    let (mut rare_count, mut rare_expected) = (0.0, 0.0);
    for (count, probability) in counts.iter().zip(probabilities) {
        let (count, expected) = (f64::from(*count), probability / total * draws);
        if expected < 5.0 {
            rare_count += count;
            rare_expected += expected;
        } else {
            statistic += (count - expected).powi(2) / expected;
            bins += 1;
        }
    }
    if rare_expected >= 5.0 {
        statistic += (rare_count - rare_expected).powi(2) / rare_expected;
        bins += 1;
    }
    (statistic, bins - 1)
}

/// The value that Pearson's statistic exceeds with probability 1e-4 (Wilson and Hilferty's approximation).
fn critical_value(degrees: usize) -> f64 {
    const QUANTILE: f64 = 3.719;
    let degrees = degrees as f64;
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + QUANTILE * spread.sqrt()).powi(3)
}

#[test]
fn draws_follow_the_exact_distribution_of_every_combination() {
    const DRAWS: u64 = 8000;
    let mut scratch = Scratch::default();
    for (index, case) in cases().iter().enumerate() {
        let mut counts = vec![0_u32; case.logits.len()];
        for draw in 0..DRAWS {
            // Every fourth with a split vocabulary, which must not bend the distribution.
            let cut = draw.is_multiple_of(4).then_some(17);
            counts[case.draw(draw * 1000 + index as u64, cut, &mut scratch)] += 1;
        }
        let impossible = counts.iter().zip(&case.probabilities);
        assert!(
            impossible
                .clone()
                .all(|(count, probability)| *count == 0 || *probability > 0.0),
            "{case:?}"
        );
        let (statistic, degrees) = chi_square(&counts, &case.probabilities);
        if degrees > 0 {
            let critical = critical_value(degrees);
            assert!(
                statistic < critical,
                "{statistic} of {critical} with {:?}",
                case.options
            );
        }
    }
}

#[test]
fn a_wrong_distribution_would_be_noticed() {
    let even = [0.25; 4];
    assert!(chi_square(&[2000, 2040, 1980, 1980], &even).0 < critical_value(3));
    assert!(chi_square(&[2160, 2000, 1920, 1920], &even).0 > 15.0);
    assert!(chi_square(&[2300, 1900, 1900, 1900], &even).0 > critical_value(3));
    // Tables give 21.11 for three degrees of freedom; the approximation is a little above, and better for more.
    assert!((21.1..22.0).contains(&critical_value(3)), "{}", critical_value(3));
}

#[test]
fn draws_of_positions_and_choices_are_independent() {
    // The pairs of two draws in a row, and of two choices, fall evenly into the cells of a table.
    for (first, second) in [((0, 0), (0, 1)), ((0, 0), (1, 0)), ((3, 7), (4, 7))] {
        let mut cells = [0_u32; 25];
        for seed in 0..5000 {
            let cell = |(choice, position)| (super::philox_uniform_of_choice(seed, choice, position) * 5.0) as usize;
            cells[cell(first) * 5 + cell(second)] += 1;
        }
        let (statistic, degrees) = chi_square(&cells, &[1.0 / 25.0; 25]);
        assert!(
            statistic < critical_value(degrees),
            "{statistic} for {first:?} and {second:?}"
        );
    }
}
