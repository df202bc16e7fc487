//! The head's loop: orders, steps, tokens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shoal_fabric::{Channel, Deadline, Envelope, FrameKind, Interest, MemberIndex, wait_for_message};

use crate::answers::{AnswerBoard, AnswerPainter};
use crate::driver::Driver;
use crate::error::EngineError;
use crate::event::EngineEvent;
use crate::inbox::{Command, Inbox};
use crate::options::EventCallback;
use crate::sampling::{Drawn, decode_tokens};
use crate::scheduler::{PlannedStep, Scheduler, SchedulerLimits};
use crate::statistics::Counters;
use crate::tags::{NOTHING_TAG, ONLY_TAG, REGISTRATION_TAG};

/// Member 0 of stage 0 at work.
pub(crate) struct HeadLoop {
    driver: Driver,
    scheduler: Scheduler,
    inbox: Arc<Inbox>,
    counters: Arc<Counters>,
    answers: Arc<AnswerBoard>,
    painter: AnswerPainter,
    on_event: EventCallback,
    step_deadline: Duration,
    /// All other members.
    members: Vec<Channel>,
    /// Those of the last stage that need sampling options.
    samplers: Vec<Channel>,
    /// Member 0 of the last stage, where that is another.
    token_source: Option<Channel>,
    vocabulary: u32,
    message: Vec<u8>,
}

