//! What callers do with the channel.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shoal_abi::channel::{ChannelCapabilities, ChannelStatistics};
use shoal_frame::FrameKind;

use super::{ForeignChannel, MOST_SENDING, Receiving, Target};
use crate::data_channel::{Counters, DataChannel, OperationId, Readiness};
use crate::error::FabricError;
use crate::goodbye;
use crate::message::{Envelope, Key, LARGEST_TAG, MessageInfo};
use crate::peer::Peer;
use crate::signal::{Signal, lock};

pub(super) fn check_tag(tag: u64) -> Result<(), FabricError> {
    if tag > LARGEST_TAG {
        return Err(FabricError::InvalidArgument {
            reason: format!("the tag {tag} exceeds {LARGEST_TAG}"),
        });
    }
    Ok(())
}

impl DataChannel for ForeignChannel {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn capabilities(&self) -> ChannelCapabilities {
        self.table.capabilities()
    }

    fn statistics(&self) -> ChannelStatistics {
        let own = self.counters.read();
        // What crosses the wire is the library's to count, what is waited for is ours.
        ChannelStatistics {
            wait_nanoseconds: own.wait_nanoseconds,
            dropped_frames: own.dropped_frames,
            sent_messages: own.sent_messages,
            received_messages: own.received_messages,
            ..self.table.statistics()
        }
    }

    fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    unsafe fn post_send(
        &self,
        envelope: &Envelope,
        bytes: *const u8,
        length: usize,
    ) -> Result<OperationId, FabricError> {
        let header = self.header(envelope, length)?;
        let mut state = lock(&self.state);
        if let Some(error) = self.failure(&state) {
            return Err(error);
        }
        state.next_operation += 1;
        let operation = state.next_operation;
        self.start_send(&mut state, &header, bytes, Vec::new(), Some(operation))?;
        Ok(operation)
    }

    unsafe fn post_receive(
        &self,
        kind: FrameKind,
        tag: u64,
        bytes: *mut u8,
        capacity: usize,
    ) -> Result<OperationId, FabricError> {
        check_tag(tag)?;
        let key = Key { kind, tag };
        let mut state = lock(&self.state);
        state.next_operation += 1;
        let operation = state.next_operation;
        if let Some((info, payload)) = state.inbox.get_mut(&key).and_then(VecDeque::pop_front) {
            if payload.len() <= capacity {
                // SAFETY: the caller lends `capacity` bytes, and the payload is memory of our own.
                unsafe { std::ptr::copy_nonoverlapping(payload.as_ptr(), bytes, payload.len()) };
            }
            state.completed.insert(operation, info);
            return Ok(operation);
        }
        if let Some(error) = self.failure(&state) {
            return Err(error);
        }
        let queue = state.receiving.entry(key).or_default();
        match queue.front_mut() {
            // Nobody has claimed the next message yet, and its payload has not been started.
            Some(first) if first.arrived.is_none() && matches!(first.target, Target::Owned(_)) => {
                first.target = Target::Posted(operation, bytes, capacity);
            }
            _ => queue.push_back(Receiving::new(Target::Posted(operation, bytes, capacity))),
        }
        self.drive_locked(&mut state);
        Ok(operation)
    }

    fn poll_operation(&self, operation: OperationId) -> Result<Option<MessageInfo>, FabricError> {
        let mut state = lock(&self.state);
        match state.completed.remove(&operation) {
            Some(info) => Ok(Some(info)),
            None => self.failure(&state).map_or(Ok(None), Err),
        }
    }

    fn cancel(&self, operation: OperationId) {
        let mut state = lock(&self.state);
        state.completed.remove(&operation);
        let mut cut_short = false;
        if let Some(position) = state
            .sending
            .iter()
            .position(|sending| sending.operation == Some(operation))
        {
            let sending = state.sending.remove(position);
            sending.pending.iter().for_each(|pending| self.table.cancel(*pending));
            cut_short = true;
        }
        for queue in state.receiving.values_mut() {
            let Some(position) = queue.iter().position(|receiving| receiving.belongs_to(operation)) else {
                continue;
            };
            if let Some(receiving) = queue.remove(position) {
                self.cancel_receiving(&receiving);
                cut_short |= receiving.arrived.is_some();
            }
        }
        if cut_short {
            // A header may be without its payload now: the two series do not fit together any more.
            let reason = format!("a message between here and {} was given up in the middle", self.peer);
            self.end(&mut state, FabricError::Aborted { reason });
        }
    }

    fn try_send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<bool, FabricError> {
        let header = self.header(envelope, bytes.len())?;
        let mut state = lock(&self.state);
        if let Some(error) = self.failure(&state) {
            return Err(error);
        }
        if state.sending.len() >= MOST_SENDING {
            self.drive_locked(&mut state);
            return Ok(false);
        }
        self.start_send(&mut state, &header, std::ptr::null(), bytes.to_vec(), None)?;
        Ok(true)
    }

    fn try_receive(&self, kind: FrameKind, tag: u64, into: &mut Vec<u8>) -> Result<Option<MessageInfo>, FabricError> {
        check_tag(tag)?;
        let key = Key { kind, tag };
        let mut state = lock(&self.state);
        if let Some((info, payload)) = state.inbox.get_mut(&key).and_then(VecDeque::pop_front) {
            *into = payload;
            return Ok(Some(info));
        }
        if let Some(error) = self.failure(&state) {
            return Err(error);
        }
        self.listen(&mut state, key);
        Ok(None)
    }

    fn drive(&self) {
        self.drive_locked(&mut lock(&self.state));
    }

    fn readiness(&self) -> Option<Readiness<'_>> {
        None
    }

    fn add_wait(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Counters::add(&self.counters.wait_nanoseconds, nanoseconds);
    }

    fn leave(&self, cause: Option<&FabricError>, linger: Duration) {
        let limit = Instant::now() + linger;
        let (envelope, text) = goodbye::write(cause);
        let mut state = lock(&self.state);
        if state.end.is_none()
            && let Ok(header) = self.header(&envelope, text.len())
            && self
                .start_send(&mut state, &header, std::ptr::null(), text, None)
                .is_ok()
        {
            while !state.sending.is_empty() && Instant::now() < limit && self.advance_sends(&mut state).is_ok() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.end(
            &mut state,
            FabricError::Closed {
                peer: self.peer.clone(),
            },
        );
        if cause.is_some() {
            self.table.abort();
        }
    }
}
