//! Which tokens of which sequences make up the next step. Pure: no clock, no I/O.
//!
//! Every sequence that decodes gets its one token first; what is left of the step goes to prompts, in the order in
//! which their requests came. So a long prompt is computed in parts and keeps nobody waiting for more than a step.

use std::collections::VecDeque;
use std::time::Instant;

use shoal_frame::{SequenceStep, SlotOperation, StepDescriptor};

use crate::error::EngineError;
use crate::event::{EngineEvent, FinishReason};
use crate::options::EngineRequest;
use crate::sampling::Registration;

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

/// A request in a slot.
#[derive(Debug)]
struct Running {
    request: EngineRequest,
    slot: u32,
    sampling_id: u64,
    /// Positions whose state the slot holds once the last planned step is done.
    position: u32,
    /// The token that was sampled last and is not in the slot yet.
    last_token: Option<u32>,
    generated: u32,
    started: Instant,
    first_token: Option<Instant>,
}

impl Running {
    fn prompt_length(&self) -> u32 {
        self.request.prompt_tokens.len() as u32
    }

    fn finished(&self, reason: FinishReason, now: Instant) -> EngineEvent {
        let first_token = self.first_token.unwrap_or(now);
        let microseconds = |from: Instant, to: Instant| {
            u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
        };
        EngineEvent::RequestFinished {
            request_id: self.request.id,
            reason,
            prompt_tokens: self.position.min(self.prompt_length()),
            generated_tokens: self.generated,
            prefill_microseconds: microseconds(self.started, first_token),
            decode_microseconds: self.first_token.map_or(0, |first| microseconds(first, now)),
        }
    }
}

/// A step that shall be run.
#[derive(Debug)]
pub(crate) struct PlannedStep {
    pub(crate) descriptor: StepDescriptor,
    /// Sequences that appear for the first time, in the order of the descriptor.
    pub(crate) registrations: Vec<Registration>,
    /// Requests that get a token from this step, in the order of the output rows.
    pub(crate) outputs: Vec<u64>,
}

/// Requests that wait, run and end.
#[derive(Debug)]
pub(crate) struct Scheduler {
    limits: SchedulerLimits,
    waiting: VecDeque<EngineRequest>,
    running: VecDeque<Running>,
    /// The next slot to use is at the end.
    free_slots: Vec<u32>,
    operations: Vec<SlotOperation>,
    next_step: u64,
    next_sampling_id: u64,
}