impl HeadLoop {
    pub(crate) fn new(
        driver: Driver,
        stage_sizes: &[u16],
        limits: SchedulerLimits,
        inbox: Arc<Inbox>,
        (counters, answers): (Arc<Counters>, Arc<AnswerBoard>),
        on_event: EventCallback,
        step_deadline: Duration,
    ) -> Result<Self, EngineError> {
        let last_stage = stage_sizes.len().saturating_sub(1) as u16;
        let members: Vec<Channel> = driver.links().channels().cloned().collect();
        let expected: usize = stage_sizes.iter().map(|size| usize::from(*size)).sum();
        if members.len() + 1 != expected {
            let message = format!(
                "the head has channels to {} of {} other members",
                members.len(),
                expected - 1
            );
            return Err(EngineError::new("ARGUMENT_INVALID", message));
        }
        let samplers = members
            .iter()
            .filter(|channel| channel.peer().index.stage == last_stage)
            .cloned()
            .collect();
        let token_source = match last_stage {
            0 => None,
            stage => Some(driver.links().channel(MemberIndex::new(stage, 0))?.clone()),
        };
        Ok(Self {
            driver,
            vocabulary: limits.vocabulary,
            scheduler: Scheduler::new(limits),
            inbox,
            counters,
            answers,
            painter: AnswerPainter::default(),
            on_event,
            step_deadline,
            members,
            samplers,
            token_source,
            message: Vec::new(),
        })
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Runs until the owner closes the member or something fails.
    pub(crate) fn run(&mut self) -> Result<(), EngineError> {
        while !self.inbox.is_closing() {
            self.take_commands();
            let expired = self.scheduler.expire(Instant::now());
            self.tell(expired);
            match self.scheduler.plan(Instant::now()) {
                Some(step) => self.step(&step)?,
                None => self.idle()?,
            }
        }
        Ok(())
    }

    fn take_commands(&mut self) {
        for command in self.inbox.take_commands() {
            match command {
                Command::Submit(request) => self.scheduler.submit(*request, Instant::now()),
                Command::Cancel { request_id, choice } => {
                    let events = self.scheduler.cancel(request_id, choice, Instant::now());
                    self.tell(events);
                }
            }
        }
    }

    /// Sleeps until there is an order, or until a member is lost or leaves.
    fn idle(&mut self) -> Result<(), EngineError> {
        self.count_slots();
        let interest = |channel| Interest {
            channel,
            kind: FrameKind::Control,
            tag: NOTHING_TAG,
        };
        let interests: Vec<Interest<'_>> = self.members.iter().map(interest).collect();
        wait_for_message(&interests, Some(self.inbox.waker()), Deadline::never())?;
        Ok(())
    }

    fn step(&mut self, step: &PlannedStep) -> Result<(), EngineError> {
        let deadline = Deadline::after(self.step_deadline);
        self.count_slots();
        self.announce(step, deadline)?;
        let own = self.driver.run(&step.descriptor, &step.registrations)?;
        if step.outputs.is_empty() {
            return Ok(());
        }
        let drawn = match own {
            Some(drawn) => drawn,
            None => self.receive_tokens(step, deadline)?,
        };
        let count = drawn.len() as u64;
        self.counters.generated_tokens.fetch_add(count, Ordering::Relaxed);
        let events = self.scheduler.apply(&step.outputs, drawn, Instant::now());
        self.tell(events);
        Ok(())
    }

    /// Sends the descriptor to everybody, and before it what the sampling members need.
    fn announce(&mut self, step: &PlannedStep, deadline: Deadline) -> Result<(), EngineError> {
        for registration in &step.registrations {
            let bytes = registration.encode();
            let envelope = Envelope::new(FrameKind::Control, REGISTRATION_TAG).with_step(step.descriptor.step);
            for sampler in &self.samplers {
                sampler.send(&envelope, &bytes, deadline)?;
            }
        }
        if self.members.is_empty() {
            return Ok(());
        }
        self.message.clear();
        step.descriptor
            .encode(&mut self.message)
            .map_err(|error| EngineError::new("INTERNAL", format!("step {}: {error}", step.descriptor.step)))?;
        let envelope = Envelope::new(FrameKind::StepDescriptor, ONLY_TAG).with_step(step.descriptor.step);
        for member in &self.members {
            member.send(&envelope, &self.message, deadline)?;
        }
        Ok(())
    }

    fn receive_tokens(&mut self, step: &PlannedStep, deadline: Deadline) -> Result<Vec<Drawn>, EngineError> {
        let number = step.descriptor.step;
        let Some(source) = &self.token_source else {
            return Err(EngineError::new("INTERNAL", format!("step {number} gave no tokens")));
        };
        let started = Instant::now();
        let info = source.receive(FrameKind::Token, ONLY_TAG, &mut self.message, deadline)?;
        self.counters.add_communication(started.elapsed());
        let alternatives: Vec<Option<u32>> = step.outputs.iter().map(|output| output.alternatives).collect();
        let drawn = decode_tokens(&self.message, &alternatives, self.vocabulary);
        let drawn = drawn.filter(|_| info.envelope.step == number);
        drawn.ok_or_else(|| {
            let text = format!(
                "it sent {} bytes of tokens of step {}, expected were {} tokens of step {number} below {}",
                self.message.len(),
                info.envelope.step,
                step.outputs.len(),
                self.vocabulary
            );
            EngineError::desynchronized(source.peer().index, text)
        })
    }

    fn count_slots(&mut self) {
        let scheduler = &self.scheduler;
        self.painter
            .draw(&self.answers, scheduler.revision(), Instant::now(), || {
                scheduler.answers()
            });
        let counters = &self.counters;
        let slots = self.scheduler.resident_slots() as u64;
        counters.resident_slots.store(slots, Ordering::Relaxed);
        let waiting = self.scheduler.waiting_count() as u64;
        counters.waiting_requests.store(waiting, Ordering::Relaxed);
    }

    /// Counts before it tells: who hears that a request has ended may look at the counters.
    fn tell(&mut self, events: Vec<EngineEvent>) {
        if events.is_empty() {
            return;
        }
        self.count_slots();
        for event in events {
            match event {
                EngineEvent::RequestFinished { request_id, .. } => self.inbox.choice_ended(request_id),
                EngineEvent::RequestFailed { request_id, .. } => self.inbox.request_ended(request_id),
                _ => {}
            }
            (self.on_event)(event);
        }
    }
}
