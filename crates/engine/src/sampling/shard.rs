//! Logits of a vocabulary that is split over members: what each sends to the sampler.
//!
//! A message holds the first token and the width of the member's range. Then, for each output row, either
//! - all logits of the range, as the model gave them, where only the whole row is exact (a temperature without top-k);
//!   the sampler puts the rows together and goes on as if it had computed them itself; or
//! - the largest candidates (token, logit) of the range, after penalties, biases and constraint. These change each
//!   logit by itself, and every member of the last stage knows the sequence's token log, so that the largest of all
//!   ranges' candidates are the largest of the vocabulary: exact. Where log-probabilities are wanted, there follow the
//!   candidates' logits as the model gave them (only if they were changed), the range's normalizer (maximum, sum), and
//!   its largest logits (token, logit) as the model gave them.
//!
//! Which of the two, and how many, follows from the sequence's options, which every member of the last stage knows.

use super::candidates::{Candidate, largest};
use super::draw::{OutputRow, RowNeeds, Scratch, adjusted_logits};
use super::log_probability::Normalizer;
use super::sequence::Sequence;

/// Token and logit.
const CANDIDATE_BYTES: usize = 8;
const LOGIT_BYTES: usize = 4;
/// Maximum and sum.
const NORMALIZER_BYTES: usize = 12;

impl RowNeeds {
    /// Candidates that a range of this width contributes; nothing for all its logits.
    fn candidates_of(&self, width: usize) -> Option<usize> {
        self.candidates.map(|count| count.min(width))
    }

    /// Bytes of a row in the message of a range of this width.
    fn bytes(&self, width: usize) -> usize {
        let Some(candidates) = self.candidates_of(width) else {
            return width * LOGIT_BYTES;
        };
        let unadjusted = if self.is_adjusted { candidates * LOGIT_BYTES } else { 0 };
        let log_probabilities = self.alternatives.map_or(0, |count| {
            unadjusted + NORMALIZER_BYTES + count.min(width) * CANDIDATE_BYTES
        });
        candidates * CANDIDATE_BYTES + log_probabilities
    }
}

/// Begins the message of a member that holds `width` tokens from `first_token` on.
pub(crate) fn begin_message(first_token: u32, width: usize, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&first_token.to_le_bytes());
    into.extend_from_slice(&(width as u32).to_le_bytes());
}

/// Appends what the sampler needs of a row of the member's own logits.
pub(crate) fn write_row(
    output: &OutputRow,
    sequence: &mut Sequence,
    logits: &[f32],
    first_token: u32,
    scratch: &mut Scratch,
    into: &mut Vec<u8>,
) {
    let needs = output.needs;
    let Some(count) = needs.candidates_of(logits.len()) else {
        into.extend(logits.iter().flat_map(|logit| logit.to_le_bytes()));
        return;
    };
    let adjusted = adjusted_logits(logits, first_token, needs, sequence, &mut scratch.adjusted);
    write_largest(adjusted, first_token, count, &mut scratch.candidates, into);
    let Some(alternatives) = needs.alternatives else { return };
    if needs.is_adjusted {
        for candidate in &scratch.candidates {
            let index = (candidate.token - first_token) as usize;
            into.extend_from_slice(&logits.get(index).copied().unwrap_or(f32::NAN).to_le_bytes());
        }
    }
    let Normalizer { maximum, sum } = Normalizer::of(logits);
    into.extend_from_slice(&maximum.to_le_bytes());
    into.extend_from_slice(&sum.to_le_bytes());
    let count = alternatives.min(logits.len());
    write_largest(logits, first_token, count, &mut scratch.candidates, into);
}

fn write_largest(logits: &[f32], first_token: u32, count: usize, found: &mut Vec<Candidate>, into: &mut Vec<u8>) {
    largest(logits, first_token, count, found);
    // A row without a number has fewer: the rest says so.
    let none = Candidate {
        token: first_token,
        logit: f32::NAN,
    };
    found.resize(count, none);
    for candidate in found.iter() {
        into.extend_from_slice(&candidate.token.to_le_bytes());
        into.extend_from_slice(&candidate.logit.to_le_bytes());
    }
}

