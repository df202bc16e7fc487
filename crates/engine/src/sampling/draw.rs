//! What a row of logits becomes: the token that is drawn, with its log-probabilities where they are asked for.

use super::candidates::{Candidate, largest};
use super::choose::choose_from_row;
use super::log_probability::{Normalizer, TokenLogProbabilities};
use super::sequence::Sequence;
use crate::options::SamplingOptions;

/// A row of logits that a token is drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputRow {
    pub(crate) sampling_id: u64,
    /// Position of the token that is drawn, in its sequence.
    pub(crate) position: u64,
    /// The token before it, whose row this is.
    pub(crate) previous: u32,
    pub(crate) needs: RowNeeds,
}

/// What the draw needs of a row; every member of the last stage knows it from the sequence's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowNeeds {
    /// How many of the largest (adjusted) logits decide the token exactly; nothing where only the whole row does.
    pub(crate) candidates: Option<usize>,
    /// Alternatives whose log-probability is wanted; nothing where none are wanted at all.
    pub(crate) alternatives: Option<usize>,
    /// Penalties, biases or a constraint change the logits first.
    pub(crate) is_adjusted: bool,
}

impl RowNeeds {
    pub(crate) fn of(options: &SamplingOptions) -> Self {
        Self {
            candidates: options.candidate_count(),
            alternatives: options.log_probabilities.map(|count| count as usize),
            is_adjusted: options.is_adjusted(),
        }
    }
}

/// What was drawn from a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Drawn {
    Token {
        token: u32,
        log_probabilities: Option<Box<TokenLogProbabilities>>,
    },
    /// The constraint leaves nothing to draw.
    NothingAllowed,
}

/// Buffers that are kept from row to row.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) candidates: Vec<Candidate>,
    /// A row put together from parts.
    pub(crate) row: Vec<f32>,
    pub(crate) adjusted: Vec<f32>,
}

/// Logits of a range of the vocabulary as the filters shall see them; `adjusted` is where they are changed.
pub(crate) fn adjusted_logits<'logits>(
    logits: &'logits [f32],
    first_token: u32,
    needs: RowNeeds,
    sequence: &mut Sequence,
    adjusted: &'logits mut Vec<f32>,
) -> &'logits [f32] {
    if !needs.is_adjusted {
        return logits;
    }
    adjusted.clear();
    adjusted.extend_from_slice(logits);
    sequence.adjust(adjusted, first_token);
    adjusted
}

/// Draws from the logits of the whole vocabulary. Nothing when none is a finite number.
pub(crate) fn draw_from_row(
    row: &[f32],
    output: &OutputRow,
    sequence: &mut Sequence,
    candidates: &mut Vec<Candidate>,
    adjusted: &mut Vec<f32>,
) -> Option<Drawn> {
    let logits = adjusted_logits(row, 0, output.needs, sequence, adjusted);
    let drawn = choose_from_row(
        logits,
        candidates,
        sequence.options(),
        sequence.choice(),
        output.position,
    );
    let Some(token) = drawn else {
        return nothing_drawn(sequence);
    };
    let log_probabilities = output.needs.alternatives.map(|count| {
        largest(row, 0, count, candidates);
        let drawn = row.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
        Box::new(Normalizer::of(row).log_probabilities(drawn, candidates))
    });
    Some(Drawn::Token {
        token,
        log_probabilities,
    })
}

/// A row without a finite number is the model's failure, unless a constraint has taken all numbers away.
pub(crate) fn nothing_drawn(sequence: &Sequence) -> Option<Drawn> {
    sequence.options().constraint.is_some().then_some(Drawn::NothingAllowed)
}
