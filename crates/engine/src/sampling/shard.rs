//! Logits of a vocabulary that is split over members: what each sends to the sampler, and the draw from the parts.
//!
//! A message holds the first token and the width of the member's range, then for each output row either its largest
//! candidates (token, logit) or, where only the whole row is exact, all logits. Which of the two follows from the
//! row's sampling options, which every member of the last stage knows.

use super::candidates::{Candidate, largest};
use super::choose::{choose, choose_from_row};
use crate::options::SamplingOptions;

/// A row of logits that a token is drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputRow {
    pub(crate) options: SamplingOptions,
    /// Position of the token that is drawn, in its sequence.
    pub(crate) position: u64,
}

impl OutputRow {
    /// Candidates that a range of this width contributes; nothing for all its logits.
    fn candidate_count(&self, width: usize) -> Option<usize> {
        self.options.candidate_count().map(|count| count.min(width))
    }
}

/// Writes the message of a member: `logits` has `width` columns a row.
pub(crate) fn write_shard(
    rows: &[OutputRow],
    logits: &[f32],
    first_token: u32,
    width: usize,
    scratch: &mut Vec<Candidate>,
    into: &mut Vec<u8>,
) {
    into.clear();
    into.extend_from_slice(&first_token.to_le_bytes());
    into.extend_from_slice(&(width as u32).to_le_bytes());
    if width == 0 {
        return;
    }
    for (row, logits) in rows.iter().zip(logits.chunks_exact(width)) {
        let Some(count) = row.candidate_count(width) else {
            into.extend(logits.iter().flat_map(|logit| logit.to_le_bytes()));
            continue;
        };
        largest(logits, first_token, count, scratch);
        // A row without a number has fewer: the rest says so.
        scratch.resize(
            count,
            Candidate {
                token: first_token,
                logit: f32::NAN,
            },
        );
        for candidate in scratch.iter() {
            into.extend_from_slice(&candidate.token.to_le_bytes());
            into.extend_from_slice(&candidate.logit.to_le_bytes());
        }
    }
}

/// The message of another member, checked.
#[derive(Debug)]
pub(crate) struct ShardReader<'bytes> {
    first_token: u32,
    width: usize,
    rest: &'bytes [u8],
}

impl<'bytes> ShardReader<'bytes> {
    /// Nothing when the message is not exactly what `rows` ask for.
    pub(crate) fn new(bytes: &'bytes [u8], rows: &[OutputRow], vocabulary_size: u64) -> Option<Self> {
        let word = |offset: usize| {
            bytes
                .get(offset..)?
                .first_chunk::<4>()
                .map(|bytes| u32::from_le_bytes(*bytes))
        };
        let (first_token, width) = (word(0)?, word(4)?);
        if u64::from(first_token) + u64::from(width) > vocabulary_size {
            return None;
        }
        let width = width as usize;
        let row_bytes = |row: &OutputRow| row.candidate_count(width).map_or(width * 4, |count| count * 8);
        let expected: usize = rows.iter().map(row_bytes).sum();
        let rest = bytes.get(8..)?;
        (rest.len() == expected).then_some(Self {
            first_token,
            width,
            rest,
        })
    }