/// What the members know of a row, put together.
#[derive(Debug)]
pub(crate) struct GatheredRow {
    /// As the filters shall see them.
    pub(crate) candidates: Vec<Candidate>,
    /// The same tokens as the model gave them; empty where nothing was changed or nobody asks.
    pub(crate) unadjusted: Vec<Candidate>,
    pub(crate) normalizer: Normalizer,
    pub(crate) alternatives: Vec<Candidate>,
}

impl GatheredRow {
    pub(crate) fn new() -> Self {
        Self {
            candidates: Vec::new(),
            unadjusted: Vec::new(),
            normalizer: Normalizer::EMPTY,
            alternatives: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.candidates.clear();
        self.unadjusted.clear();
        self.normalizer = Normalizer::EMPTY;
        self.alternatives.clear();
    }
}

/// The message of a member, checked.
#[derive(Debug)]
pub(crate) struct ShardReader<'bytes> {
    first_token: u32,
    width: usize,
    rest: &'bytes [u8],
}

impl<'bytes> ShardReader<'bytes> {
    /// Nothing when the message is not exactly what `rows` ask for.
    pub(crate) fn new(bytes: &'bytes [u8], rows: &[OutputRow], vocabulary_size: u64) -> Option<Self> {
        let (first_token, rest) = bytes.split_first_chunk::<4>()?;
        let (width, rest) = rest.split_first_chunk::<4>()?;
        let (first_token, width) = (u32::from_le_bytes(*first_token), u32::from_le_bytes(*width));
        if u64::from(first_token) + u64::from(width) > vocabulary_size {
            return None;
        }
        let width = width as usize;
        let expected: usize = rows.iter().map(|row| row.needs.bytes(width)).sum();
        (rest.len() == expected).then_some(Self {
            first_token,
            width,
            rest,
        })
    }

    /// Copies the next row's logits to their place in a row of the whole vocabulary.
    pub(crate) fn read_logits(&mut self, row: &mut [f32]) {
        let bytes = self.take(self.width * LOGIT_BYTES);
        let (logits, _) = bytes.as_chunks::<LOGIT_BYTES>();
        let own = row.iter_mut().skip(self.first_token as usize);
        own.zip(logits)
            .for_each(|(logit, bytes)| *logit = f32::from_le_bytes(*bytes));
    }

    /// Adds what the message holds of the next row.
    pub(crate) fn read_candidates(&mut self, needs: &RowNeeds, into: &mut GatheredRow) {
        let count = needs.candidates_of(self.width).unwrap_or(0);
        let first = into.candidates.len();
        self.read_largest(count, &mut into.candidates);
        let Some(alternatives) = needs.alternatives else { return };
        if needs.is_adjusted {
            let (logits, _) = self.take(count * LOGIT_BYTES).as_chunks::<LOGIT_BYTES>();
            let tokens = into.candidates.iter().skip(first);
            into.unadjusted
                .extend(tokens.zip(logits).map(|(candidate, bytes)| Candidate {
                    token: candidate.token,
                    logit: f32::from_le_bytes(*bytes),
                }));
        }
        if let Some((maximum, sum)) = self.take(NORMALIZER_BYTES).split_first_chunk::<4>() {
            let sum = sum.first_chunk::<8>().map_or(0.0, |bytes| f64::from_le_bytes(*bytes));
            let maximum = f32::from_le_bytes(*maximum);
            into.normalizer = into.normalizer.and(Normalizer { maximum, sum });
        }
        self.read_largest(alternatives.min(self.width), &mut into.alternatives);
    }

    fn read_largest(&mut self, count: usize, into: &mut Vec<Candidate>) {
        let range = self.first_token..self.first_token.saturating_add(self.width as u32);
        let (pairs, _) = self.take(count * CANDIDATE_BYTES).as_chunks::<CANDIDATE_BYTES>();
        into.extend(pairs.iter().map(|[a, b, c, d, logit @ ..]| {
            let token = u32::from_le_bytes([*a, *b, *c, *d]);
            // A token outside the member's range would break whoever looks it up.
            let logit = match range.contains(&token) {
                true => f32::from_le_bytes(*logit),
                false => f32::NAN,
            };
            Candidate { token, logit }
        }));
    }

    /// The next bytes; `new` has checked that there are as many.
    fn take(&mut self, length: usize) -> &'bytes [u8] {
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        bytes
    }
}
