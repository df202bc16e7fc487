//! One member's part of a step: slot operations, activations in, segments with their communication, activations or
//! tokens out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shoal_abi::backend::{Executable, SlotOperation as ExecutableSlotOperation, Step, StepSequenceView};
use shoal_fabric::{Channel, Deadline, Envelope, FrameKind, Group, MemberIndex};
use shoal_frame::{SlotOperation, StepDescriptor};
use shoal_program::{Communication, MemberOutput, MemberProgram, ProgramInput, Range};

use crate::error::EngineError;
use crate::links::Links;
use crate::sampling::{Candidate, OutputRow, Registration, Registry, ShardReader, sample_rows, write_shard};
use crate::statistics::Counters;

/// Tags within [`FrameKind::Activation`].
const HIDDEN_TAG: u64 = 0;
const LOGITS_TAG: u64 = 1;
/// Tag within [`FrameKind::Control`]: sampling options of a new sequence.
pub(crate) const REGISTRATION_TAG: u64 = 1;
/// Tag within [`FrameKind::Control`] that nothing is ever sent under: waiting for it is waiting for a failure.
pub(crate) const NOTHING_TAG: u64 = 2;
/// Tag within [`FrameKind::Token`] and [`FrameKind::StepDescriptor`].
pub(crate) const ONLY_TAG: u64 = 0;

/// The exchange after a segment, by the indices of boundary values.
#[derive(Debug)]
enum Exchange {
    None,
    Sum {
        value: u32,
    },
    Gather {
        value: Option<u32>,
        output: u32,
        widths: Vec<usize>,
    },
}

/// Where hidden rows come from.
#[derive(Debug)]
struct HiddenInput {
    value: u32,
    channel: Channel,
}

/// What becomes of the last segment's result.
#[derive(Debug)]
enum Output {
    /// To these members of the next stage; perhaps none, where other members serve them all.
    Hidden {
        value: u32,
        receivers: Vec<Channel>,
    },
    Logits(Box<LogitsOutput>),
}

#[derive(Debug)]
struct LogitsOutput {
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

/// Runs the steps of one member.
#[derive(Debug)]
pub(crate) struct Driver {
    executable: Executable,
    input: Option<HiddenInput>,
    exchanges: Vec<Exchange>,
    output: Output,
    group: Option<Group>,
    links: Links,
    counters: Arc<Counters>,
    step_deadline: Duration,
    sequences: Vec<StepSequenceView>,
    gathered: Vec<u8>,
}

impl Driver {
    pub(crate) fn new(
        me: MemberIndex,
        stage_sizes: &[u16],
        program: &MemberProgram,
        executable: Executable,
        links: Links,
        counters: Arc<Counters>,
        step_deadline: Duration,
    ) -> Result<Self, EngineError> {
        let stage_size = |stage: usize| stage_sizes.get(stage).copied().filter(|size| *size > 0);
        let size = stage_size(usize::from(me.stage))
            .filter(|size| me.member < *size)
            .ok_or_else(|| {
                EngineError::new(
                    "ARGUMENT_INVALID",
                    format!("{me} is not a member of stages of sizes {stage_sizes:?}"),
                )
            })?;
        if program.member != u32::from(me.member) || program.member_count != u32::from(size) {
            return Err(EngineError::new(
                "ARGUMENT_INVALID",
                format!(
                    "the program of member {} of {} was given to {me} of {size}",
                    program.member, program.member_count
                ),
            ));
        }
        let is_first = me.stage == 0;
        let is_last = usize::from(me.stage) + 1 == stage_sizes.len();
        let input = match &program.input {
            ProgramInput::Tokens if is_first => None,
            ProgramInput::Hidden { value, .. } if !is_first => {
                let previous = stage_size(usize::from(me.stage) - 1).unwrap_or(1);
                let sender = MemberIndex::new(me.stage - 1, me.member % previous);
                Some(HiddenInput {
                    value: boundary(program, value)?,
                    channel: links.channel(sender)?.clone(),
                })
            }
            _ => {
                return Err(EngineError::new(
                    "ARGUMENT_INVALID",
                    format!("{me} got a program for another stage"),
                ));
            }
        };
        let output = match &program.output {
            MemberOutput::Hidden { value } if !is_last => {
                let next = stage_size(usize::from(me.stage) + 1).unwrap_or(1);
                let receivers = (0..next).filter(|member| member % size == me.member);
                let channel = |member| links.channel(MemberIndex::new(me.stage + 1, member)).cloned();
                Output::Hidden {
                    value: boundary(program, value)?,
                    receivers: receivers.map(channel).collect::<Result<_, _>>()?,
                }
            }
            MemberOutput::Logits {
                value,
                vocabulary_range,
                vocabulary_size,
            } if is_last => Output::Logits(Box::new(logits_output(
                me,
                size,
                program,
                value,
                *vocabulary_range,
                *vocabulary_size,
                &links,
            )?)),
            _ => {
                return Err(EngineError::new(
                    "ARGUMENT_INVALID",
                    format!("{me} got a program for another stage"),
                ));
            }
        };
        let exchanges = program
            .segments
            .iter()
            .map(|segment| exchange_of(program, segment.communication.as_ref()));
        Ok(Self {
            executable,
            input,
            exchanges: exchanges.collect::<Result<_, _>>()?,
            output,
            group: links.stage_group(me, size)?,
            links,
            counters,
            step_deadline,
            sequences: Vec::new(),
            gathered: Vec::new(),
        })
    }