    /// Appends what the message holds for the next row.
    fn next_row(&mut self, row: &OutputRow, into: &mut Vec<Candidate>) {
        let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        let count = row.candidate_count(self.width);
        let length = count.map_or(self.width * 4, |count| count * 8);
        let (bytes, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        let (words, _) = bytes.as_chunks::<4>();
        if count.is_none() {
            let tokens = self.first_token..;
            into.extend(tokens.zip(words).map(|(token, bytes)| Candidate {
                token,
                logit: number(bytes),
            }));
            return;
        }
        let end = self.first_token.saturating_add(self.width as u32);
        for pair in words.chunks_exact(2) {
            let token = u32::from_le_bytes(pair[0]);
            // A token outside the member's range would break whoever looks it up.
            if (self.first_token..end).contains(&token) {
                into.push(Candidate {
                    token,
                    logit: number(&pair[1]),
                });
            }
        }
    }
}

/// Draws one token a row from the own logits (`width` columns from `first_token` on) and those of the others.
///
/// Fails with the index of a row in which no logit is a finite number.
pub(crate) fn sample_rows(
    rows: &[OutputRow],
    logits: &[f32],
    first_token: u32,
    width: usize,
    others: &mut [ShardReader<'_>],
    scratch: &mut Vec<Candidate>,
) -> Result<Vec<u32>, usize> {
    let mut tokens = Vec::with_capacity(rows.len());
    let mut own = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let start = index * width;
        let logits = logits.get(start..start + width).unwrap_or(&[]);
        let token = if others.is_empty() && first_token == 0 {
            choose_from_row(logits, scratch, &row.options, row.position)
        } else {
            match row.candidate_count(width) {
                Some(count) => largest(logits, first_token, count, scratch),
                None => {
                    scratch.clear();
                    let tokens = first_token..;
                    scratch.extend(
                        tokens
                            .zip(logits)
                            .map(|(token, logit)| Candidate { token, logit: *logit }),
                    );
                }
            }
            own.clear();
            own.append(scratch);
            for other in others.iter_mut() {
                other.next_row(row, &mut own);
            }
            choose(&mut own, &row.options, row.position)
        };
        tokens.push(token.ok_or(index)?);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::philox_uniform;

    #[test]
    fn a_split_vocabulary_gives_the_tokens_of_a_whole_one() {
        let (vocabulary, cuts) = (1000_usize, [0_usize, 300, 300, 1000]);
        let sampled = |temperature, top_k, top_p| SamplingOptions {
            temperature,
            top_k,
            top_p,
            min_p: None,
            seed: 11,
        };
        let options = [
            SamplingOptions::default(),
            sampled(1.0, None, None),
            sampled(0.8, Some(50), Some(0.9)),
            sampled(1.2, None, Some(0.8)),
            sampled(1.0, Some(600), None),
        ];
        let rows: Vec<OutputRow> = (0..50)
            .map(|index| OutputRow {
                options: options[index % 5],
                position: index as u64,
            })
            .collect();
        let logit = |row: usize, token: usize| (philox_uniform(row as u64, token as u64) * 8.0) as f32;
        let part = |from: usize, to: usize| -> Vec<f32> {
            (0..rows.len())
                .flat_map(|row| (from..to).map(move |token| logit(row, token)))
                .collect()
        };
        let mut scratch = Vec::new();
        let whole = sample_rows(&rows, &part(0, vocabulary), 0, vocabulary, &mut [], &mut scratch).unwrap();

        let messages: Vec<Vec<u8>> = cuts
            .windows(2)
            .map(|cut| {
                let mut bytes = Vec::new();
                write_shard(
                    &rows,
                    &part(cut[0], cut[1]),
                    cut[0] as u32,
                    cut[1] - cut[0],
                    &mut scratch,
                    &mut bytes,
                );
                bytes
            })
            .collect();
        let read = |index: usize| ShardReader::new(&messages[index], &rows, vocabulary as u64).unwrap();
        let split = sample_rows(&rows, &part(0, 300), 0, 300, &mut [read(1), read(2)], &mut scratch).unwrap();
        assert_eq!(split, whole);
        // The sampler may hold no logits itself.
        let empty = sample_rows(&rows, &[], 0, 0, &mut [read(0), read(1), read(2)], &mut scratch).unwrap();
        assert_eq!(empty, whole);
    }

    #[test]
    fn messages_that_do_not_fit_are_refused() {
        let rows = [OutputRow {
            options: SamplingOptions::default(),
            position: 0,
        }];
        let mut bytes = Vec::new();
        write_shard(&rows, &[1.0, 2.0], 10, 2, &mut Vec::new(), &mut bytes);
        assert!(ShardReader::new(&bytes, &rows, 12).is_some());
        assert!(ShardReader::new(&bytes, &rows, 11).is_none());
        assert!(ShardReader::new(&bytes[..15], &rows, 12).is_none());
        assert!(ShardReader::new(&bytes, &[], 12).is_none());
        assert!(ShardReader::new(&[], &rows, 12).is_none());
    }

    #[test]
    fn rows_without_a_number_are_named() {
        let rows = [OutputRow {
            options: SamplingOptions::default(),
            position: 0,
        }; 2];
        let logits = [1.0, 2.0, f32::NAN, f32::NAN];
        assert_eq!(sample_rows(&rows, &logits, 0, 2, &mut [], &mut Vec::new()), Err(1));
    }
}
