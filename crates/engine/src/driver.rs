//! One member's part of a step: slot operations, activations in, segments with their communication, activations or
//! tokens out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shoal_abi::backend::{Executable, SlotOperation as ExecutableSlotOperation, Step, StepSequenceView};
use shoal_fabric::{Channel, Deadline, Envelope, FrameKind, Group, MemberIndex, take_blocked_time};
use shoal_frame::{SlotOperation, StepDescriptor};
use shoal_program::{Communication, MemberOutput, MemberProgram, ProgramInput};

use crate::bytes::{bytes_of, bytes_of_mut, interleave};
use crate::error::EngineError;
use crate::links::Links;
use crate::logits::{LogitsOutput, LogitsSurroundings, LogitsValue, logits_output};
use crate::sampling::{Drawn, Registration};
use crate::statistics::Counters;
use crate::tags::HIDDEN_TAG;

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

/// What a driver is told about its member.
#[derive(Debug)]
pub(crate) struct DriverSetup<'options> {
    pub(crate) me: MemberIndex,
    pub(crate) stage_sizes: &'options [u16],
    pub(crate) program: &'options MemberProgram,
    pub(crate) step_deadline: Duration,
    pub(crate) surroundings: LogitsSurroundings,
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
    /// Slots that hold state.
    occupied: BTreeSet<u32>,
}

impl Driver {
    pub(crate) fn new(
        setup: DriverSetup<'_>,
        executable: Executable,
        links: Links,
        counters: Arc<Counters>,
    ) -> Result<Self, EngineError> {
        let DriverSetup {
            me,
            stage_sizes,
            program,
            step_deadline,
            surroundings,
        } = setup;
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
                &LogitsValue {
                    name: value,
                    range: *vocabulary_range,
                    vocabulary_size: *vocabulary_size,
                },
                &links,
                surroundings,
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
            occupied: BTreeSet::new(),
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
    ) -> Result<Option<Vec<Drawn>>, EngineError> {
        for operation in &descriptor.operations {
            self.slot_operation(*operation)?;
        }
        self.occupied
            .extend(descriptor.sequences.iter().map(|sequence| sequence.slot));
        let occupied = self.occupied.len() as u64;
        self.counters.occupied_slots.store(occupied, Ordering::Relaxed);
        // After the operations: a sequence may begin in the very slot that they free.
        if let Output::Logits(output) = &mut self.output {
            for registration in registrations {
                output.register(registration.clone())?;
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
        // What this thread waited between steps is nobody's delay.
        let _ = take_blocked_time();
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
                    output.free_slot(slot);
                }
                self.occupied.remove(&slot);
                ExecutableSlotOperation::Free { slot }
            }
            SlotOperation::Truncate { slot, length } => {
                if let Output::Logits(output) = &mut self.output {
                    output.truncate_slot(slot, length)?;
                }
                ExecutableSlotOperation::Truncate { slot, length }
            }
            SlotOperation::Fork { from, to, length } => {
                self.occupied.insert(to);
                ExecutableSlotOperation::Fork { from, to, length }
            }
        };
        Ok(self.executable.slot_operation(operation)?)
    }

    fn run_segments(
        &mut self,
        descriptor: &StepDescriptor,
        deadline: Deadline,
    ) -> Result<Option<Vec<Drawn>>, EngineError> {
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
            self.counters.add_communication(started.elapsed());
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
        self.counters.add_communication(started.elapsed());
        Ok(())
    }

    fn finish(&mut self, descriptor: &StepDescriptor, deadline: Deadline) -> Result<Option<Vec<Drawn>>, EngineError> {
        match &mut self.output {
            Output::Hidden { receivers, .. } if receivers.is_empty() => Ok(None),
            Output::Hidden { value, receivers } => {
                let started = Instant::now();
                let envelope = Envelope::new(FrameKind::Activation, HIDDEN_TAG).with_step(descriptor.step);
                self.executable.with_value(*value, |rows| {
                    let bytes = bytes_of(rows);
                    receivers
                        .iter()
                        .try_for_each(|receiver| receiver.send(&envelope, bytes, deadline))
                })??;
                self.counters.add_communication(started.elapsed());
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

pub(crate) fn boundary(program: &MemberProgram, value: &str) -> Result<u32, EngineError> {
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
