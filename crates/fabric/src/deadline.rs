//! Limits of waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The moment at which a wait ends without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    moment: Option<Instant>,
}

impl Deadline {
    /// A deadline this far from now.
    pub fn after(duration: Duration) -> Self {
        Self {
            moment: Instant::now().checked_add(duration),
        }
    }

    /// A deadline at a moment.
    pub fn at(moment: Instant) -> Self {
        Self { moment: Some(moment) }
    }

    /// No limit of its own: only success, the loss of a peer or an abort ends the wait. Meant for a loop that idles
    /// until the next step; liveness is then the mesh's business.
    pub fn never() -> Self {
        Self { moment: None }
    }

    /// Time that is left; nothing where there is no limit.
    pub fn remaining(&self) -> Option<Duration> {
        self.moment
            .map(|moment| moment.saturating_duration_since(Instant::now()))
    }

    /// Whether the moment has passed.
    pub fn passed(&self) -> bool {
        self.moment.is_some_and(|moment| Instant::now() >= moment)
    }

    /// The earlier of two deadlines.
    pub fn earlier(self, other: Self) -> Self {
        match (self.moment, other.moment) {
            (Some(first), Some(second)) => Self::at(first.min(second)),
            (first, second) => Self {
                moment: first.or(second),
            },
        }
    }
}

/// A flag by which another thread gives up a wait, such as [`crate::Mesh::establish`].
#[derive(Debug, Clone, Default)]
pub struct AbortFlag {
    raised: Arc<AtomicBool>,
}

impl AbortFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag for good.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Release);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }
}
