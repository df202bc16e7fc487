//! Work on a thread of its own whose outcome is waited for by polling: C has no promises.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Failure, contained};

/// The outcome of work that may still be under way.
pub struct Pending<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Working,
    Ready(Arc<T>),
    Failed(Failure),
    /// Closed while the work was under way: its outcome is dropped.
    Unwanted,
    Closed,
}

impl<T: Send + Sync + 'static> Pending<T> {
    /// Starts `work` on a new thread.
    pub fn start(name: &str, work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<Arc<Self>, Failure> {
        let pending = Arc::new(Self {
            state: Mutex::new(State::Working),
            changed: Condvar::new(),
        });
        let finishing = pending.clone();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || finishing.finish(contained(work)))
            .map_err(|error| Failure::new("INTERNAL", format!("cannot start thread {name}: {error}")))?;
        Ok(pending)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, outcome: Result<T, Failure>) {
        let mut state = self.state();
        let unwanted = match (&*state, outcome) {
            (State::Working, Ok(value)) => {
                *state = State::Ready(Arc::new(value));
                None
            }
            (State::Working, Err(failure)) => {
                *state = State::Failed(failure);
                None
            }
            (_, outcome) => outcome.ok(),
        };
        let is_unwanted = matches!(*state, State::Unwanted);
        drop(state);
        // What nobody wants is freed before its closer hears that the work has ended.
        drop(unwanted);
        if is_unwanted {
            *self.state() = State::Closed;
        }
        self.changed.notify_all();
    }

    /// Waits for the outcome at most so long; nothing when it is not there by then.
    pub fn wait(&self, limit: Duration) -> Result<Option<Arc<T>>, Failure> {
        let state = self.state();
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| matches!(state, State::Working));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Working => Ok(None),
            State::Ready(value) => Ok(Some(value.clone())),
            State::Failed(failure) => Err(failure.clone()),
            State::Unwanted | State::Closed => Err(Failure::new("ABORTED", "it was closed")),
        }
    }

    /// Gives the work up, or gives back what it made; waits for work that is under way at most so long.
    pub fn close(&self, limit: Duration) -> Option<Arc<T>> {
        let deadline = Instant::now() + limit;
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Closed) {
            State::Ready(value) => Some(value),
            State::Failed(_) | State::Closed => None,
            State::Working | State::Unwanted => {
                *state = State::Unwanted;
                self.changed.notify_all();
                let left = deadline.saturating_duration_since(Instant::now());
                let waited = self
                    .changed
                    .wait_timeout_while(state, left, |state| matches!(state, State::Unwanted));
                drop(waited);
                None
            }
        }
    }
}