    pub(crate) fn links(&self) -> &Links {
        &self.links
    }

    /// Runs a step to its end. The sampler gets a token per output row. `registrations`: of the sequences that begin
    /// in this step, where they are known here already.
    pub(crate) fn run(
        &mut self,
        descriptor: &StepDescriptor,
        registrations: &[Registration],
    ) -> Result<Option<Vec<u32>>, EngineError> {
        for operation in &descriptor.operations {
            self.slot_operation(*operation)?;
        }
        // After the operations: a sequence may begin in the very slot that they free.
        if let Output::Logits(output) = &mut self.output {
            for registration in registrations {
                output.registry.insert(*registration);
            }
        }
        if descriptor.sequences.is_empty() {
            return Ok(None);
        }
        let deadline = Deadline::after(self.step_deadline);
        self.sequences.clear();
        self.sequences
            .extend(descriptor.sequences.iter().map(|sequence| StepSequenceView {
                slot: sequence.slot,
                start_position: sequence.start_position,
                token_count: sequence.token_count,
                output_rows: sequence.output_rows,
            }));
        if let Some(group) = &mut self.group {
            group.set_step(descriptor.step);
        }
        let step = Step {
            number: descriptor.step,
            sequences: &self.sequences,
            tokens: &descriptor.tokens,
        };
        self.executable.begin_step(&step)?;
        let result = self.run_segments(descriptor, deadline);
        // Also after a failure, so that the backend is not left inside a step; the first error is the one that counts.
        let ended = self.executable.end_step();
        let tokens = result?;
        ended?;
        self.counters.steps.fetch_add(1, Ordering::Relaxed);
        let (sent, received) = self.links.wire_bytes();
        self.counters.wire_bytes_sent.store(sent, Ordering::Relaxed);
        self.counters.wire_bytes_received.store(received, Ordering::Relaxed);
        Ok(tokens)
    }

    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), EngineError> {
        let operation = match operation {
            SlotOperation::Free { slot } => {
                if let Output::Logits(output) = &mut self.output {
                    output.registry.free_slot(slot);
                }
                ExecutableSlotOperation::Free { slot }
            }
            SlotOperation::Truncate { slot, length } => ExecutableSlotOperation::Truncate { slot, length },
            SlotOperation::Fork { from, to, length } => ExecutableSlotOperation::Fork { from, to, length },
        };
        Ok(self.executable.slot_operation(operation)?)
    }

    fn run_segments(
        &mut self,
        descriptor: &StepDescriptor,
        deadline: Deadline,
    ) -> Result<Option<Vec<u32>>, EngineError> {
        if let Some(input) = &self.input {
            let started = Instant::now();
            let channel = &input.channel;
            self.executable.with_value(input.value, |rows| {
                let bytes = bytes_of_mut(rows);
                let expected = bytes.len();
                let info = channel.receive_into(FrameKind::Activation, HIDDEN_TAG, bytes, deadline)?;
                if info.length != expected || info.envelope.step != descriptor.step {
                    return Err(EngineError::desynchronized(
                        channel.peer().index,
                        format!(
                            "it sent {} bytes of activations for step {}, expected were {expected} for step {}",
                            info.length, info.envelope.step, descriptor.step
                        ),
                    ));
                }
                Ok(())
            })??;
            self.counters.add_wait(started.elapsed());
        }
        for index in 0..self.exchanges.len() {
            let started = Instant::now();
            self.executable.execute(index as u32)?;
            self.counters.add_compute(started.elapsed());
            self.exchange(index, deadline)?;
        }
        self.finish(descriptor, deadline)
    }

