//! What the owner's threads leave for the member's thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shoal_fabric::Waker;

use crate::error::EngineError;
use crate::options::EngineRequest;

/// An order of the owner.
#[derive(Debug)]
pub(crate) enum Command {
    Submit(Box<EngineRequest>),
    Cancel { request_id: u64, choice: Option<u32> },
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    /// Requests that were accepted and have not ended, with the number of their choices that have not.
    active: BTreeMap<u64, u32>,
    /// Choices of all of them.
    active_choices: usize,
    closing: bool,
    /// Why nothing is accepted any more.
    failure: Option<EngineError>,
    thread_ended: bool,
}

/// Orders on their way to the member's thread. All calls return at once but [`Inbox::wait_for_end`].
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    waker: Waker,
    ended: Condvar,
    capacity: Capacity,
}

/// How much is taken in before requests are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Choices that run at once.
    pub(crate) slots: usize,
    /// Choices that may wait beyond those.
    pub(crate) queue: usize,
}

impl Inbox {
    pub(crate) fn new(capacity: Capacity) -> Result<Self, EngineError> {
        let waker =
            Waker::new().map_err(|error| EngineError::new("ENGINE_LOAD_FAILED", format!("no waker: {error}")))?;
        Ok(Self {
            state: Mutex::default(),
            waker,
            ended: Condvar::new(),
            capacity,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    pub(crate) fn submit(&self, request: EngineRequest) -> Result<(), EngineError> {
        let mut state = self.state();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        if state.closing {
            return Err(EngineError::new("ENGINE_ABORTED", "the member is being closed"));
        }
        self.capacity.check(state.active_choices, request.choices as usize)?;
        if state.active.contains_key(&request.id) {
            return Err(EngineError::request(format!(
                "request {} is already running",
                request.id
            )));
        }
        state.active.insert(request.id, request.choices);
        state.active_choices += request.choices as usize;
        state.commands.push_back(Command::Submit(Box::new(request)));
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// Ends a request, or one of its choices. Unknown ids are ignored: it may just have ended.
    pub(crate) fn cancel(&self, request_id: u64, choice: Option<u32>) {
        let mut state = self.state();
        if state.active.contains_key(&request_id) {
            state.commands.push_back(Command::Cancel { request_id, choice });
            drop(state);
            self.waker.wake();
        }
    }

    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.waker.wake();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().closing
    }

    pub(crate) fn take_commands(&self) -> VecDeque<Command> {
        std::mem::take(&mut self.state().commands)
    }

    /// One choice of a request has ended.
    pub(crate) fn choice_ended(&self, request_id: u64) {
        let mut state = self.state();
        let Some(choices) = state.active.get_mut(&request_id) else {
            return;
        };
        *choices -= 1;
        if *choices == 0 {
            state.active.remove(&request_id);
        }
        state.active_choices -= 1;
    }

    /// All choices of a request have ended.
    pub(crate) fn request_ended(&self, request_id: u64) {
        let mut state = self.state();
        if let Some(choices) = state.active.remove(&request_id) {
            state.active_choices -= choices as usize;
        }
    }

    /// Accepts nothing from now on; gives the requests that have not ended.
    pub(crate) fn fail(&self, error: &EngineError) -> Vec<u64> {
        let mut state = self.state();
        state.failure.get_or_insert_with(|| error.clone());
        state.commands.clear();
        state.active_choices = 0;
        std::mem::take(&mut state.active).into_keys().collect()
    }

    pub(crate) fn thread_ended(&self) {
        self.state().thread_ended = true;
        self.ended.notify_all();
    }

    /// Whether the thread ended within the limit.
    pub(crate) fn wait_for_end(&self, limit: Duration) -> bool {
        let state = self.state();
        let (state, _) = self
            .ended
            .wait_timeout_while(state, limit, |state| !state.thread_ended)
            .unwrap_or_else(PoisonError::into_inner);
        state.thread_ended
    }
}

impl Capacity {
    /// Whether there is room for `added` beside `active` choices.
    fn check(&self, active: usize, added: usize) -> Result<(), EngineError> {
        let Self { slots, queue } = *self;
        let limit = slots.saturating_add(queue);
        if added > limit {
            return Err(EngineError::request(format!(
                "choices is {added}, but {slots} can run and {queue} wait at once"
            )));
        }
        if active + added <= limit {
            return Ok(());
        }
        let (running, waiting) = (active.min(slots), active.saturating_sub(slots));
        let more = match added {
            1 => String::new(),
            _ => format!("; this request wants {added}"),
        };
        Err(EngineError::new(
            "REQUEST_QUEUE_FULL",
            format!("{running} of {slots} slots are in use and {waiting} of {queue} places in the queue{more}"),
        ))
    }
}
