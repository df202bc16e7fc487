//! The draw of one token.

use super::candidates::{Candidate, largest};
use super::philox::philox_uniform_of_choice;
use crate::options::SamplingOptions;

/// Largest top-k for which shards send candidates; above it a row of logits is about as short.
const LARGEST_CANDIDATE_COUNT: u32 = 4096;

/// Candidates that are looked at first for top-p; nearly always they hold the wanted probability.
const FIRST_TOP_P_COUNT: usize = 1024;

impl SamplingOptions {
    /// How many of the largest logits decide the token exactly; nothing where the whole row is needed.
    pub(crate) fn candidate_count(&self) -> Option<usize> {
        if self.temperature <= 0.0 {
            return Some(1);
        }
        match self.top_k {
            Some(count) if (1..=LARGEST_CANDIDATE_COUNT).contains(&count) => Some(count as usize),
            _ => None,
        }
    }
}

/// Draws a token from candidates in any order: all tokens of the vocabulary, or at least the
/// `SamplingOptions::top_k` largest (one for temperature 0).
///
/// `choice` is the number of the sequence among those of its request, `position` that of the drawn token in it. Nothing
/// comes back when no logit is a finite number. The candidates are left in an unspecified order.
pub fn choose(candidates: &mut Vec<Candidate>, options: &SamplingOptions, choice: u32, position: u64) -> Option<u32> {
    let best = filter(candidates, options)?;
    if options.temperature <= 0.0 {
        return Some(best.token);
    }
    let weight = weight_to(best, options);
    let total: f64 = candidates.iter().map(&weight).sum();
    let mut rest = philox_uniform_of_choice(options.seed, choice, position) * total;
    for candidate in candidates.iter() {
        rest -= weight(candidate);
        if rest < 0.0 {
            return Some(candidate.token);
        }
    }
    // Rounding left a crumb: the last one with any weight.
    candidates.last().map(|candidate| candidate.token)
}

/// What a candidate weighs in the draw; the best weighs 1.
fn weight_to(best: Candidate, options: &SamplingOptions) -> impl Fn(&Candidate) -> f64 {
    let temperature = options.temperature;
    move |candidate| (f64::from(candidate.logit - best.logit) / temperature).exp()
}

/// Leaves the candidates that may be drawn, in an order that depends on nothing but them; returns the best. At
/// temperature 0 only that one counts.
fn filter(candidates: &mut Vec<Candidate>, options: &SamplingOptions) -> Option<Candidate> {
    candidates.retain(|candidate| candidate.logit.is_finite());
    let best = candidates.iter().copied().min_by(Candidate::order)?;
    if options.temperature <= 0.0 {
        return Some(best);
    }
    if let Some(count) = options.top_k.filter(|count| *count > 0) {
        candidates.sort_unstable_by(Candidate::order);
        candidates.truncate(count as usize);
    } else {
        // One canonical order, however the row was put together.
        candidates.sort_unstable_by_key(|candidate| candidate.token);
    }
    let weight = weight_to(best, options);
    if let Some(top_p) = options.top_p.filter(|top_p| *top_p < 1.0) {
        keep_top_p(candidates, top_p, &weight);
    }
    if let Some(min_p) = options.min_p.filter(|min_p| *min_p > 0.0) {
        // The largest weight is 1.
        candidates.retain(|candidate| weight(candidate) >= min_p);
    }
    Some(best)
}

/// Keeps the shortest run of the largest whose weights reach `top_p` of the sum; always at least one.
fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f64, weight: impl Fn(&Candidate) -> f64) {
    let wanted = candidates.iter().map(&weight).sum::<f64>() * top_p;
    let mut count = FIRST_TOP_P_COUNT;
    loop {
        let is_sorted = count >= candidates.len();
        if is_sorted {
            candidates.sort_unstable_by(Candidate::order);
        } else {
            candidates.select_nth_unstable_by(count, Candidate::order);
            candidates[..count].sort_unstable_by(Candidate::order);
        }
        let mut sum = 0.0;
        let head = &candidates[..count.min(candidates.len())];
        let reached = head.iter().position(|candidate| {
            sum += weight(candidate);
            sum >= wanted
        });
        match reached {
            Some(last) => return candidates.truncate(last + 1),
            None if is_sorted => return,
            None => count = candidates.len(),
        }
    }
}

/// Draws from a whole row, copying only what is needed.
pub(crate) fn choose_from_row(
    row: &[f32],
    scratch: &mut Vec<Candidate>,
    options: &SamplingOptions,
    choice: u32,
    position: u64,
) -> Option<u32> {
    match options.candidate_count() {
        Some(count) => largest(row, 0, count, scratch),
        None => {
            scratch.clear();
            scratch.extend(row.iter().enumerate().map(|(token, logit)| Candidate {
                token: token as u32,
                logit: *logit,
            }));
        }
    }
    choose(scratch, options, choice, position)
}

