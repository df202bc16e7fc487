//! One sequence as the members of the last stage know it: its options, its token log, its constraint.

use super::mask::{TokenMask, TokenMaskFactories, TokenSet};
use super::registration::Registration;
use super::token_log::{Penalties, TokenLog};
use crate::error::EngineError;
use crate::options::{SamplingOptions, TokenBias};

impl SamplingOptions {
    /// Whether the draw depends on the tokens that came before.
    pub(crate) fn needs_log(&self) -> bool {
        self.penalties().is_some() || self.constraint.is_some()
    }

    /// Whether logits are changed before temperature and filters see them.
    pub(crate) fn is_adjusted(&self) -> bool {
        self.needs_log() || !self.logit_bias.is_empty()
    }

    fn penalties(&self) -> Option<Penalties> {
        let penalties = Penalties {
            repetition: self.repetition_penalty.unwrap_or(1.0) as f32,
            presence: self.presence_penalty.unwrap_or(0.0) as f32,
            frequency: self.frequency_penalty.unwrap_or(0.0) as f32,
        };
        let nothing = Penalties {
            repetition: 1.0,
            presence: 0.0,
            frequency: 0.0,
        };
        (penalties != nothing).then_some(penalties)
    }
}

/// A sequence in a slot.
#[derive(Debug)]
pub(crate) struct Sequence {
    registration: Registration,
    penalties: Option<Penalties>,
    /// Kept where the draw depends on it.
    log: Option<TokenLog>,
    mask: Option<Box<dyn TokenMask>>,
    allowed: TokenSet,
}

impl Sequence {
    /// `REQUEST_INVALID` for a constraint that cannot be made here; the head has made it before.
    pub(crate) fn new(
        mut registration: Registration,
        masks: &TokenMaskFactories,
        vocabulary: u32,
    ) -> Result<Self, EngineError> {
        let tokens = std::mem::take(&mut registration.log);
        let options = &registration.options;
        let log = options
            .needs_log()
            .then(|| TokenLog::new(&tokens, registration.prompt_length as usize));
        let penalties = options.penalties();
        let mut sequence = Self {
            registration,
            penalties,
            log,
            mask: None,
            allowed: TokenSet::empty(0..0),
        };
        sequence.make_mask(masks, vocabulary)?;
        Ok(sequence)
    }

    pub(crate) fn slot(&self) -> u32 {
        self.registration.slot
    }

    pub(crate) fn choice(&self) -> u32 {
        self.registration.choice
    }

    pub(crate) fn options(&self) -> &SamplingOptions {
        &self.registration.options
    }

    /// A mask at the end of the log.
    fn make_mask(&mut self, masks: &TokenMaskFactories, vocabulary: u32) -> Result<(), EngineError> {
        let Some(constraint) = &self.registration.options.constraint else {
            return Ok(());
        };
        let mut mask = masks.create(constraint, vocabulary)?;
        let generated = self.log.as_ref().map_or(&[][..], TokenLog::generated);
        generated.iter().for_each(|token| mask.accept(*token));
        self.mask = Some(mask);
        Ok(())
    }

    /// Takes the token at a position; one that the log holds already changes nothing. False for a token that cannot
    /// be the next: the log would have a hole.
    #[must_use]
    pub(crate) fn follow(&mut self, position: u64, token: u32) -> bool {
        let Some(log) = &mut self.log else { return true };
        if position != log.len() as u64 {
            return position < log.len() as u64;
        }
        log.push(token);
        if let Some(mask) = self.mask.as_mut().filter(|_| !log.generated().is_empty()) {
            mask.accept(token);
        }
        true
    }

    /// Forgets the tokens from `length` on.
    pub(crate) fn truncate(
        &mut self,
        length: usize,
        masks: &TokenMaskFactories,
        vocabulary: u32,
    ) -> Result<(), EngineError> {
        match &mut self.log {
            Some(log) if log.len() > length => {
                log.truncate(length);
                self.make_mask(masks, vocabulary)
            }
            _ => Ok(()),
        }
    }

