//! Events on their way to JavaScript.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use shoal_engine::EngineEvent;

use crate::error::public_code;

/// Progress is reported this often at most: a checkpoint has hundreds of tensors, and nobody reads that fast.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// Keeps the event loop alive for as long as it is open, as an open socket does.
type Callback = ThreadsafeFunction<String, (), String, Status, false>;

/// The way of a member's events to its owner.
pub struct Events {
    callback: Mutex<Option<Callback>>,
    last_progress: Mutex<Option<Instant>>,
}

impl Events {
    /// Events go to `callback`, each as JSON.
    pub fn new(callback: &Function<'_, String, ()>) -> napi::Result<Self> {
        let callback = callback
            .build_threadsafe_function::<String>()
            .build_callback(|context| Ok(context.value))?;
        Ok(Self {
            callback: Mutex::new(Some(callback)),
            last_progress: Mutex::new(None),
        })
    }

    /// Queues an event for the JavaScript thread; never blocks.
    pub fn send(&self, event: EngineEvent) {
        if self.is_superfluous(&event) {
            return;
        }
        let json = with_public_code(event).to_json();
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = callback.as_ref() {
            // An environment that ends takes no events any more; nobody is left to tell.
            callback.call(json, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Lets go of the callback; events that are queued are still delivered. Idempotent.
    pub fn close(&self) {
        drop(self.callback.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn is_superfluous(&self, event: &EngineEvent) -> bool {
        let EngineEvent::LoadProgress {
            loaded_bytes,
            total_bytes,
        } = event
        else {
            return false;
        };
        let mut last = self.last_progress.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = last.is_some_and(|last| last.elapsed() < PROGRESS_INTERVAL);
        if is_early && loaded_bytes < total_bytes {
            return true;
        }
        *last = Some(Instant::now());
        false
    }
}

fn with_public_code(event: EngineEvent) -> EngineEvent {
    match event {
        EngineEvent::RequestFailed {
            request_id,
            code,
            message,
        } => EngineEvent::RequestFailed {
            request_id,
            code: public_code(&code).to_owned(),
            message,
        },
        EngineEvent::MemberFailed { code, message, lost } => EngineEvent::MemberFailed {
            code: public_code(&code).to_owned(),
            message,
            lost,
        },
        event => event,
    }
}
