//! Which tokens of which sequences make up the next step. Pure: no clock, no I/O.
//!
//! All sequences share the tokens of a step fairly ([`budget`]): each one that decodes gets its one token, and prompts
//! divide the rest evenly. So a long prompt is computed in parts, keeps nobody who decodes waiting for more than a step,
//! and lets short prompts pass. Requests enter slots in the order in which they came.
//!
//! The choices of a request are sequences of their own. The first one computes the prompt but for its last token; then
//! the others take a copy of its state (a fork), and all of them go on from the last token of the prompt, each with its
//! own draws.

mod budget;
mod check;
mod running;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shoal_frame::{SlotOperation, StepDescriptor};

use crate::answers::{AnswerProgress, AnswerState, listed, remember};
use crate::event::{EngineEvent, FinishReason};
use crate::options::EngineRequest;
use crate::sampling::{Drawn, Registration};
pub(crate) use check::check;
use running::Running;

/// Sizes that the scheduler keeps to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SchedulerLimits {
    pub(crate) slot_count: u32,
    pub(crate) context_length: u32,
    pub(crate) maximum_step_tokens: u32,
    pub(crate) epoch: u32,
    /// Token ids must be below this.
    pub(crate) vocabulary: u32,
}

/// A choice of a request that has no slot yet.
#[derive(Debug)]
struct Waiting {
    request: Arc<EngineRequest>,
    choice: u32,
    submitted: Instant,
    /// When the request gives up; only with its first choice, because one that has begun does not.
    expires: Option<Instant>,
}

impl Waiting {
    fn progress(&self, state: AnswerState, ended: Option<Instant>) -> AnswerProgress {
        AnswerProgress {
            request_id: self.request.id,
            choice: self.choice,
            state,
            prompt_tokens: self.request.prompt_tokens.len() as u32,
            generated_tokens: 0,
            submitted: self.submitted,
            started: None,
            first_token: None,
            ended,
        }
    }
}

/// A step that shall be run.
#[derive(Debug)]
pub(crate) struct PlannedStep {
    pub(crate) descriptor: StepDescriptor,
    /// Sequences that appear for the first time, in the order of the descriptor.
    pub(crate) registrations: Vec<Registration>,
    /// Sequences that get a token from this step, in the order of the output rows.
    pub(crate) outputs: Vec<PlannedOutput>,
}

/// A sequence that gets a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedOutput {
    pub(crate) sampling_id: u64,
    /// Alternatives that are asked for, where log-probabilities are.
    pub(crate) alternatives: Option<u32>,
}

/// Requests that wait, run and end.
#[derive(Debug)]
pub(crate) struct Scheduler {
    limits: SchedulerLimits,
    waiting: VecDeque<Waiting>,
    running: Vec<Running>,
    /// The next slot to use is at the end.
    free_slots: Vec<u32>,
    operations: Vec<SlotOperation>,
    next_step: u64,
    next_sampling_id: u64,
    /// Answers that ended lately.
    ended: VecDeque<AnswerProgress>,
    /// Counts what changes the list of answers, but for the progress of those in it.
    revision: u64,
}

