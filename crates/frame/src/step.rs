//! The order of work that the head sends to every member ahead of the activations.

use crate::FrameError;
use crate::reader::Reader;

/// Version of the descriptor's layout.
const STEP_DESCRIPTOR_VERSION: u32 = 1;

const OPERATION_BYTES: usize = 16;
const SEQUENCE_BYTES: usize = 24;
const TOKEN_BYTES: usize = 4;

/// A change of a slot's stored state, applied in order before the step's forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotOperation {
    /// Forget everything in the slot.
    Free {
        /// The slot.
        slot: u32,
    },
    /// Keep only the first `length` positions.
    Truncate {
        /// The slot.
        slot: u32,
        /// Positions that stay.
        length: u32,
    },
    /// Copy the first `length` positions of `from` over whatever `to` held.
    Fork {
        /// The slot that is read.
        from: u32,
        /// The slot that is written; never equal to `from`.
        to: u32,
        /// Positions that are copied.
        length: u32,
    },
}

/// The part of a step that belongs to one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceStep {
    /// The slot that holds the sequence's state.
    pub slot: u32,
    /// Position of the first token of this step within the sequence.
    pub start_position: u32,
    /// Tokens of this sequence in this step, at least 1.
    pub token_count: u32,
    /// How many of the last tokens need logits; usually 0 (prefill) or 1.
    pub output_rows: u32,
    /// The request's sampling state at the sampling member; meaningless where `output_rows` is 0.
    pub sampling_id: u64,
}

/// One forward pass over a batch, numbered by the head. Members never decide: all they do follows from descriptors.
///
/// The tokens of all sequences follow one another in the order of `sequences`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepDescriptor {
    /// Epoch of the instance.
    pub epoch: u32,
    /// Number of the step, rising by 1 within an epoch.
    pub step: u64,
    /// The sequences that take part. Empty when a step only changes slots.
    pub sequences: Vec<SequenceStep>,
    /// Token ids of all sequences, one after the other.
    pub tokens: Vec<u32>,
    /// Changes of slots, in order, before the forward pass.
    pub operations: Vec<SlotOperation>,
}

/// Bounds that a decoder enforces before it allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepLimits {
    /// Most sequences in a step.
    pub sequences: usize,
    /// Most tokens in a step.
    pub tokens: usize,
    /// Most slot operations in a step.
    pub operations: usize,
}

impl Default for StepLimits {
    fn default() -> Self {
        Self {
            sequences: 4096,
            tokens: 1 << 20,
            operations: 16_384,
        }
    }
}

impl StepDescriptor {
    /// Each sequence with the slice of its tokens.
    ///
    /// A descriptor that was built with counts that disagree gives short slices rather than a panic.
    pub fn sequences_with_tokens(&self) -> impl Iterator<Item = (&SequenceStep, &[u32])> {
        let mut first = 0_usize;
        self.sequences.iter().map(move |sequence| {
            let start = first.min(self.tokens.len());
            let end = start
                .saturating_add(sequence.token_count as usize)
                .min(self.tokens.len());
            first = end;
            (sequence, &self.tokens[start..end])
        })
    }

    /// Rows of logits that the step produces.
    pub fn output_row_count(&self) -> usize {
        self.sequences
            .iter()
            .map(|sequence| sequence.output_rows as usize)
            .sum()
    }

    /// Checks that counts, positions and slots agree with one another; what [`Self::decode`] accepts passes.
    ///
    /// # Errors
    /// The first field that does not.
    pub fn validate(&self, limits: &StepLimits) -> Result<(), FrameError> {
        limit("sequence count", self.sequences.len(), limits.sequences)?;
        limit("token count", self.tokens.len(), limits.tokens)?;
        limit("operation count", self.operations.len(), limits.operations)?;
        let mut total = 0_u64;
        for sequence in &self.sequences {
            if sequence.token_count == 0 {
                return Err(FrameError::Invalid {
                    field: "tokens of a sequence",
                    value: 0,
                });
            }
            if sequence.output_rows > sequence.token_count {
                return Err(FrameError::Invalid {
                    field: "output rows",
                    value: u64::from(sequence.output_rows),
                });
            }
            if sequence.start_position.checked_add(sequence.token_count).is_none() {
                return Err(FrameError::Invalid {
                    field: "start position",
                    value: u64::from(sequence.start_position),
                });
            }
            total += u64::from(sequence.token_count);
        }
        if total != self.tokens.len() as u64 {
            return Err(FrameError::Invalid {
                field: "sum of the sequences' token counts",
                value: total,
            });
        }
        for operation in &self.operations {
            if let SlotOperation::Fork { from, to, .. } = operation
                && from == to
            {
                return Err(FrameError::Invalid {
                    field: "fork target",
                    value: u64::from(*to),
                });
            }
        }
        Ok(())
    }

