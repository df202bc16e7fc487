//! What a member's owner is told of its events, and in whose words.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shoal_engine::EngineEvent;

use crate::error::public_code;

/// Progress is reported this often at most: a checkpoint has hundreds of tensors, and nobody reads that fast.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// The series of events of one member on its way to its owner.
#[derive(Default)]
pub struct Report {
    last_progress: Mutex<Option<Instant>>,
}

impl Report {
    /// The event with public codes, or nothing where it is superfluous.
    pub fn filter(&self, event: EngineEvent) -> Option<EngineEvent> {
        (!self.is_superfluous(&event)).then(|| with_public_code(event))
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