impl Scheduler {
    pub(crate) fn new(limits: SchedulerLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            running: VecDeque::new(),
            free_slots: (0..limits.slot_count).rev().collect(),
            operations: Vec::new(),
            next_step: 1,
            next_sampling_id: 1,
        }
    }

    /// What is wrong with a request, before it is queued.
    pub(crate) fn check(limits: &SchedulerLimits, request: &EngineRequest) -> Result<(), EngineError> {
        let id = request.id;
        if request.prompt_tokens.is_empty() {
            return Err(EngineError::request(format!("request {id}: the prompt is empty")));
        }
        if request.maximum_tokens == 0 {
            return Err(EngineError::request(format!("request {id}: maximumTokens is 0")));
        }
        if let Some(problem) = request.sampling.problem() {
            return Err(EngineError::request(format!("request {id}: {problem}")));
        }
        if let Some(token) = request.prompt_tokens.iter().find(|token| **token >= limits.vocabulary) {
            let vocabulary = limits.vocabulary;
            let message = format!("request {id}: token {token} is not one of the vocabulary's {vocabulary}");
            return Err(EngineError::request(message));
        }
        // One position must be left for a token.
        if request.prompt_tokens.len() as u64 >= u64::from(limits.context_length) {
            return Err(EngineError::new(
                "REQUEST_TOO_LONG",
                format!(
                    "request {id}: the prompt has {} tokens, the context holds {}",
                    request.prompt_tokens.len(),
                    limits.context_length
                ),
            ));
        }
        Ok(())
    }

    pub(crate) fn submit(&mut self, request: EngineRequest) {
        self.waiting.push_back(request);
    }

    /// Ends a request at once; its slot is freed with the next step.
    pub(crate) fn cancel(&mut self, request_id: u64, now: Instant) -> Option<EngineEvent> {
        if let Some(index) = self.waiting.iter().position(|request| request.id == request_id) {
            self.waiting.remove(index);
            return Some(EngineEvent::RequestFinished {
                request_id,
                reason: FinishReason::Cancelled,
                prompt_tokens: 0,
                generated_tokens: 0,
                prefill_microseconds: 0,
                decode_microseconds: 0,
            });
        }
        let index = self
            .running
            .iter()
            .position(|running| running.request.id == request_id)?;
        let running = self.running.remove(index)?;
        self.release(running.slot);
        Some(running.finished(FinishReason::Cancelled, now))
    }

    pub(crate) fn resident_slots(&self) -> usize {
        self.running.len()
    }

    fn release(&mut self, slot: u32) {
        self.operations.push(SlotOperation::Free { slot });
        self.free_slots.push(slot);
    }

    fn admit(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            let Some(slot) = self.free_slots.pop() else { return };
            let Some(request) = self.waiting.pop_front() else {
                return;
            };
            let sampling_id = self.next_sampling_id;
            self.next_sampling_id += 1;
            self.running.push_back(Running {
                request,
                slot,
                sampling_id,
                position: 0,
                last_token: None,
                generated: 0,
                started: now,
                first_token: None,
            });
        }
    }

    /// The next step, or nothing when there is no work. Its results must be given to [`Self::apply`] before another
    /// step is planned, unless it has no outputs.
    pub(crate) fn plan(&mut self, now: Instant) -> Option<PlannedStep> {
        self.admit(now);
        let mut descriptor = StepDescriptor {
            epoch: self.limits.epoch,
            step: self.next_step,
            operations: std::mem::take(&mut self.operations),
            ..StepDescriptor::default()
        };
        let mut registrations = Vec::new();
        let mut outputs = Vec::new();
        let mut budget = self.limits.maximum_step_tokens;
        let count = self.running.len();
        let mut decoded = 0;
        for index in 0..count {
            let Some(running) = self.running.get_mut(index) else {
                break;
            };
            let Some(token) = running.last_token.filter(|_| budget > 0) else {
                continue;
            };
            running.last_token = None;
            descriptor.sequences.push(SequenceStep {
                slot: running.slot,
                start_position: running.position,
                token_count: 1,
                output_rows: 1,
                sampling_id: running.sampling_id,
            });
            descriptor.tokens.push(token);
            running.position += 1;
            outputs.push(running.request.id);
            budget -= 1;
            decoded += 1;
        }
        for running in &mut self.running {
            let prompt = &running.request.prompt_tokens;
            let start = running.position as usize;
            let Some(rest) = prompt.get(start..).filter(|rest| !rest.is_empty() && budget > 0) else {
                continue;
            };
            let length = rest.len().min(budget as usize);
            let is_last = length == rest.len();
            if start == 0 {
                registrations.push(Registration {
                    sampling_id: running.sampling_id,
                    slot: running.slot,
                    options: running.request.sampling,
                });
                running.started = now;
            }
            descriptor.sequences.push(SequenceStep {
                slot: running.slot,
                start_position: running.position,
                token_count: length as u32,
                output_rows: u32::from(is_last),
                sampling_id: running.sampling_id,
            });
            descriptor.tokens.extend_from_slice(&rest[..length]);
            running.position += length as u32;
            if is_last {
                outputs.push(running.request.id);
            }
            budget -= length as u32;
        }
        if descriptor.sequences.is_empty() && descriptor.operations.is_empty() {
            return None;
        }
        // Where more decode than fit a step, those who had their turn go to the back.
        if decoded > 0 && budget == 0 {
            self.rotate_served(&outputs[..decoded]);
        }
        self.next_step += 1;
        Some(PlannedStep {
            descriptor,
            registrations,
            outputs,
        })
    }

    fn rotate_served(&mut self, served: &[u64]) {
        let (mut behind, mut front) = (VecDeque::new(), VecDeque::new());
        for running in self.running.drain(..) {
            match served.contains(&running.request.id) {
                true => behind.push_back(running),
                false => front.push_back(running),
            }
        }
        front.append(&mut behind);
        self.running = front;
    }

    /// Takes the tokens of a step, one per output in their order.
    pub(crate) fn apply(&mut self, outputs: &[u64], tokens: &[u32], now: Instant) -> Vec<EngineEvent> {
        let mut events = Vec::with_capacity(tokens.len());
        for (request_id, token) in outputs.iter().zip(tokens) {
            let Some(index) = self
                .running
                .iter()
                .position(|running| running.request.id == *request_id)
            else {
                continue;
            };
            let Some(running) = self.running.get_mut(index) else {
                continue;
            };
            running.first_token.get_or_insert(now);
            events.push(EngineEvent::Token {
                request_id: *request_id,
                token: *token,
                index: running.generated,
            });
            running.generated += 1;
            let reason = if running.request.stop_tokens.contains(token) {
                Some(FinishReason::Stop)
            } else if running.generated >= running.request.maximum_tokens
                || running.position >= self.limits.context_length
            {
                Some(FinishReason::Length)
            } else {
                None
            };
            match reason {
                None => running.last_token = Some(*token),
                Some(reason) => {
                    events.push(running.finished(reason, now));
                    let slot = running.slot;
                    self.running.remove(index);
                    self.release(slot);
                }
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SamplingOptions;

    fn scheduler(slot_count: u32, maximum_step_tokens: u32) -> Scheduler {
        Scheduler::new(SchedulerLimits {
            slot_count,
            context_length: 32,
            maximum_step_tokens,
            epoch: 5,
            vocabulary: 1000,
        })
    }

    fn request(id: u64, prompt: u32, maximum_tokens: u32) -> EngineRequest {
        EngineRequest {
            id,
            prompt_tokens: (0..prompt).map(|token| token + 100 * id as u32).collect(),
            maximum_tokens,
            stop_tokens: vec![7],
            sampling: SamplingOptions::default(),
        }
    }

    /// (slot, start, tokens, output rows) of each sequence.
    fn shape(step: &PlannedStep) -> Vec<(u32, u32, u32, u32)> {
        let describe = |one: &SequenceStep| (one.slot, one.start_position, one.token_count, one.output_rows);
        step.descriptor.sequences.iter().map(describe).collect()
    }

    #[test]
    fn a_prompt_is_cut_and_decodes_come_first() {
        let now = Instant::now();
        let mut scheduler = scheduler(2, 4);
        scheduler.submit(request(1, 6, 3));
        let step = scheduler.plan(now).unwrap();
        assert_eq!(shape(&step), [(0, 0, 4, 0)]);
        assert_eq!((step.registrations.len(), step.outputs.len()), (1, 0));
        assert_eq!((step.descriptor.epoch, step.descriptor.step), (5, 1));
        let step = scheduler.plan(now).unwrap();
        assert_eq!(shape(&step), [(0, 4, 2, 1)]);
        assert_eq!(step.descriptor.tokens, [104, 105]);
        assert!(step.registrations.is_empty());
        let events = scheduler.apply(&step.outputs, &[42], now);
        assert_eq!(
            events,
            [EngineEvent::Token {
                request_id: 1,
                token: 42,
                index: 0
            }]
        );
        scheduler.submit(request(2, 6, 1));
        let step = scheduler.plan(now).unwrap();
        assert_eq!(shape(&step), [(0, 6, 1, 1), (1, 0, 3, 0)]);
        assert_eq!(step.descriptor.tokens, [42, 200, 201, 202]);
        step.descriptor.validate(&shoal_frame::StepLimits::default()).unwrap();
    }

    #[test]
    fn stop_and_length_free_the_slot_with_the_next_step() {
        let now = Instant::now();
        let mut scheduler = scheduler(1, 8);
        scheduler.submit(request(1, 2, 2));
        scheduler.submit(request(2, 2, 9));
        let step = scheduler.plan(now).unwrap();
        scheduler.apply(&step.outputs, &[1], now);
        let step = scheduler.plan(now).unwrap();
        let events = scheduler.apply(&step.outputs, &[1], now);
        assert!(matches!(
            events[1],
            EngineEvent::RequestFinished {
                reason: FinishReason::Length,
                prompt_tokens: 2,
                generated_tokens: 2,
                ..
            }
        ));
        let step = scheduler.plan(now).unwrap();
        assert_eq!(step.descriptor.operations, [SlotOperation::Free { slot: 0 }]);
        assert_eq!(
            (shape(&step), step.registrations[0].sampling_id),
            (vec![(0, 0, 2, 1)], 2)
        );
        let events = scheduler.apply(&step.outputs, &[7], now);
        assert!(matches!(
            events[1],
            EngineEvent::RequestFinished {
                reason: FinishReason::Stop,
                ..
            }
        ));
        // The last slot is freed without a forward pass, and then there is nothing to do.
        let step = scheduler.plan(now).unwrap();
        assert!(shape(&step).is_empty() && step.outputs.is_empty());
        assert!(scheduler.plan(now).is_none());
        assert_eq!(scheduler.resident_slots(), 0);
    }

    #[test]
    fn the_context_ends_a_generation() {
        let now = Instant::now();
        let mut scheduler = scheduler(1, 64);
        scheduler.submit(request(1, 30, 99));
        let mut reasons = Vec::new();
        while let Some(step) = scheduler.plan(now) {
            for event in scheduler.apply(&step.outputs, &[1], now) {
                if let EngineEvent::RequestFinished {
                    reason,
                    generated_tokens,
                    ..
                } = event
                {
                    reasons.push((reason, generated_tokens));
                }
            }
        }
        // Positions 30 and 31 hold two tokens; the third is sampled from the last position.
        assert_eq!(reasons, [(FinishReason::Length, 3)]);
    }

    #[test]
    fn cancelling_works_at_every_stage() {
        let now = Instant::now();
        let mut scheduler = scheduler(1, 4);
        scheduler.submit(request(1, 6, 9));
        scheduler.submit(request(2, 6, 9));
        assert!(matches!(
            scheduler.cancel(2, now),
            Some(EngineEvent::RequestFinished { prompt_tokens: 0, .. })
        ));
        scheduler.plan(now).unwrap();
        let cancelled = scheduler.cancel(1, now);
        assert!(
            matches!(cancelled, Some(EngineEvent::RequestFinished { prompt_tokens: 4, .. })),
            "{cancelled:?}"
        );
        assert_eq!(scheduler.cancel(1, now), None);
        assert_eq!(
            scheduler.plan(now).unwrap().descriptor.operations,
            [SlotOperation::Free { slot: 0 }]
        );
    }

    #[test]
    fn more_decoding_sequences_than_a_step_holds_take_turns() {
        let now = Instant::now();
        let mut scheduler = scheduler(5, 2);
        (1..=5).for_each(|id| scheduler.submit(request(id, 1, 20)));
        let mut served = [0; 6];
        for _ in 0..60 {
            let Some(step) = scheduler.plan(now) else { break };
            assert!(step.descriptor.tokens.len() <= 2);
            step.outputs.iter().for_each(|id| served[*id as usize] += 1);
            scheduler.apply(&step.outputs, &vec![1; step.outputs.len()], now);
        }
        assert_eq!(served, [0, 20, 20, 20, 20, 20]);
    }

    #[test]
    fn bad_requests_are_named() {
        let limits = SchedulerLimits {
            slot_count: 1,
            context_length: 32,
            maximum_step_tokens: 8,
            epoch: 0,
            vocabulary: 1000,
        };
        let code = |request: &EngineRequest| Scheduler::check(&limits, request).unwrap_err().code;
        assert_eq!(code(&request(1, 0, 1)), "REQUEST_INVALID");
        assert_eq!(code(&request(1, 1, 0)), "REQUEST_INVALID");
        assert_eq!(code(&request(1, 32, 1)), "REQUEST_TOO_LONG");
        Scheduler::check(&limits, &request(1, 31, 1)).unwrap();
    }
}