    /// Bytes that [`Self::encode`] appends.
    pub fn encoded_bytes(&self) -> usize {
        28 + self.operations.len() * OPERATION_BYTES
            + self.sequences.len() * SEQUENCE_BYTES
            + self.tokens.len() * TOKEN_BYTES
    }

    /// Appends the descriptor to `output`, which the caller may reuse from step to step.
    ///
    /// # Errors
    /// The descriptor contradicts itself or exceeds the default limits, see [`Self::validate`].
    pub fn encode(&self, output: &mut Vec<u8>) -> Result<(), FrameError> {
        self.validate(&StepLimits::default())?;
        output.reserve(self.encoded_bytes());
        let mut word = |value: u32| output.extend_from_slice(&value.to_le_bytes());
        word(STEP_DESCRIPTOR_VERSION);
        word(self.epoch);
        word(self.step as u32);
        word((self.step >> 32) as u32);
        // The limits keep every count within 32 bits.
        word(self.operations.len() as u32);
        word(self.sequences.len() as u32);
        word(self.tokens.len() as u32);
        for operation in &self.operations {
            let words = match *operation {
                SlotOperation::Free { slot } => [1, slot, 0, 0],
                SlotOperation::Truncate { slot, length } => [2, slot, length, 0],
                SlotOperation::Fork { from, to, length } => [3, from, to, length],
            };
            words.into_iter().for_each(&mut word);
        }
        for sequence in &self.sequences {
            word(sequence.slot);
            word(sequence.start_position);
            word(sequence.token_count);
            word(sequence.output_rows);
            word(sequence.sampling_id as u32);
            word((sequence.sampling_id >> 32) as u32);
        }
        self.tokens.iter().copied().for_each(&mut word);
        Ok(())
    }

    /// Reads a descriptor that fills `bytes` exactly.
    ///
    /// # Errors
    /// The bytes are not one valid descriptor within `limits`.
    pub fn decode(bytes: &[u8], limits: &StepLimits) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u32()?;
        if version != STEP_DESCRIPTOR_VERSION {
            return Err(FrameError::Invalid {
                field: "step descriptor version",
                value: u64::from(version),
            });
        }
        let epoch = reader.u32()?;
        let step = reader.u64()?;
        let operation_count = reader.count("operation count", limits.operations, OPERATION_BYTES)?;
        let sequence_count = reader.count("sequence count", limits.sequences, SEQUENCE_BYTES)?;
        let token_count = reader.count("token count", limits.tokens, TOKEN_BYTES)?;
        let mut operations = Vec::with_capacity(operation_count);
        for _ in 0..operation_count {
            operations.push(decode_operation(&mut reader)?);
        }
        let mut sequences = Vec::with_capacity(sequence_count);
        for _ in 0..sequence_count {
            sequences.push(SequenceStep {
                slot: reader.u32()?,
                start_position: reader.u32()?,
                token_count: reader.u32()?,
                output_rows: reader.u32()?,
                sampling_id: reader.u64()?,
            });
        }
        let mut tokens = Vec::with_capacity(token_count);
        for _ in 0..token_count {
            tokens.push(reader.u32()?);
        }
        reader.finish()?;
        let descriptor = Self {
            epoch,
            step,
            sequences,
            tokens,
            operations,
        };
        descriptor.validate(limits)?;
        Ok(descriptor)
    }
}

fn decode_operation(reader: &mut Reader<'_>) -> Result<SlotOperation, FrameError> {
    let (code, first, second, third) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
    let unused = |value: u32| match value {
        0 => Ok(()),
        _ => Err(FrameError::Invalid {
            field: "unused word of a slot operation",
            value: u64::from(value),
        }),
    };
    match code {
        1 => {
            unused(second)?;
            unused(third)?;
            Ok(SlotOperation::Free { slot: first })
        }
        2 => {
            unused(third)?;
            Ok(SlotOperation::Truncate {
                slot: first,
                length: second,
            })
        }
        3 => Ok(SlotOperation::Fork {
            from: first,
            to: second,
            length: third,
        }),
        _ => Err(FrameError::Invalid {
            field: "slot operation",
            value: u64::from(code),
        }),
    }
}

fn limit(field: &'static str, value: usize, limit: usize) -> Result<(), FrameError> {
    if value > limit {
        return Err(FrameError::TooLarge {
            field,
            value: value as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}
