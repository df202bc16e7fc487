//! The loop of every member but the head: do what the descriptors say.

use std::sync::Arc;
use std::time::Duration;

use shoal_fabric::{
    Channel, Deadline, Envelope, FabricError, FrameKind, Interest, MemberIndex, WaitOutcome, wait_for_message,
};
use shoal_frame::{StepDescriptor, StepLimits};
use shoal_program::CompileOptions;

use crate::driver::Driver;
use crate::error::EngineError;
use crate::inbox::Inbox;
use crate::sampling::encode_tokens;
use crate::tags::ONLY_TAG;

/// A member at work.
pub(crate) struct MemberLoop {
    driver: Driver,
    inbox: Arc<Inbox>,
    head: Channel,
    limits: StepLimits,
    compile: CompileOptions,
    epoch: u32,
    next_step: u64,
    step_deadline: Duration,
    message: Vec<u8>,
}

impl MemberLoop {
    pub(crate) fn new(
        driver: Driver,
        compile: CompileOptions,
        epoch: u32,
        inbox: Arc<Inbox>,
        step_deadline: Duration,
    ) -> Result<Self, EngineError> {
        let head = driver.links().channel(MemberIndex::new(0, 0))?.clone();
        let slots = compile.slot_count as usize;
        Ok(Self {
            driver,
            inbox,
            head,
            limits: StepLimits {
                sequences: slots,
                tokens: compile.maximum_step_tokens as usize,
                operations: slots * 2,
            },
            compile,
            epoch,
            next_step: 1,
            step_deadline,
            message: Vec::new(),
        })
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Runs until the owner closes the member, the head leaves or something fails.
    pub(crate) fn run(&mut self) -> Result<(), EngineError> {
        while !self.inbox.is_closing() {
            let interest = Interest {
                channel: &self.head,
                kind: FrameKind::StepDescriptor,
                tag: ONLY_TAG,
            };
            // No deadline: between steps a member idles for as long as the head lives.
            let message = match wait_for_message(&[interest], Some(self.inbox.waker()), Deadline::never()) {
                Ok(WaitOutcome::Message { message, .. }) => message,
                Ok(WaitOutcome::Woken | WaitOutcome::DeadlinePassed) => continue,
                // The head has left between steps: there is no more work, and nothing has failed.
                Err(FabricError::Closed { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let descriptor = self.decode(&message.payload)?;
            if let Some(drawn) = self.driver.run(&descriptor, &[])? {
                encode_tokens(&drawn, &mut self.message);
                let envelope = Envelope::new(FrameKind::Token, ONLY_TAG).with_step(descriptor.step);
                self.head
                    .send(&envelope, &self.message, Deadline::after(self.step_deadline))?;
            }
        }
        Ok(())
    }

    /// Reads a descriptor and checks it against what this member was loaded for.
    fn decode(&mut self, bytes: &[u8]) -> Result<StepDescriptor, EngineError> {
        let head = self.head.peer().index;
        let descriptor = StepDescriptor::decode(bytes, &self.limits)
            .map_err(|error| EngineError::desynchronized(head, format!("it sent a bad step descriptor: {error}")))?;
        if descriptor.epoch != self.epoch || descriptor.step != self.next_step {
            return Err(EngineError::desynchronized(
                head,
                format!(
                    "it sent step {} of epoch {}, expected was step {} of epoch {}",
                    descriptor.step, descriptor.epoch, self.next_step, self.epoch
                ),
            ));
        }
        for sequence in &descriptor.sequences {
            let end = u64::from(sequence.start_position) + u64::from(sequence.token_count);
            if sequence.slot >= self.compile.slot_count || end > u64::from(self.compile.context_length) {
                return Err(EngineError::desynchronized(
                    head,
                    format!(
                        "step {} uses slot {} up to position {end}",
                        descriptor.step, sequence.slot
                    ),
                ));
            }
        }
        self.next_step += 1;
        Ok(descriptor)
    }
}
