//! Events that wait for their owner to fetch them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shoal_engine::EngineEvent;

use crate::error::Failure;
use crate::member::Report;

/// The events of one member. It holds what the accepted requests can make at most: their number and their lengths are
/// limited, and of progress only the newest is kept.
#[derive(Default)]
pub struct EventQueue {
    state: Mutex<State>,
    changed: Condvar,
    report: Report,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Why no event follows.
    end: Option<Failure>,
}

struct Waiting {
    json: String,
    is_progress: bool,
}

impl EventQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event; never blocks.
    pub fn push(&self, event: EngineEvent) {
        let Some(event) = self.report.filter(event) else { return };
        let end = match &event {
            EngineEvent::MemberFailed { code, message, .. } => Some(Failure {
                code: code.clone().into(),
                message: message.clone(),
            }),
            _ => None,
        };
        let event = Waiting {
            json: event.to_json(),
            is_progress: matches!(event, EngineEvent::LoadProgress { .. }),
        };
        let mut state = self.state();
        match state.waiting.back_mut() {
            Some(last) if last.is_progress && event.is_progress => *last = event,
            _ => state.waiting.push_back(event),
        }
        if end.is_some() {
            state.end = end;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Says why no event follows those that wait; the first reason stays.
    pub fn end(&self, reason: Failure) {
        self.state().end.get_or_insert(reason);
        self.changed.notify_all();
    }

    /// Hands the oldest event to `take`, waiting for one at most so long; false when none came. An event that `take`
    /// fails on stays. After the last event: why no other follows.
    pub fn next(&self, limit: Duration, take: impl FnOnce(&str) -> Result<(), Failure>) -> Result<bool, Failure> {
        let state = self.state();
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| state.waiting.is_empty() && state.end.is_none());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = state.waiting.front() {
            take(&event.json)?;
            state.waiting.pop_front();
            return Ok(true);
        }
        state.end.clone().map_or(Ok(false), Err)
    }
}
