//! What the members of the last stage do with their logits: the sampler draws, the others send it their part.

use std::time::Instant;

use shoal_abi::backend::Executable;
use shoal_fabric::{Channel, Deadline, Envelope, FrameKind, MemberIndex};
use shoal_frame::StepDescriptor;
use shoal_program::{Communication, MemberProgram, Range};

use crate::driver::boundary;
use crate::error::EngineError;
use crate::links::Links;
use crate::sampling::{Candidate, OutputRow, Registration, Registry, ShardReader, sample_rows, write_shard};
use crate::statistics::Counters;
use crate::tags::{LOGITS_TAG, REGISTRATION_TAG};

#[derive(Debug)]
pub(crate) struct LogitsOutput {
    /// Absent where this member has no part of the vocabulary.
    value: Option<u32>,
    first_token: u32,
    width: usize,
    vocabulary_size: u64,
    role: LogitsRole,
    registry: Registry,
    /// Where registrations come from; nothing at the head itself.
    head: Option<Channel>,
    candidates: Vec<Candidate>,
    message: Vec<u8>,
}

#[derive(Debug)]
enum LogitsRole {
    /// Draws the tokens, from its own logits and those of the other members.
    Sampler { others: Vec<Channel> },
    /// Sends its part to the sampler.
    Shard { sampler: Channel },
    /// Holds the same logits as the sampler and has nothing to do.
    Silent,
}

impl LogitsOutput {
    pub(crate) fn register(&mut self, registration: Registration) {
        self.registry.insert(registration);
    }

    pub(crate) fn free_slot(&mut self, slot: u32) {
        self.registry.free_slot(slot);
    }

    /// The rows that a token is drawn from; takes the registrations of sequences that are new.
    pub(crate) fn rows(
        &mut self,
        descriptor: &StepDescriptor,
        deadline: Deadline,
    ) -> Result<Vec<OutputRow>, EngineError> {
        let mut rows = Vec::with_capacity(descriptor.output_row_count());
        for sequence in &descriptor.sequences {
            if self.registry.get(sequence.sampling_id).is_none() {
                self.receive_registration(sequence.sampling_id, deadline)?;
            }
            let Some(options) = self.registry.get(sequence.sampling_id).copied() else {
                let message = format!("sequence {} has no sampling options", sequence.sampling_id);
                return Err(EngineError::new("INTERNAL", message));
            };
            let end = u64::from(sequence.start_position) + u64::from(sequence.token_count);
            let first = end - u64::from(sequence.output_rows) + 1;
            rows.extend((first..=end).map(|position| OutputRow { options, position }));
        }
        Ok(rows)
    }

    fn receive_registration(&mut self, sampling_id: u64, deadline: Deadline) -> Result<(), EngineError> {
        let Some(head) = &self.head else { return Ok(()) };
        head.receive(FrameKind::Control, REGISTRATION_TAG, &mut self.message, deadline)?;
        match Registration::decode(&self.message) {
            Some(registration) if registration.sampling_id == sampling_id => {
                self.registry.insert(registration);
                Ok(())
            }
            _ => Err(EngineError::desynchronized(
                head.peer().index,
                format!("it did not send the sampling options of sequence {sampling_id} when they were due"),
            )),
        }
    }

    pub(crate) fn finish(
        &mut self,
        executable: &mut Executable,
        step: u64,
        rows: &[OutputRow],
        deadline: Deadline,
        counters: &Counters,
    ) -> Result<Option<Vec<u32>>, EngineError> {
        let (first_token, width) = (self.first_token, self.width);
        let (candidates, message) = (&mut self.candidates, &mut self.message);
        match &self.role {
            LogitsRole::Silent => Ok(None),
            LogitsRole::Shard { sampler } => {
                with_logits(executable, self.value, |logits| {
                    write_shard(rows, logits, first_token, width, candidates, message);
                })?;
                let envelope = Envelope::new(FrameKind::Activation, LOGITS_TAG).with_step(step);
                sampler.send(&envelope, message, deadline)?;
                Ok(None)
            }
            LogitsRole::Sampler { others } => {
                let started = Instant::now();
                let mut messages = Vec::with_capacity(others.len());
                for other in others {
                    let mut message = Vec::new();
                    let info = other.receive(FrameKind::Activation, LOGITS_TAG, &mut message, deadline)?;
                    if info.envelope.step != step {
                        let text = format!("it sent logits of step {} in step {step}", info.envelope.step);
                        return Err(EngineError::desynchronized(other.peer().index, text));
                    }
                    messages.push(message);
                }
                if !others.is_empty() {
                    counters.add_wait(started.elapsed());
                }
                let mut readers = Vec::with_capacity(others.len());
                // With all logits here, the others hold none or copies.
                let others = if width as u64 == self.vocabulary_size {
                    &[]
                } else {
                    others.as_slice()
                };
                for (other, message) in others.iter().zip(&messages) {
                    readers.push(ShardReader::new(message, rows, self.vocabulary_size).ok_or_else(|| {
                        EngineError::desynchronized(
                            other.peer().index,
                            "it sent logits of another size than was asked for",
                        )
                    })?);
                }
                let tokens = with_logits(executable, self.value, |logits| {
                    sample_rows(rows, logits, first_token, width, &mut readers, candidates)
                })?;
                tokens.map(Some).map_err(|row| {
                    EngineError::new(
                        "BACKEND_FAILED",
                        format!("output row {row} of step {step} holds no finite logit"),
                    )
                })
            }
        }
    }
}

fn with_logits<T>(
    executable: &mut Executable,
    value: Option<u32>,
    body: impl FnOnce(&[f32]) -> T,
) -> Result<T, EngineError> {
    match value {
        Some(value) => Ok(executable.with_value(value, |logits| body(logits))?),
        None => Ok(body(&[])),
    }
}

pub(crate) fn logits_output(
    me: MemberIndex,
    size: u16,
    program: &MemberProgram,
    value: &str,
    range: Range,
    vocabulary_size: u64,
    links: &Links,
) -> Result<LogitsOutput, EngineError> {
    let (Ok(first_token), Ok(width), true) = (
        u32::try_from(range.0),
        u32::try_from(range.length()),
        vocabulary_size <= u64::from(u32::MAX),
    ) else {
        return Err(EngineError::new(
            "PROGRAM_INVALID",
            format!("a vocabulary of {vocabulary_size} entries"),
        ));
    };
    // After a gather everybody holds everything. Otherwise a member cannot know what the others hold: one with the
    // whole vocabulary may be the only one that has any.
    let is_gathered = program.segments.iter().any(
        |segment| matches!(&segment.communication, Some(Communication::AllGather { output, .. }) if output == value),
    );
    let role = match me.member {
        0 if is_gathered => LogitsRole::Sampler { others: Vec::new() },
        0 => {
            let others = (1..size).map(|member| links.channel(MemberIndex::new(me.stage, member)).cloned());
            LogitsRole::Sampler {
                others: others.collect::<Result<_, _>>()?,
            }
        }
        _ if is_gathered => LogitsRole::Silent,
        _ => LogitsRole::Shard {
            sampler: links.channel(MemberIndex::new(me.stage, 0))?.clone(),
        },
    };
    let head = MemberIndex::new(0, 0);
    Ok(LogitsOutput {
        value: if width == 0 {
            None
        } else {
            Some(boundary(program, value)?)
        },
        first_token,
        width: width as usize,
        vocabulary_size,
        role,
        registry: Registry::default(),
        head: if me == head {
            None
        } else {
            Some(links.channel(head)?.clone())
        },
        candidates: Vec::new(),
        message: Vec::new(),
    })
}
