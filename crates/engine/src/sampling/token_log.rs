//! The tokens of a sequence, counted for penalties.

use std::collections::BTreeMap;

/// How often a token occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Occurrences {
    /// In prompt and answer.
    all: u32,
    generated: u32,
}

/// The token log of a sequence: its prompt and what came after. Grows with the tokens that the steps bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenLog {
    tokens: Vec<u32>,
    prompt_length: usize,
    /// Of the tokens that occur; sorted, so that a range of the vocabulary finds its part.
    occurrences: BTreeMap<u32, Occurrences>,
}

impl TokenLog {
    pub(crate) fn new(tokens: &[u32], prompt_length: usize) -> Self {
        let mut log = Self {
            tokens: Vec::with_capacity(tokens.len()),
            prompt_length,
            occurrences: BTreeMap::new(),
        };
        tokens.iter().for_each(|token| log.push(*token));
        log
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The answer as far as it is known.
    pub(crate) fn generated(&self) -> &[u32] {
        self.tokens.get(self.prompt_length..).unwrap_or(&[])
    }

    pub(crate) fn push(&mut self, token: u32) {
        let occurrences = self.occurrences.entry(token).or_default();
        occurrences.all += 1;
        occurrences.generated += u32::from(self.tokens.len() >= self.prompt_length);
        self.tokens.push(token);
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        while self.tokens.len() > length {
            let Some(token) = self.tokens.pop() else { return };
            let Some(occurrences) = self.occurrences.get_mut(&token) else {
                continue;
            };
            occurrences.all -= 1;
            occurrences.generated -= u32::from(self.tokens.len() >= self.prompt_length);
            if occurrences.all == 0 {
                self.occurrences.remove(&token);
            }
        }
    }

    /// Changes the logits of a range of the vocabulary, of which `first_token` is the first: `repetition` as
    /// transformers' `RepetitionPenaltyLogitsProcessor` does, `presence` and `frequency` as OpenAI's interface
    /// documents them. In single precision, like the logits themselves.
    pub(crate) fn penalize(&self, logits: &mut [f32], first_token: u32, penalties: &Penalties) {
        let end = first_token.saturating_add(logits.len() as u32);
        for (token, occurrences) in self.occurrences.range(first_token..end) {
            let Some(logit) = logits.get_mut((token - first_token) as usize) else {
                continue;
            };
            *logit = match *logit < 0.0 {
                true => *logit * penalties.repetition,
                false => *logit / penalties.repetition,
            };
            if occurrences.generated > 0 {
                *logit -= penalties.presence + penalties.frequency * occurrences.generated as f32;
            }
        }
    }
}

/// What repeated tokens pay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Penalties {
    pub(crate) repetition: f32,
    pub(crate) presence: f32,
    pub(crate) frequency: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENALTIES: Penalties = Penalties {
        repetition: 2.0,
        presence: 0.5,
        frequency: 0.25,
    };

    #[test]
    fn penalties_follow_their_definitions() {
        // Prompt 3 4, answer 4 5 5.
        let log = TokenLog::new(&[3, 4, 4, 5, 5], 2);
        assert_eq!(log.generated(), [4, 5, 5]);
        let mut logits = [8.0_f32; 8];
        logits[4] = -8.0;
        log.penalize(&mut logits, 0, &PENALTIES);
        assert_eq!(logits, [8.0, 8.0, 8.0, 4.0, -16.75, 3.0, 8.0, 8.0]);
        // A range sees its own tokens only.
        let mut part = [8.0_f32; 2];
        log.penalize(&mut part, 4, &PENALTIES);
        assert_eq!(part, [3.25, 3.0]);
        log.penalize(&mut [], 4, &PENALTIES);
    }

    #[test]
    fn a_truncated_log_is_one_that_never_was_longer() {
        let tokens = [1, 2, 1, 3, 1, 2, 9];
        for length in 0..=tokens.len() {
            let mut log = TokenLog::new(&tokens, 2);
            log.truncate(length);
            assert_eq!(log, TokenLog::new(&tokens[..length], 2));
            tokens[length..].iter().for_each(|token| log.push(*token));
            assert_eq!(log, TokenLog::new(&tokens, 2));
        }
    }
}