    fn exchange(&mut self, index: usize, deadline: Deadline) -> Result<(), EngineError> {
        // A group of one exchanges nothing: sums stay as they are. A gather still fills its output.
        let started = Instant::now();
        match (self.exchanges.get(index), &mut self.group) {
            (Some(Exchange::Sum { value }), Some(group)) => {
                self.executable
                    .with_value(*value, |rows| group.all_reduce_sum_f32(rows, deadline))??;
            }
            (Some(Exchange::Gather { value, output, widths }), Some(group)) => {
                let own_width = widths.get(group.rank()).copied().unwrap_or(0);
                let total: usize = widths.iter().sum();
                let gathered = &mut self.gathered;
                let mut gather = |own: &[f32], output: &mut [f32]| -> Result<(), EngineError> {
                    let rows = output.len() / total.max(1);
                    if own.len() != rows * own_width || rows * total != output.len() {
                        return Err(EngineError::new(
                            "BACKEND_FAILED",
                            "the gathered values have different row counts",
                        ));
                    }
                    let lengths: Vec<usize> = widths.iter().map(|width| width * rows * size_of::<f32>()).collect();
                    group.all_gather(bytes_of(own), &lengths, gathered, deadline)?;
                    interleave(gathered, widths, rows, output);
                    Ok(())
                };
                match value {
                    Some(value) => {
                        self.executable
                            .with_two_values(*value, *output, |own, output| gather(own, output))??;
                    }
                    None => self.executable.with_value(*output, |output| gather(&[], output))??,
                }
            }
            (
                Some(Exchange::Gather {
                    value: Some(value),
                    output,
                    ..
                }),
                None,
            ) => {
                let copied = self.executable.with_two_values(*value, *output, |own, output| {
                    let fits = own.len() == output.len();
                    if fits {
                        output.copy_from_slice(own);
                    }
                    fits
                })?;
                if !copied {
                    return Err(EngineError::new(
                        "BACKEND_FAILED",
                        "the gathered values have different sizes",
                    ));
                }
                return Ok(());
            }
            _ => return Ok(()),
        }
        self.counters.add_wait(started.elapsed());
        Ok(())
    }

    fn finish(&mut self, descriptor: &StepDescriptor, deadline: Deadline) -> Result<Option<Vec<u32>>, EngineError> {
        match &mut self.output {
            Output::Hidden { receivers, .. } if receivers.is_empty() => Ok(None),
            Output::Hidden { value, receivers } => {
                let envelope = Envelope::new(FrameKind::Activation, HIDDEN_TAG).with_step(descriptor.step);
                self.executable.with_value(*value, |rows| {
                    let bytes = bytes_of(rows);
                    receivers
                        .iter()
                        .try_for_each(|receiver| receiver.send(&envelope, bytes, deadline))
                })??;
                Ok(None)
            }
            Output::Logits(output) => {
                let rows = output.rows(descriptor, deadline)?;
                if rows.is_empty() {
                    return Ok(None);
                }
                output.finish(&mut self.executable, descriptor.step, &rows, deadline, &self.counters)
            }
        }
    }
}

impl LogitsOutput {
    /// The rows that a token is drawn from; takes the registrations of sequences that are new.
    fn rows(&mut self, descriptor: &StepDescriptor, deadline: Deadline) -> Result<Vec<OutputRow>, EngineError> {
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

    fn finish(
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

fn boundary(program: &MemberProgram, value: &str) -> Result<u32, EngineError> {
    program.boundary_index(value).ok_or_else(|| {
        EngineError::new(
            "PROGRAM_INVALID",
            format!("value '{value}' reaches the driver but is no boundary value"),
        )
    })
}

fn exchange_of(program: &MemberProgram, communication: Option<&Communication>) -> Result<Exchange, EngineError> {
    Ok(match communication {
        None => Exchange::None,
        Some(Communication::AllReduceSum { value }) => Exchange::Sum {
            value: boundary(program, value)?,
        },
        Some(Communication::AllGather { value, output, widths }) => Exchange::Gather {
            value: program.boundary_index(value),
            output: boundary(program, output)?,
            widths: widths.iter().map(|width| *width as usize).collect(),
        },
    })
}

fn logits_output(
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

/// Puts the members' rows, which lie one member after the other, side by side.
fn interleave(gathered: &[u8], widths: &[usize], rows: usize, output: &mut [f32]) {
    let total: usize = widths.iter().sum();
    let (mut source, mut column) = (0, 0);
    for width in widths {
        for row in 0..rows {
            let length = width * size_of::<f32>();
            let target = row * total + column;
            bytes_of_mut(&mut output[target..target + width]).copy_from_slice(&gathered[source..source + length]);
            source += length;
        }
        column += width;
    }
}

// Activations are little-endian F32 on the wire, and these are their bytes in memory.
#[cfg(target_endian = "big")]
compile_error!("activations are sent as they lie in memory; a big-endian port must swap bytes here");

fn bytes_of(values: &[f32]) -> &[u8] {
    // SAFETY: any float is four valid bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

fn bytes_of_mut(values: &mut [f32]) -> &mut [u8] {
    // SAFETY: as above, and any four bytes are a valid float.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_rows_are_put_side_by_side() {
        // Two rows; members of widths 2, 0 and 1.
        let gathered = [1.0_f32, 2.0, 3.0, 4.0, 10.0, 20.0];
        let mut output = [0.0; 6];
        interleave(bytes_of(&gathered), &[2, 0, 1], 2, &mut output);
        assert_eq!(output, [1.0, 2.0, 10.0, 3.0, 4.0, 20.0]);
    }
}
