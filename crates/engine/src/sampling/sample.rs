//! The draw of every row of a step, at the sampler, and what the other members of the last stage do in its place.

use super::candidates::{Candidate, largest};
use super::choose::choose;
use super::draw::{Drawn, OutputRow, Scratch, adjusted_logits, draw_from_row, nothing_drawn};
use super::log_probability::Normalizer;
use super::registry::Registry;
use super::sequence::Sequence;
use super::shard::{GatheredRow, ShardReader, begin_message, write_row};

/// A member's own part of the logits of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnLogits<'logits> {
    /// Rows of `width` columns.
    pub(crate) logits: &'logits [f32],
    /// The token of the first column.
    pub(crate) first_token: u32,
    pub(crate) width: usize,
}

impl<'logits> OwnLogits<'logits> {
    fn row(&self, index: usize) -> &'logits [f32] {
        let start = index * self.width;
        self.logits.get(start..start + self.width).unwrap_or(&[])
    }
}

/// Why a step has no tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SampleError {
    /// No logit of this row is a finite number.
    NoFiniteLogit { row: usize },
    /// The row belongs to a sequence that is not known here, or whose log it does not continue.
    UnknownSequence { row: usize },
}

/// Takes the token before a row into the log of its sequence.
fn follow<'registry>(
    registry: &'registry mut Registry,
    output: &OutputRow,
    row: usize,
) -> Result<&'registry mut Sequence, SampleError> {
    let sequence = registry
        .get(output.sampling_id)
        .ok_or(SampleError::UnknownSequence { row })?;
    match sequence.follow(output.position - 1, output.previous) {
        true => Ok(sequence),
        false => Err(SampleError::UnknownSequence { row }),
    }
}

/// Writes the message of a member that is not the sampler.
pub(crate) fn write_shard(
    rows: &[OutputRow],
    registry: &mut Registry,
    own: OwnLogits<'_>,
    scratch: &mut Scratch,
    into: &mut Vec<u8>,
) -> Result<(), SampleError> {
    begin_message(own.first_token, own.width, into);
    for (index, output) in rows.iter().enumerate() {
        let sequence = follow(registry, output, index)?;
        write_row(output, sequence, own.row(index), own.first_token, scratch, into);
    }
    Ok(())
}

/// Draws one token a row from the own logits and those of the others, which together hold the whole vocabulary.
pub(crate) fn sample_rows(
    rows: &[OutputRow],
    registry: &mut Registry,
    own: OwnLogits<'_>,
    others: &mut [ShardReader<'_>],
    vocabulary: usize,
    scratch: &mut Scratch,
) -> Result<Vec<Drawn>, SampleError> {
    let mut gathered = GatheredRow::new();
    let mut all = Vec::with_capacity(rows.len());
    for (index, output) in rows.iter().enumerate() {
        let sequence = follow(registry, output, index)?;
        let logits = own.row(index);
        let Scratch {
            candidates,
            row,
            adjusted,
        } = scratch;
        let drawn = if others.is_empty() && own.first_token == 0 {
            draw_from_row(logits, output, sequence, candidates, adjusted)
        } else if output.needs.candidates.is_none() {
            row.clear();
            row.resize(vocabulary, f32::NEG_INFINITY);
            let place = row.iter_mut().skip(own.first_token as usize);
            place.zip(logits).for_each(|(place, logit)| *place = *logit);
            others.iter_mut().for_each(|other| other.read_logits(row));
            draw_from_row(row, output, sequence, candidates, adjusted)
        } else {
            gathered.clear();
            gather_own(output, sequence, own.first_token, logits, adjusted, &mut gathered);
            for other in others.iter_mut() {
                other.read_candidates(&output.needs, &mut gathered);
            }
            draw_from_candidates(output, sequence, &mut gathered)
        };
        all.push(drawn.ok_or(SampleError::NoFiniteLogit { row: index })?);
    }
    Ok(all)
}

/// Adds the sampler's own candidates, as its message would.
fn gather_own(
    output: &OutputRow,
    sequence: &mut Sequence,
    first_token: u32,
    logits: &[f32],
    adjusted: &mut Vec<f32>,
    into: &mut GatheredRow,
) {
    let needs = output.needs;
    let count = needs.candidates.unwrap_or(0).min(logits.len());
    let seen = adjusted_logits(logits, first_token, needs, sequence, adjusted);
    largest(seen, first_token, count, &mut into.candidates);
    let Some(alternatives) = needs.alternatives else { return };
    if needs.is_adjusted {
        let unadjusted = |candidate: &Candidate| {
            let logit = logits.get((candidate.token - first_token) as usize);
            Candidate {
                logit: logit.copied().unwrap_or(f32::NAN),
                ..*candidate
            }
        };
        into.unadjusted.extend(into.candidates.iter().map(unadjusted));
    }
    into.normalizer = Normalizer::of(logits);
    largest(logits, first_token, alternatives, &mut into.alternatives);
}

fn draw_from_candidates(output: &OutputRow, sequence: &Sequence, gathered: &mut GatheredRow) -> Option<Drawn> {
    let is_changed = output.needs.is_adjusted;
    if output.needs.alternatives.is_some() && !is_changed {
        // The draw below drops what it filters out.
        gathered.unadjusted.extend_from_slice(&gathered.candidates);
    }
    let (options, choice) = (sequence.options(), sequence.choice());
    let Some(token) = choose(&mut gathered.candidates, options, choice, output.position) else {
        return nothing_drawn(sequence);
    };
    let log_probabilities = output.needs.alternatives.map(|count| {
        let drawn = gathered.unadjusted.iter().find(|candidate| candidate.token == token);
        let logit = drawn.map_or(f32::NEG_INFINITY, |candidate| candidate.logit);
        gathered.alternatives.sort_unstable_by(Candidate::order);
        gathered.alternatives.truncate(count);
        Box::new(gathered.normalizer.log_probabilities(logit, &gathered.alternatives))
    });
    Some(Drawn::Token {
        token,
        log_probabilities,
    })
}

#[cfg(test)]
mod tests;
