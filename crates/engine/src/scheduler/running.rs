//! A sequence in a slot: one choice of a request.

use std::sync::Arc;
use std::time::Instant;

use shoal_frame::SequenceStep;

use super::{PlannedOutput, PlannedStep};
use crate::answers::{AnswerProgress, AnswerState};
use crate::event::{EngineEvent, FinishReason};
use crate::options::EngineRequest;
use crate::sampling::{Registration, TokenLogProbabilities};

#[derive(Debug)]
pub(super) struct Running {
    pub(super) request: Arc<EngineRequest>,
    pub(super) choice: u32,
    pub(super) slot: u32,
    pub(super) sampling_id: u64,
    /// Positions whose state the slot holds once the last planned step is done.
    pub(super) position: u32,
    /// The token that was drawn last and is not in the slot yet.
    pub(super) last_token: Option<u32>,
    /// It has its part of the step that is being planned.
    pub(super) is_planned: bool,
    is_registered: bool,
    generated: u32,
    submitted: Instant,
    /// Of the first step.
    started: Instant,
    first_token: Option<Instant>,
}

impl Running {
    /// `times`: when it was submitted, and now.
    pub(super) fn new(
        request: Arc<EngineRequest>,
        choice: u32,
        slot: u32,
        sampling_id: u64,
        [submitted, now]: [Instant; 2],
    ) -> Self {
        Self {
            request,
            choice,
            slot,
            sampling_id,
            position: 0,
            last_token: None,
            is_planned: false,
            is_registered: false,
            generated: 0,
            submitted,
            started: now,
            first_token: None,
        }
    }

    pub(super) fn prompt_length(&self) -> u32 {
        self.request.prompt_tokens.len() as u32
    }

    /// Positions of the prompt that the choices of the request compute once: all but the last, whose row each of them
    /// draws its first token from. 0 where there is nothing to share.
    pub(super) fn shared_length(&self) -> u32 {
        match self.request.choices {
            1 => 0,
            _ => self.prompt_length() - 1,
        }
    }

    /// Adds the sequence's next tokens to a step, as many as were granted.
    pub(super) fn take_part(&mut self, grant: u32, step: &mut PlannedStep, now: Instant) {
        if !self.is_registered {
            self.is_registered = true;
            self.started = now;
            step.registrations.push(self.registration());
        }
        let descriptor = &mut step.descriptor;
        let mut outputs = 1;
        match self.last_token.take() {
            Some(token) => descriptor.tokens.push(token),
            None => {
                let start = self.position as usize;
                let end = start + grant as usize;
                let prompt = &self.request.prompt_tokens;
                descriptor
                    .tokens
                    .extend_from_slice(prompt.get(start..end).unwrap_or(&[]));
                outputs = u32::from(end == prompt.len());
            }
        }
        descriptor.sequences.push(SequenceStep {
            slot: self.slot,
            start_position: self.position,
            token_count: grant,
            output_rows: outputs,
            sampling_id: self.sampling_id,
        });
        self.position += grant;
        if outputs > 0 {
            step.outputs.push(PlannedOutput {
                sampling_id: self.sampling_id,
                alternatives: self.request.sampling.log_probabilities,
            });
        }
    }

    fn registration(&self) -> Registration {
        let sampling = &self.request.sampling;
        let log = match sampling.needs_log() {
            true => self.request.prompt_tokens.clone(),
            false => Vec::new(),
        };
        Registration {
            sampling_id: self.sampling_id,
            slot: self.slot,
            choice: self.choice,
            options: sampling.clone(),
            prompt_length: self.prompt_length() - self.request.resumed_tokens,
            log,
        }
    }

    /// Notes a token that was drawn.
    pub(super) fn accept(
        &mut self,
        token: u32,
        log_probabilities: Option<Box<TokenLogProbabilities>>,
        now: Instant,
    ) -> EngineEvent {
        self.first_token.get_or_insert(now);
        let index = self.generated;
        self.generated += 1;
        EngineEvent::Token {
            request_id: self.request.id,
            choice: self.choice,
            token,
            index,
            log_probabilities,
        }
    }

    /// Whether the token that was just accepted is the last one.
    pub(super) fn finish_reason(&self, token: u32, context_length: u32) -> Option<FinishReason> {
        if self.request.stop_tokens.contains(&token) {
            return Some(FinishReason::Stop);
        }
        let is_full = self.generated >= self.request.maximum_tokens || self.position >= context_length;
        is_full.then_some(FinishReason::Length)
    }

    pub(super) fn finished(&self, reason: FinishReason, now: Instant) -> EngineEvent {
        let first_token = self.first_token.unwrap_or(now);
        let microseconds = |from: Instant, to: Instant| {
            u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
        };
        EngineEvent::RequestFinished {
            request_id: self.request.id,
            choice: self.choice,
            reason,
            prompt_tokens: self.position.min(self.prompt_length()),
            generated_tokens: self.generated,
            prefill_microseconds: microseconds(self.started, first_token),
            decode_microseconds: self.first_token.map_or(0, |first| microseconds(first, now)),
        }
    }

    /// How far it is; `end`: how it ended, where it did.
    pub(super) fn progress(&self, end: Option<AnswerState>, ended: Option<Instant>) -> AnswerProgress {
        let going = match self.first_token {
            None => AnswerState::Reading,
            Some(_) => AnswerState::Answering,
        };
        AnswerProgress {
            request_id: self.request.id,
            choice: self.choice,
            state: end.unwrap_or(going),
            prompt_tokens: self.prompt_length(),
            generated_tokens: self.generated,
            submitted: self.submitted,
            started: Some(self.started),
            first_token: self.first_token,
            ended,
        }
    }

    /// The request cannot go on, because its constraint leaves no token.
    pub(super) fn nothing_allowed(&self) -> EngineEvent {
        let constraint = self.request.sampling.constraint.as_ref();
        EngineEvent::RequestFailed {
            request_id: self.request.id,
            code: "REQUEST_NO_TOKEN_ALLOWED".to_owned(),
            message: format!(
                "the constraint '{}' allows no token after {} of the answer",
                constraint.map_or("", |constraint| constraint.kind.as_str()),
                self.generated
            ),
        }
    }
}
