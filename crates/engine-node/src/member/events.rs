//! Events on their way to JavaScript.

use std::sync::{Mutex, PoisonError};

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use shoal_engine::EngineEvent;

use super::report::Report;

/// Keeps the event loop alive for as long as it is open, as an open socket does.
type Callback = ThreadsafeFunction<String, (), String, Status, false>;

/// The way of a member's events to its owner.
pub struct Events {
    callback: Mutex<Option<Callback>>,
    report: Report,
}

impl Events {
    /// Events go to `callback`, each as JSON.
    pub fn new(callback: &Function<'_, String, ()>) -> napi::Result<Self> {
        let callback = callback
            .build_threadsafe_function::<String>()
            .build_callback(|context| Ok(context.value))?;
        Ok(Self {
            callback: Mutex::new(Some(callback)),
            report: Report::default(),
        })
    }

    /// Queues an event for the JavaScript thread; never blocks.
    pub fn send(&self, event: EngineEvent) {
        let Some(event) = self.report.filter(event) else {
            return;
        };
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = callback.as_ref() {
            // An environment that ends takes no events any more; nobody is left to tell.
            callback.call(event.to_json(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Lets go of the callback; events that are queued are still delivered. Idempotent.
    pub fn close(&self) {
        drop(self.callback.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