/// The probability of each token of a row of adjusted logits.
#[cfg(test)]
pub(super) fn probabilities(row: &[f32], options: &SamplingOptions) -> Vec<f64> {
    let candidate = |(token, logit): (usize, &f32)| Candidate {
        token: token as u32,
        logit: *logit,
    };
    let mut candidates: Vec<Candidate> = row.iter().enumerate().map(candidate).collect();
    let mut probabilities = vec![0.0; row.len()];
    if let Some(best) = filter(&mut candidates, options) {
        let weight = weight_to(best, options);
        let total: f64 = candidates.iter().map(&weight).sum();
        for candidate in &candidates {
            probabilities[candidate.token as usize] = weight(candidate) / total;
        }
    }
    probabilities
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::philox_uniform;

    fn row() -> Vec<f32> {
        (0..5000)
            .map(|index| (philox_uniform(9, index) * 12.0) as f32)
            .collect()
    }

    fn draw(row: &[f32], options: &SamplingOptions, position: u64) -> u32 {
        choose_from_row(row, &mut Vec::new(), options, 0, position).unwrap()
    }

    fn options(seed: u64) -> SamplingOptions {
        SamplingOptions {
            temperature: 1.0,
            seed,
            ..SamplingOptions::default()
        }
    }

    #[test]
    fn temperature_0_takes_the_largest_and_the_lowest_of_equals() {
        assert_eq!(draw(&[1.0, 3.0, 3.0, 2.0], &SamplingOptions::default(), 0), 1);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let row = [0.5_f32.ln(), 0.3_f32.ln(), 0.2_f32.ln()];
        let mut counts = [0_u32; 3];
        for position in 0..10_000 {
            counts[draw(&row, &options(1), position) as usize] += 1;
        }
        assert!(
            (4800..5200).contains(&counts[0]) && (2800..3200).contains(&counts[1]),
            "{counts:?}"
        );
        let sharp = SamplingOptions {
            temperature: 0.01,
            ..options(1)
        };
        assert!((0..1000).all(|position| draw(&row, &sharp, position) == 0));
    }

    #[test]
    fn the_same_seed_and_position_give_the_same_token() {
        let row = row();
        let all = |seed| {
            (0..50)
                .map(|position| draw(&row, &options(seed), position))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(3), all(3));
        assert_ne!(all(3), all(4));
    }

    #[test]
    fn filters_leave_only_what_they_should() {
        let row = [0.5_f32.ln(), 0.3_f32.ln(), 0.15_f32.ln(), 0.05_f32.ln()];
        let seen = |options: SamplingOptions| {
            let mut seen: Vec<u32> = (0..2000).map(|position| draw(&row, &options, position)).collect();
            seen.sort_unstable();
            seen.dedup();
            seen
        };
        assert_eq!(seen(options(1)), [0, 1, 2, 3]);
        assert_eq!(
            seen(SamplingOptions {
                top_k: Some(2),
                ..options(1)
            }),
            [0, 1]
        );
        assert_eq!(
            seen(SamplingOptions {
                top_p: Some(0.79),
                ..options(1)
            }),
            [0, 1]
        );
        assert_eq!(
            seen(SamplingOptions {
                top_p: Some(0.81),
                ..options(1)
            }),
            [0, 1, 2]
        );
        assert_eq!(
            seen(SamplingOptions {
                top_p: Some(0.0),
                ..options(1)
            }),
            [0]
        );
        assert_eq!(
            seen(SamplingOptions {
                min_p: Some(0.5),
                ..options(1)
            }),
            [0, 1]
        );
        assert_eq!(
            seen(SamplingOptions {
                top_k: Some(0),
                ..options(1)
            }),
            [0, 1, 2, 3]
        );
    }

    #[test]
    fn top_p_over_a_flat_row_needs_the_whole_row() {
        let flat = vec![0.0_f32; 4000];
        let options = SamplingOptions {
            top_p: Some(0.9),
            ..options(2)
        };
        let largest = (0..500).map(|position| draw(&flat, &options, position)).max().unwrap();
        assert!((3300..3600).contains(&largest), "{largest}");
    }

    #[test]
    fn rows_without_a_number_give_nothing() {
        assert_eq!(
            choose_from_row(&[f32::NAN, f32::INFINITY], &mut Vec::new(), &options(1), 0, 0),
            None
        );
        assert_eq!(
            choose_from_row(&[], &mut Vec::new(), &SamplingOptions::default(), 0, 0),
            None
        );
    }
}