    /// Changes the logits of a range of the vocabulary, of which `first_token` is the first. The logit of a token
    /// depends on no other's, so that each member can do its own range.
    pub(crate) fn adjust(&mut self, logits: &mut [f32], first_token: u32) {
        if let (Some(log), Some(penalties)) = (&self.log, &self.penalties) {
            log.penalize(logits, first_token, penalties);
        }
        for TokenBias { token, bias } in &self.registration.options.logit_bias {
            let index = token.checked_sub(first_token);
            if let Some(logit) = index.and_then(|index| logits.get_mut(index as usize)) {
                *logit += bias;
            }
        }
        if let Some(mask) = &mut self.mask {
            let end = first_token.saturating_add(logits.len() as u32);
            self.allowed.reset(first_token..end);
            mask.allow(&mut self.allowed);
            self.allowed.keep_only(logits);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::options::Constraint;
    use crate::sampling::mask::TokenMaskFactory;

    /// After a token, only its successor may come; at the beginning, only 0.
    #[derive(Debug)]
    struct Counting(u32);

    struct CountingFactory;

    impl TokenMaskFactory for CountingFactory {
        fn create(&self, _specification: &str, _vocabulary: u32) -> Result<Box<dyn TokenMask>, String> {
            Ok(Box::new(Counting(0)))
        }
    }

    impl TokenMask for Counting {
        fn allow(&mut self, allowed: &mut TokenSet) {
            allowed.insert(self.0);
        }
        fn accept(&mut self, token: u32) {
            self.0 = token + 1;
        }
    }

    fn masks() -> TokenMaskFactories {
        TokenMaskFactories::built_in().with("counting", Arc::new(CountingFactory))
    }

    fn sequence(options: SamplingOptions, prompt_length: u32, log: Vec<u32>) -> Sequence {
        let registration = Registration {
            sampling_id: 1,
            slot: 0,
            choice: 0,
            options,
            prompt_length,
            log,
        };
        Sequence::new(registration, &masks(), 8).unwrap()
    }

    fn counting() -> SamplingOptions {
        SamplingOptions {
            constraint: Some(Constraint {
                kind: "counting".to_owned(),
                specification: String::new(),
            }),
            ..SamplingOptions::default()
        }
    }

    fn allowed(sequence: &mut Sequence) -> Vec<usize> {
        let mut logits = [0.0; 8];
        sequence.adjust(&mut logits, 0);
        (0..8).filter(|token| logits[*token] == 0.0).collect()
    }

    #[test]
    fn a_mask_hears_the_answer_and_not_the_prompt() {
        let mut sequence = sequence(counting(), 2, vec![5, 6]);
        assert_eq!(allowed(&mut sequence), [0]);
        // What the registration held comes again with the steps.
        assert!(sequence.follow(0, 5) && sequence.follow(1, 6));
        assert_eq!(allowed(&mut sequence), [0]);
        assert!(sequence.follow(2, 0) && sequence.follow(3, 1));
        assert_eq!(allowed(&mut sequence), [2]);
        assert!(!sequence.follow(5, 3), "a token is missing");
    }

    #[test]
    fn a_truncated_or_resumed_sequence_has_the_mask_of_its_log() {
        let mut resumed = sequence(counting(), 2, vec![5, 6, 0, 1, 2]);
        assert_eq!(allowed(&mut resumed), [3]);
        resumed.truncate(3, &masks(), 8).unwrap();
        assert_eq!(allowed(&mut resumed), [1]);
        resumed.truncate(7, &masks(), 8).unwrap();
        assert!(resumed.follow(3, 1));
        assert_eq!(allowed(&mut resumed), [2]);
    }

    #[test]
    fn ranges_of_the_vocabulary_are_adjusted_as_the_whole_is() {
        let options = SamplingOptions {
            repetition_penalty: Some(1.3),
            presence_penalty: Some(0.5),
            frequency_penalty: Some(-0.25),
            logit_bias: vec![TokenBias { token: 1, bias: 2.0 }, TokenBias { token: 6, bias: -3.0 }],
            constraint: Some(Constraint {
                kind: "allowed-tokens".to_owned(),
                specification: "[0, 1, 2, 5, 6, 7]".to_owned(),
            }),
            ..SamplingOptions::default()
        };
        let mut sequence = sequence(options, 3, vec![1, 2, 6, 6, 1, 1]);
        let row = [1.0, -1.0, 0.5, 2.0, 0.0, f32::NAN, -0.5, 3.0];
        let mut whole = row;
        sequence.adjust(&mut whole, 0);
        assert_eq!(whole[1], -1.3 - (0.5 - 0.25 * 2.0) + 2.0);
        assert_eq!((whole[3], whole[4]), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        for cut in 0..=8 {
            let mut parts = row;
            let (low, high) = parts.split_at_mut(cut);
            sequence.adjust(low, 0);
            sequence.adjust(high, cut as u32);
            assert!(
                parts
                    .iter()
                    .map(|logit| logit.to_bits())
                    .eq(whole.iter().map(|logit| logit.to_bits()))
            );
        }
    }
}
