//! The hook for constraints such as grammars: which tokens may come next in a sequence.
//!
//! A constraint travels by name and text ([`Constraint`]) to every member of the last stage, and each keeps a mask of
//! its own for its range of the vocabulary. All masks of a sequence hear the same tokens in the same order, so that they
//! agree without asking each other. After a truncation the mask is made anew and told the log again.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::EngineError;
use crate::options::Constraint;

/// Tokens of a range of the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    range: Range<u32>,
    /// Bit `token - range.start`, from the lowest bit of the first word on.
    words: Vec<u64>,
}

impl TokenSet {
    /// None of the tokens of a range.
    pub fn empty(range: Range<u32>) -> Self {
        let words = vec![0; range.len().div_ceil(64)];
        Self { range, words }
    }

    /// The tokens that may be in the set at all.
    pub fn range(&self) -> Range<u32> {
        self.range.clone()
    }

    /// Adds a token; one outside the range changes nothing.
    pub fn insert(&mut self, token: u32) {
        if self.range.contains(&token) {
            let index = token - self.range.start;
            self.words[index as usize / 64] |= 1 << (index % 64);
        }
    }

    /// Adds the tokens of a whole vocabulary whose bits are set: bit `b` of word `w` is token `32 w + b`. Those outside
    /// the range change nothing.
    pub fn insert_words(&mut self, words: &[u32]) {
        for (index, own) in self.words.iter_mut().enumerate() {
            *own |= bits_from(words, self.range.start as usize + index * 64);
        }
        let rest = self.range.len() % 64;
        if let Some(last) = self.words.last_mut().filter(|_| rest > 0) {
            *last &= (1 << rest) - 1;
        }
    }

    /// Whether a token is in the set.
    pub fn contains(&self, token: u32) -> bool {
        let index = token.wrapping_sub(self.range.start);
        self.range.contains(&token) && self.words[index as usize / 64] & 1 << (index % 64) != 0
    }

    /// Takes all tokens out and sets the range, keeping the memory.
    pub(crate) fn reset(&mut self, range: Range<u32>) {
        self.words.clear();
        self.words.resize(range.len().div_ceil(64), 0);
        self.range = range;
    }

