//! The largest logits of a row.

use std::cmp::Ordering;

/// A token with its logit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The token.
    pub token: u32,
    /// Its logit.
    pub logit: f32,
}

impl Candidate {
    /// Larger logits first, of equal ones the lower token; what is not a number comes last.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let key = |logit: f32| if logit.is_nan() { f32::NEG_INFINITY } else { logit };
        key(other.logit)
            .total_cmp(&key(self.logit))
            .then(self.token.cmp(&other.token))
    }
}

/// Replaces `into` by the `count` largest logits of a row whose first token is `first_token`, largest first.
pub(crate) fn largest(row: &[f32], first_token: u32, count: usize, into: &mut Vec<Candidate>) {
    into.clear();
    if count == 0 {
        return;
    }
    if count == 1 {
        into.extend(single_largest(row, first_token));
        return;
    }
    // Collects up to twice as many, drops the smaller half, and from then on takes only what beats the last one kept.
    let mut floor = f32::NEG_INFINITY;
    let mut is_full = false;
    for (index, logit) in row.iter().enumerate() {
        if is_full && (*logit <= floor || logit.is_nan()) {
            continue;
        }
        into.push(Candidate {
            token: first_token + index as u32,
            logit: *logit,
        });
        if into.len() == count.saturating_mul(2) {
            into.select_nth_unstable_by(count - 1, Candidate::order);
            into.truncate(count);
            floor = into.last().map_or(floor, |candidate| candidate.logit);
            is_full = true;
        }
    }
    into.sort_unstable_by(Candidate::order);
    into.truncate(count);
}

fn single_largest(row: &[f32], first_token: u32) -> Option<Candidate> {
    // Two passes: the first has no branches and is done on many numbers at once.
    let mut lanes = [f32::NEG_INFINITY; 32];
    let (chunks, rest) = row.as_chunks::<32>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    let largest = lanes
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |largest, value| largest.max(*value));
    let index = row.iter().position(|value| *value == largest)?;
    Some(Candidate {
        token: first_token + index as u32,
        logit: largest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::philox_uniform;

    #[test]
    fn the_largest_are_those_of_a_full_sort() {
        for (length, count) in [
            (1, 1),
            (7, 3),
            (1000, 0),
            (1000, 1),
            (1000, 2),
            (1000, 40),
            (1000, 1000),
            (1000, 5000),
            (33, 1),
        ] {
            // Coarse numbers, so that many are equal.
            let row: Vec<f32> = (0..length)
                .map(|index| (philox_uniform(5, index) * 50.0).floor() as f32)
                .collect();
            let mut expected: Vec<Candidate> = row
                .iter()
                .enumerate()
                .map(|(index, logit)| Candidate {
                    token: 100 + index as u32,
                    logit: *logit,
                })
                .collect();
            expected.sort_by(Candidate::order);
            expected.truncate(count);
            let mut found = Vec::new();
            largest(&row, 100, count, &mut found);
            assert_eq!(found, expected, "{count} of {length}");
        }
    }

    #[test]
    fn what_is_not_a_number_never_wins() {
        let mut found = Vec::new();
        largest(&[f32::NAN, 1.0, f32::NAN, 2.0], 0, 1, &mut found);
        assert_eq!(found, [Candidate { token: 3, logit: 2.0 }]);
        largest(&[f32::NAN, 1.0, f32::NAN, 2.0], 0, 2, &mut found);
        assert_eq!(found[0].token, 3);
        assert_eq!(found[1].token, 1);
        largest(&[f32::NAN; 40], 0, 1, &mut found);
        assert!(found.is_empty());
    }
}
