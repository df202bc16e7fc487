//! Counters of a member, read while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use shoal_fabric::take_blocked_time;

/// A snapshot, as `MemberStatistics` in `core/src/spec/engine.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatistics {
    /// Forward passes that this member took part in.
    pub steps: u64,
    /// Tokens of answers that were drawn (the head only).
    pub generated_tokens: u64,
    /// Time in the backend.
    pub compute_microseconds: u64,
    /// Time within steps in which this member waited for others (activations, collectives, tokens).
    pub wait_microseconds: u64,
    /// Time within steps in which this member moved bytes to and from others, and added up what they sent.
    pub wire_microseconds: u64,
    /// Bytes handed to channels.
    pub wire_bytes_sent: u64,
    /// Bytes taken from channels.
    pub wire_bytes_received: u64,
    /// Sequences in slots (the head only).
    pub resident_slots: u64,
    /// Choices of requests that wait for a slot (the head only).
    pub waiting_requests: u64,
    /// Slots that hold state here; they are freed with the first step after their sequence's end.
    pub occupied_slots: u64,
}

impl MemberStatistics {
    /// The snapshot as JSON.
    pub fn to_json(&self) -> String {
        // Plain numbers: writing them to a string cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) steps: AtomicU64,
    pub(crate) generated_tokens: AtomicU64,
    compute_nanoseconds: AtomicU64,
    wait_nanoseconds: AtomicU64,
    wire_nanoseconds: AtomicU64,
    pub(crate) wire_bytes_sent: AtomicU64,
    pub(crate) wire_bytes_received: AtomicU64,
    pub(crate) resident_slots: AtomicU64,
    pub(crate) waiting_requests: AtomicU64,
    pub(crate) occupied_slots: AtomicU64,
}

impl Counters {
    pub(crate) fn add_compute(&self, duration: Duration) {
        self.compute_nanoseconds
            .fetch_add(nanoseconds(duration), Ordering::Relaxed);
    }

    /// Adds a communication of this thread: what it did not wait in it, it moved bytes.
    pub(crate) fn add_communication(&self, duration: Duration) {
        let waited = take_blocked_time().min(duration);
        self.wait_nanoseconds.fetch_add(nanoseconds(waited), Ordering::Relaxed);
        self.wire_nanoseconds
            .fetch_add(nanoseconds(duration - waited), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> MemberStatistics {
        MemberStatistics {
            steps: self.steps.load(Ordering::Relaxed),
            generated_tokens: self.generated_tokens.load(Ordering::Relaxed),
            compute_microseconds: self.compute_nanoseconds.load(Ordering::Relaxed) / 1000,
            wait_microseconds: self.wait_nanoseconds.load(Ordering::Relaxed) / 1000,
            wire_microseconds: self.wire_nanoseconds.load(Ordering::Relaxed) / 1000,
            wire_bytes_sent: self.wire_bytes_sent.load(Ordering::Relaxed),
            wire_bytes_received: self.wire_bytes_received.load(Ordering::Relaxed),
            resident_slots: self.resident_slots.load(Ordering::Relaxed),
            waiting_requests: self.waiting_requests.load(Ordering::Relaxed),
            occupied_slots: self.occupied_slots.load(Ordering::Relaxed),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
