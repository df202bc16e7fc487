//! What the members of the last stage do with their logits: the sampler draws, the others send it their part.

use std::time::Instant;

use shoal_abi::backend::Executable;
use shoal_fabric::{Channel, Deadline, Envelope, FrameKind, MemberIndex};
use shoal_frame::StepDescriptor;
use shoal_program::{Communication, MemberProgram, Range};

use crate::driver::boundary;
use crate::error::EngineError;
use crate::links::Links;
use crate::sampling::{
    Drawn, OutputRow, OwnLogits, Registration, RegistrationLimits, Registry, RowNeeds, SampleError, Scratch,
    ShardReader, TokenMaskFactories, sample_rows, write_shard,
};
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
    limits: RegistrationLimits,
    scratch: Scratch,
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
    pub(crate) fn register(&mut self, registration: Registration) -> Result<(), EngineError> {
        self.registry.insert(registration)
    }

    pub(crate) fn free_slot(&mut self, slot: u32) {
        self.registry.free_slot(slot);
    }

    pub(crate) fn truncate_slot(&mut self, slot: u32, length: u32) -> Result<(), EngineError> {
        self.registry.truncate_slot(slot, length)
    }

    /// The rows that a token is drawn from. Takes the registrations of sequences that are new, and the tokens of the
    /// step into the logs of their sequences.
    pub(crate) fn rows(
        &mut self,
        descriptor: &StepDescriptor,
        deadline: Deadline,
    ) -> Result<Vec<OutputRow>, EngineError> {
        let mut rows = Vec::with_capacity(descriptor.output_row_count());
        for (step, tokens) in descriptor.sequences_with_tokens() {
            let sampling_id = step.sampling_id;
            if self.registry.get(sampling_id).is_none() {
                self.receive_registration(sampling_id, deadline)?;
            }
            let Some(sequence) = self.registry.get(sampling_id) else {
                let message = format!("sequence {sampling_id} has no sampling options");
                return Err(EngineError::new("INTERNAL", message));
            };
            let needs = RowNeeds::of(sequence.options());
            let first_output = tokens.len().saturating_sub(step.output_rows as usize);
            for (position, (index, token)) in (u64::from(step.start_position)..).zip(tokens.iter().enumerate()) {
                if index >= first_output {
                    // Its own draw comes before the tokens behind it.
                    rows.push(OutputRow {
                        sampling_id,
                        position: position + 1,
                        previous: *token,
                        needs,
                    });
                } else if !sequence.follow(position, *token) {
                    return Err(broken_log(self.head.as_ref(), sampling_id));
                }
            }
        }
        Ok(rows)
    }

    fn receive_registration(&mut self, sampling_id: u64, deadline: Deadline) -> Result<(), EngineError> {
        let Some(head) = &self.head else { return Ok(()) };
        head.receive(FrameKind::Control, REGISTRATION_TAG, &mut self.message, deadline)?;
        match Registration::decode(&self.message, &self.limits) {
            Some(registration) if registration.sampling_id == sampling_id => self.registry.insert(registration),
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
    ) -> Result<Option<Vec<Drawn>>, EngineError> {
        let (first_token, width) = (self.first_token, self.width);
        let (registry, scratch, message) = (&mut self.registry, &mut self.scratch, &mut self.message);
        let failure = |error| failure(error, self.head.as_ref(), rows, step);
        match &self.role {
            LogitsRole::Silent => Ok(None),
            LogitsRole::Shard { sampler } => {
                with_logits(executable, self.value, |logits| {
                    write_shard(
                        rows,
                        registry,
                        OwnLogits {
                            logits,
                            first_token,
                            width,
                        },
                        scratch,
                        message,
                    )
                })?
                .map_err(failure)?;
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
                    counters.add_communication(started.elapsed());
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
                let vocabulary = self.vocabulary_size as usize;
                let drawn = with_logits(executable, self.value, |logits| {
                    sample_rows(
                        rows,
                        registry,
                        OwnLogits {
                            logits,
                            first_token,
                            width,
                        },
                        &mut readers,
                        vocabulary,
                        scratch,
                    )
                })?;
                drawn.map(Some).map_err(failure)
            }
        }
    }
}

/// The head ordered a token that does not continue the sequence.
fn broken_log(head: Option<&Channel>, sampling_id: u64) -> EngineError {
    let message = format!("a step leaves a hole in the token log of sequence {sampling_id}");
    match head {
        Some(head) => EngineError::desynchronized(head.peer().index, message),
        None => EngineError::new("INTERNAL", message),
    }
}

fn failure(error: SampleError, head: Option<&Channel>, rows: &[OutputRow], step: u64) -> EngineError {
    match error {
        SampleError::NoFiniteLogit { row } => EngineError::new(
            "BACKEND_FAILED",
            format!("output row {row} of step {step} holds no finite logit"),
        ),
        SampleError::UnknownSequence { row } => broken_log(head, rows.get(row).map_or(0, |row| row.sampling_id)),
    }
}

/// What the draw needs to know of the member beside its program.
#[derive(Debug, Clone)]
pub(crate) struct LogitsSurroundings {
    pub(crate) token_masks: TokenMaskFactories,
    pub(crate) context_length: u32,
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

/// The logits as a program declares them.
#[derive(Debug)]
pub(crate) struct LogitsValue<'program> {
    pub(crate) name: &'program str,
    pub(crate) range: Range,
    pub(crate) vocabulary_size: u64,
}

pub(crate) fn logits_output(
    me: MemberIndex,
    size: u16,
    program: &MemberProgram,
    value: &LogitsValue<'_>,
    links: &Links,
    surroundings: LogitsSurroundings,
) -> Result<LogitsOutput, EngineError> {
    let LogitsValue {
        name: value,
        range,
        vocabulary_size,
    } = *value;
    let (Ok(first_token), Ok(width), Ok(vocabulary)) = (
        u32::try_from(range.0),
        u32::try_from(range.length()),
        u32::try_from(vocabulary_size),
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
        registry: Registry::new(surroundings.token_masks, vocabulary),
        head: if me == head {
            None
        } else {
            Some(links.channel(head)?.clone())
        },
        limits: RegistrationLimits {
            context_length: surroundings.context_length,
        },
        scratch: Scratch::default(),
        message: Vec::new(),
    })
}