impl Scheduler {
    pub(crate) fn new(limits: SchedulerLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            running: Vec::new(),
            free_slots: (0..limits.slot_count).rev().collect(),
            operations: Vec::new(),
            next_step: 1,
            next_sampling_id: 1,
            ended: VecDeque::new(),
            revision: 0,
        }
    }

    pub(crate) fn submit(&mut self, request: EngineRequest, now: Instant) {
        let patience = request.queue_timeout_milliseconds.map(Duration::from_millis);
        let expires = patience.and_then(|patience| now.checked_add(patience));
        let request = Arc::new(request);
        self.revision += 1;
        for index in 0..request.choices {
            self.waiting.push_back(Waiting {
                request: request.clone(),
                choice: request.first_choice + index,
                submitted: now,
                expires: expires.filter(|_| index == 0),
            });
        }
    }

    /// Ends a request at once, or one of its choices; slots are freed with the next step. Each choice that has not
    /// ended ends with an event.
    pub(crate) fn cancel(&mut self, request_id: u64, choice: Option<u32>, now: Instant) -> Vec<EngineEvent> {
        let is_meant =
            |request: &EngineRequest, one: u32| request.id == request_id && choice.is_none_or(|choice| choice == one);
        let mut events = Vec::new();
        let cancelled = AnswerState::Finished(FinishReason::Cancelled);
        for running in self.take_running(|running| is_meant(&running.request, running.choice), &cancelled, now) {
            events.push(running.finished(FinishReason::Cancelled, now));
        }
        for waiting in self.take_waiting(|waiting| is_meant(&waiting.request, waiting.choice), &cancelled, now) {
            events.push(EngineEvent::RequestFinished {
                request_id,
                choice: waiting.choice,
                reason: FinishReason::Cancelled,
                prompt_tokens: 0,
                generated_tokens: 0,
                prefill_microseconds: 0,
                decode_microseconds: 0,
            });
        }
        events
    }

    /// Fails the requests that have waited for a slot for as long as they would.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<EngineEvent> {
        let is_late = |waiting: &&Waiting| waiting.expires.is_some_and(|expires| expires <= now);
        let late: Vec<Arc<EngineRequest>> = self
            .waiting
            .iter()
            .filter(is_late)
            .map(|waiting| waiting.request.clone())
            .collect();
        let fail = |request: &Arc<EngineRequest>| {
            let code = AnswerState::Failed("REQUEST_QUEUE_TIMEOUT");
            self.take_waiting(|waiting| waiting.request.id == request.id, &code, now);
            EngineEvent::RequestFailed {
                request_id: request.id,
                code: "REQUEST_QUEUE_TIMEOUT".to_owned(),
                message: format!(
                    "the request found none of {} slots free within {} ms",
                    self.limits.slot_count,
                    request.queue_timeout_milliseconds.unwrap_or(0)
                ),
            }
        };
        late.iter().map(fail).collect()
    }

    pub(crate) fn resident_slots(&self) -> usize {
        self.running.len()
    }

    /// Choices of requests that have no slot yet.
    pub(crate) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Counts what [`Self::answers`] tells but for the progress of each.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Those that ended lately, the oldest first, then those in slots, then those that wait; of many the first.
    pub(crate) fn answers(&self) -> Vec<AnswerProgress> {
        let ended = self.ended.iter().cloned();
        let running = listed(self.running.iter()).map(|running| running.progress(None, None));
        let waiting = listed(self.waiting.iter()).map(|waiting| waiting.progress(AnswerState::Waiting, None));
        ended.chain(running).chain(waiting).collect()
    }

    /// Takes choices out of the queue, which end so.
    fn take_waiting(&mut self, is_meant: impl Fn(&Waiting) -> bool, end: &AnswerState, now: Instant) -> Vec<Waiting> {
        if !self.waiting.iter().any(&is_meant) {
            return Vec::new();
        }
        let (taken, kept): (Vec<Waiting>, Vec<Waiting>) =
            std::mem::take(&mut self.waiting).into_iter().partition(is_meant);
        self.waiting = kept.into();
        for waiting in &taken {
            self.revision += 1;
            remember(&mut self.ended, waiting.progress(end.clone(), Some(now)));
        }
        taken
    }

    /// Takes sequences out of their slots, which end so.
    fn take_running(&mut self, is_meant: impl Fn(&Running) -> bool, end: &AnswerState, now: Instant) -> Vec<Running> {
        let (taken, kept) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|one| is_meant(one));
        self.running = kept;
        let taken: Vec<Running> = taken;
        for running in &taken {
            self.revision += 1;
            remember(&mut self.ended, running.progress(Some(end.clone()), Some(now)));
            self.operations.push(SlotOperation::Free { slot: running.slot });
            self.free_slots.push(running.slot);
        }
        taken
    }

    fn admit(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            let Some(slot) = self.free_slots.pop() else { return };
            let Some(Waiting {
                request,
                choice,
                submitted,
                ..
            }) = self.waiting.pop_front()
            else {
                return;
            };
            self.revision += 1;
            let sampling_id = self.next_sampling_id;
            self.next_sampling_id += 1;
            self.running
                .push(Running::new(request, choice, slot, sampling_id, [submitted, now]));
        }
    }

    /// Copies the state of the prompt into the slots of choices whose siblings have it.
    fn fork_prompts(&mut self) {
        for index in 0..self.running.len() {
            let running = &self.running[index];
            let shared = running.shared_length();
            if shared == 0 || running.position > 0 {
                continue;
            }
            let has_state = |other: &&Running| other.request.id == running.request.id && other.position >= shared;
            let Some(donor) = self.running.iter().find(has_state) else {
                continue;
            };
            self.operations.push(SlotOperation::Fork {
                from: donor.slot,
                to: running.slot,
                length: shared,
            });
            self.running[index].position = shared;
        }
    }

    /// Tokens that a sequence could take in a step of any size.
    fn demand(&self, running: &Running) -> u32 {
        if running.last_token.is_some() {
            return 1;
        }
        let rest = running.prompt_length() - running.position.min(running.prompt_length());
        let shared = running.shared_length();
        if running.position >= shared {
            return rest;
        }
        // One of the choices computes what all share, the one that is furthest; the others wait for it.
        let siblings = || {
            let is_sibling = |other: &&Running| other.request.id == running.request.id && other.position < shared;
            self.running.iter().filter(is_sibling)
        };
        let rank = |one: &Running| (one.position, std::cmp::Reverse(one.choice));
        if siblings().any(|other| rank(other) > rank(running)) {
            return 0;
        }
        match siblings().count() {
            1 => rest,
            _ => shared - running.position,
        }
    }

    /// The next step, or nothing when there is no work. Its results must be given to [`Self::apply`] before another
    /// step is planned, unless it has no outputs.
    pub(crate) fn plan(&mut self, now: Instant) -> Option<PlannedStep> {
        self.admit(now);
        self.fork_prompts();
        let demands: Vec<u32> = self.running.iter().map(|running| self.demand(running)).collect();
        let grants = budget::share(self.limits.maximum_step_tokens, &demands);
        let mut step = PlannedStep {
            descriptor: StepDescriptor {
                epoch: self.limits.epoch,
                step: self.next_step,
                operations: std::mem::take(&mut self.operations),
                ..StepDescriptor::default()
            },
            registrations: Vec::new(),
            outputs: Vec::new(),
        };
        // Those that decode come first, so that their rows lie together.
        for decodes in [true, false] {
            for (running, grant) in self.running.iter_mut().zip(&grants) {
                if *grant > 0 && running.last_token.is_some() == decodes && !running.is_planned {
                    running.is_planned = true;
                    running.take_part(*grant, &mut step, now);
                }
            }
        }
        if step.descriptor.sequences.is_empty() && step.descriptor.operations.is_empty() {
            return None;
        }
        // Where a step cannot hold a token of each, those who had their turn go to the back.
        if grants
            .iter()
            .zip(&demands)
            .any(|(grant, demand)| *grant == 0 && *demand > 0)
        {
            let (served, unserved): (Vec<_>, _) = std::mem::take(&mut self.running)
                .into_iter()
                .partition(|running| running.is_planned);
            self.running = unserved;
            self.running.extend(served);
        }
        self.running.iter_mut().for_each(|running| running.is_planned = false);
        self.next_step += 1;
        Some(step)
    }

    /// Takes what was drawn in a step, one per output in their order.
    pub(crate) fn apply(&mut self, outputs: &[PlannedOutput], drawn: Vec<Drawn>, now: Instant) -> Vec<EngineEvent> {
        let mut events = Vec::with_capacity(drawn.len());
        for (PlannedOutput { sampling_id, .. }, drawn) in outputs.iter().zip(drawn) {
            let mut sequences = self.running.iter_mut();
            let Some(running) = sequences.find(|running| running.sampling_id == *sampling_id) else {
                continue;
            };
            match drawn {
                Drawn::Token {
                    token,
                    log_probabilities,
                } => {
                    events.push(running.accept(token, log_probabilities, now));
                    let Some(reason) = running.finish_reason(token, self.limits.context_length) else {
                        running.last_token = Some(token);
                        continue;
                    };
                    events.push(running.finished(reason, now));
                    let end = AnswerState::Finished(reason);
                    self.take_running(|running| running.sampling_id == *sampling_id, &end, now);
                }
                Drawn::NothingAllowed => {
                    let request_id = running.request.id;
                    events.push(running.nothing_allowed());
                    let end = AnswerState::Failed("REQUEST_NO_TOKEN_ALLOWED");
                    self.take_running(|running| running.request.id == request_id, &end, now);
                    self.take_waiting(|waiting| waiting.request.id == request_id, &end, now);
                }
            }
        }
        events
    }
}

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod tests;
