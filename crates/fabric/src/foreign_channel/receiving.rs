//! From the table's messages to ours.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};

use super::{ForeignChannel, PAYLOAD_BIT, Receiving, SERVICE_KINDS, State, Target};
use crate::data_channel::Counters;
use crate::error::FabricError;
use crate::foreign::table_tag;
use crate::goodbye;
use crate::message::{Key, MessageInfo};
use crate::socket_channel::HEARTBEAT_HOST_STALLED;

impl ForeignChannel {
    /// Makes sure that something receives under a key.
    pub(super) fn listen(&self, state: &mut State, key: Key) {
        let queue = state.receiving.entry(key).or_default();
        if queue.is_empty() {
            queue.push_back(Receiving::new(Target::Owned(Vec::new())));
        }
    }

    pub(super) fn advance_receives(&self, state: &mut State) -> Result<(), FabricError> {
        for kind in SERVICE_KINDS {
            self.listen(state, Key { kind, tag: 0 });
        }
        let keys: Vec<Key> = state.receiving.keys().copied().collect();
        for key in keys {
            while let Some(done) = self.advance_first(state, key)? {
                self.deliver(state, key, done);
                let expects_more = state.receiving.get(&key).is_some_and(|queue| !queue.is_empty());
                if !expects_more {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Brings the first receive of a key forward; returns it once its message is complete.
    fn advance_first(&self, state: &mut State, key: Key) -> Result<Option<Receiving>, FabricError> {
        let Some(first) = state.receiving.get_mut(&key).and_then(VecDeque::front_mut) else {
            return Ok(None);
        };
        match self.advance_receiving(first, key) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(state.receiving.get_mut(&key).and_then(VecDeque::pop_front)),
            Err(error) => {
                first.pending = None;
                self.end(state, error.clone());
                Err(error)
            }
        }
    }

    fn advance_receiving(&self, receiving: &mut Receiving, key: Key) -> Result<bool, FabricError> {
        let tag = table_tag(key.kind, key.tag);
        let failed = |status| self.error(status);
        loop {
            let Some(pending) = receiving.pending else {
                // The memory stays in place: it is boxed, and the receive is cancelled before it is dropped.
                let header = receiving.header.as_mut_ptr();
                receiving.pending = Some(self.table.receive(tag, header, HEADER_BYTES).map_err(failed)?);
                continue;
            };
            let Some(length) = self.table.poll(pending).map_err(failed)? else {
                return Ok(false);
            };
            self.last_received.store(self.elapsed_nanoseconds(), Ordering::Release);
            Counters::add(&self.counters.received_bytes, length as u64);
            if receiving.arrived.is_some() {
                return Ok(true);
            }
            let header = self.check(receiving, key, length)?;
            receiving.arrived = Some(header);
            let length = header.length as usize;
            if length == 0 {
                receiving.pending = None;
                return Ok(true);
            }
            if let Target::Posted(operation, _, capacity) = receiving.target
                && length > capacity
            {
                receiving.too_long_for = Some(operation);
                receiving.target = Target::Owned(Vec::new());
            }
            let bytes = match &mut receiving.target {
                Target::Posted(_, bytes, _) => *bytes,
                Target::Owned(bytes) => {
                    bytes.resize(length, 0);
                    bytes.as_mut_ptr()
                }
            };
            receiving.pending = Some(self.table.receive(tag | PAYLOAD_BIT, bytes, length).map_err(failed)?);
        }
    }

    fn check(&self, receiving: &Receiving, key: Key, length: usize) -> Result<FrameHeader, FabricError> {
        let broken = |reason: String| FabricError::Protocol {
            address: self.peer.to_string(),
            reason,
        };
        if length != HEADER_BYTES {
            return Err(broken(format!("a header of {length} bytes")));
        }
        let limit = u32::try_from(self.table.capabilities().largest_message_bytes).unwrap_or(u32::MAX);
        let header = FrameHeader::decode(&receiving.header, limit).map_err(|error| broken(error.to_string()))?;
        if (header.kind, header.tag) != (key.kind, key.tag) {
            return Err(broken(format!(
                "a {} under the tag of a {}",
                header.kind.name(),
                key.kind.name()
            )));
        }
        Ok(header)
    }

    fn deliver(&self, state: &mut State, key: Key, done: Receiving) {
        let Some(header) = done.arrived else { return };
        let info = MessageInfo::of(&header);
        if header.epoch < self.epoch.load(Ordering::Acquire) {
            Counters::add(&self.counters.dropped_frames, 1);
            // Whoever waits for the next message still does.
            let target = match (done.target, done.too_long_for) {
                (target @ Target::Posted(..), _) => target,
                (Target::Owned(_), _) => return,
            };
            state
                .receiving
                .entry(key)
                .or_default()
                .push_front(Receiving::new(target));
            return;
        }
        Counters::add(&self.counters.received_messages, 1);
        match (done.target, done.too_long_for) {
            (Target::Posted(operation, ..), _) | (Target::Owned(_), Some(operation)) => {
                state.completed.insert(operation, info);
            }
            (Target::Owned(payload), None) => match header.kind {
                FrameKind::Heartbeat => {
                    self.peer_host_stalled
                        .store(header.flags & HEARTBEAT_HOST_STALLED != 0, Ordering::Relaxed);
                    self.listen(state, key);
                }
                FrameKind::Goodbye => {
                    let error = goodbye::read(&info.envelope, &payload, self.me, &self.peer, &self.signal);
                    self.end(state, error);
                }
                _ => state.inbox.entry(key).or_default().push_back((info, payload)),
            },
        }
    }
}
