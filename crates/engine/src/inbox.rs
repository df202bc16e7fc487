//! What the owner's threads leave for the member's thread.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shoal_fabric::Waker;

use crate::error::EngineError;
use crate::options::EngineRequest;

/// An order of the owner.
#[derive(Debug)]
pub(crate) enum Command {
    Submit(EngineRequest),
    Cancel(u64),
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    /// Requests that were accepted and have not ended.
    active: BTreeSet<u64>,
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
    capacity: usize,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Result<Self, EngineError> {
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
        if state.active.len() >= self.capacity {
            let message = format!("{} requests are running or waiting, which is the limit", self.capacity);
            return Err(EngineError::new("REQUEST_QUEUE_FULL", message));
        }
        if !state.active.insert(request.id) {
            return Err(EngineError::request(format!(
                "request {} is already running",
                request.id
            )));
        }
        state.commands.push_back(Command::Submit(request));
        drop(state);
        self.waker.wake();
        Ok(())
    }

    /// Unknown ids are ignored: the request may just have ended.
    pub(crate) fn cancel(&self, request_id: u64) {
        let mut state = self.state();
        if state.active.contains(&request_id) {
            state.commands.push_back(Command::Cancel(request_id));
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

    pub(crate) fn request_ended(&self, request_id: u64) {
        self.state().active.remove(&request_id);
    }

    /// Accepts nothing from now on; gives the requests that have not ended.
    pub(crate) fn fail(&self, error: &EngineError) -> BTreeSet<u64> {
        let mut state = self.state();
        state.failure.get_or_insert_with(|| error.clone());
        state.commands.clear();
        std::mem::take(&mut state.active)
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