    /// Makes the logits of all other tokens of the range minus infinity.
    pub(crate) fn keep_only(&self, logits: &mut [f32]) {
        for (logits, word) in logits.chunks_mut(64).zip(&self.words) {
            if *word == u64::MAX {
                continue;
            }
            for (bit, logit) in logits.iter_mut().enumerate() {
                if word & 1 << bit == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
    }
}

/// The 64 bits from `first` on; those after the last word are 0.
fn bits_from(words: &[u32], first: usize) -> u64 {
    let (index, shift) = (first / 32, first % 32);
    let word = |index: usize| u64::from(words.get(index).copied().unwrap_or(0));
    let low = word(index) | word(index + 1) << 32;
    if shift == 0 {
        low
    } else {
        low >> shift | word(index + 2) << (64 - shift)
    }
}

/// The state of a constraint on one sequence. Everything it says must follow from its specification and the tokens
/// that it was told, because each member of the last stage asks one of its own.
pub trait TokenMask: Send + fmt::Debug {
    /// Adds the tokens that may come next to a set that holds none. Where nothing is added, the request fails with
    /// `REQUEST_NO_TOKEN_ALLOWED`; so a constraint that is fulfilled allows the end-of-text token.
    fn allow(&mut self, allowed: &mut TokenSet);

    /// The next token of the answer; one that was allowed, as long as the constraint was there from the beginning.
    fn accept(&mut self, token: u32);
}

/// Makes masks of one kind.
pub trait TokenMaskFactory: Send + Sync {
    /// A mask at the beginning of an answer. `vocabulary` is the number of tokens. Called for every request, also to
    /// check it.
    ///
    /// # Errors
    /// What is wrong with the specification, for its author.
    fn create(&self, specification: &str, vocabulary: u32) -> Result<Box<dyn TokenMask>, String>;
}

/// Factories by the kind of constraint they serve.
#[derive(Clone)]
pub struct TokenMaskFactories(BTreeMap<String, Arc<dyn TokenMaskFactory>>);

impl TokenMaskFactories {
    /// Kind of [`AllowedTokens`].
    pub const ALLOWED_TOKENS: &str = "allowed-tokens";

    /// Those that are built in, and others to be added.
    pub fn built_in() -> Self {
        Self(BTreeMap::new()).with(Self::ALLOWED_TOKENS, Arc::new(AllowedTokens))
    }

    /// Adds a factory, or replaces the one of that kind.
    #[must_use]
    pub fn with(mut self, kind: &str, factory: Arc<dyn TokenMaskFactory>) -> Self {
        self.0.insert(kind.to_owned(), factory);
        self
    }

    /// `REQUEST_INVALID` names the kinds that there are, or says what is wrong with the specification.
    pub(crate) fn create(&self, constraint: &Constraint, vocabulary: u32) -> Result<Box<dyn TokenMask>, EngineError> {
        let kind = &constraint.kind;
        let Some(factory) = self.0.get(kind) else {
            let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(EngineError::request(format!(
                "there is no constraint of kind '{kind}'; there are: {known}"
            )));
        };
        factory
            .create(&constraint.specification, vocabulary)
            .map_err(|problem| EngineError::request(format!("the constraint '{kind}' is wrong: {problem}")))
    }
}

impl Default for TokenMaskFactories {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for TokenMaskFactories {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// Allows the same tokens at every place. Its specification is a JSON list of token ids.
pub struct AllowedTokens;

#[derive(Debug)]
struct AllowedTokensMask(Vec<u32>);

impl TokenMaskFactory for AllowedTokens {
    fn create(&self, specification: &str, vocabulary: u32) -> Result<Box<dyn TokenMask>, String> {
        let tokens: Vec<u32> = serde_json::from_str(specification)
            .map_err(|error| format!("it must be a JSON list of token ids ({error})"))?;
        if tokens.is_empty() {
            return Err("its list of token ids is empty".to_owned());
        }
        if let Some(token) = tokens.iter().find(|token| **token >= vocabulary) {
            return Err(format!("token {token} is not one of the vocabulary's {vocabulary}"));
        }
        Ok(Box::new(AllowedTokensMask(tokens)))
    }
}

impl TokenMask for AllowedTokensMask {
    fn allow(&mut self, allowed: &mut TokenSet) {
        self.0.iter().for_each(|token| allowed.insert(*token));
    }

    fn accept(&mut self, _token: u32) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_to_its_range() {
        let mut set = TokenSet::empty(100..230);
        [99, 100, 163, 164, 229, 230]
            .into_iter()
            .for_each(|token| set.insert(token));
        let held: Vec<u32> = (0..400).filter(|token| set.contains(*token)).collect();
        assert_eq!(held, [100, 163, 164, 229]);
        let mut logits = vec![1.0_f32; 130];
        set.keep_only(&mut logits);
        let kept: Vec<usize> = (0..130).filter(|index| logits[*index] == 1.0).collect();
        assert_eq!(kept, [0, 63, 64, 129]);
        set.reset(0..3);
        assert_eq!((set.range(), set.contains(0)), (0..3, false));
        set.keep_only(&mut []);
    }

    #[test]
    fn words_are_inserted_as_their_tokens_are() {
        let words: Vec<u32> = (1..=9_u32).map(|index| index.wrapping_mul(0x9e37_79b9)).collect();
        let is_set = |token: u32| {
            words
                .get(token as usize / 32)
                .is_some_and(|word| word & 1 << (token % 32) != 0)
        };
        for range in [
            0..288,
            0..70,
            1..65,
            31..200,
            32..96,
            63..64,
            64..300,
            100..1000,
            288..400,
            5..5,
        ] {
            let mut one_by_one = TokenSet::empty(range.clone());
            range
                .clone()
                .filter(|token| is_set(*token))
                .for_each(|token| one_by_one.insert(token));
            let mut at_once = TokenSet::empty(range.clone());
            at_once.insert_words(&words);
            assert_eq!(at_once, one_by_one, "{range:?}");
        }
    }

    #[test]
    fn constraints_are_made_by_name_or_refused_with_the_reason() {
        let factories = TokenMaskFactories::built_in();
        let create = |kind: &str, specification: &str| {
            let constraint = Constraint {
                kind: kind.to_owned(),
                specification: specification.to_owned(),
            };
            factories.create(&constraint, 10)
        };
        let mut allowed = TokenSet::empty(4..10);
        create("allowed-tokens", "[3, 5, 9]").unwrap().allow(&mut allowed);
        assert_eq!(
            (0..12).filter(|token| allowed.contains(*token)).collect::<Vec<_>>(),
            [5, 9]
        );
        for (kind, specification, reason) in [
            ("grammar", "", "allowed-tokens"),
            ("allowed-tokens", "[]", "empty"),
            ("allowed-tokens", "[10]", "token 10"),
            ("allowed-tokens", "[-1]", "JSON list"),
            ("allowed-tokens", "nonsense", "JSON list"),
        ] {
            let error = create(kind, specification).unwrap_err();
            assert_eq!(error.code, "REQUEST_INVALID");
            assert!(error.message.contains(reason), "{error}");
        }
    }
}
