//! What callers do with the channel.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shoal_abi::channel::{
    CAPABILITY_ORDERED, CAPABILITY_RELIABLE, ChannelCapabilities, ChannelStatistics, MEMORY_HOST,
};
use shoal_frame::FrameKind;

use super::{LEAVE_POLL_INTERVAL, SocketChannel};
use crate::data_channel::{Counters, DataChannel, OperationId, Readiness};
use crate::error::FabricError;
use crate::goodbye;
use crate::message::{Envelope, Key, MessageInfo};
use crate::peer::Peer;
use crate::signal::{Signal, lock};

impl DataChannel for SocketChannel {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn capabilities(&self) -> ChannelCapabilities {
        ChannelCapabilities {
            flags: CAPABILITY_RELIABLE | CAPABILITY_ORDERED,
            largest_message_bytes: u64::from(self.limits.largest_message_bytes),
            memory_kinds: MEMORY_HOST,
        }
    }

    fn statistics(&self) -> ChannelStatistics {
        self.counters.read()
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
        let header = self.checked_header(envelope, length)?;
        let mut state = self.locked_for_posting()?;
        let operation = state.next_operation;
        state.next_operation += 1;
        // SAFETY: the caller keeps the memory until the operation is reported or cancelled, and `Outbound` forgets it
        // then.
        unsafe { state.outbound.push_borrowed(&header, bytes, length, operation) };
        self.pump_writes(&mut state);
        Ok(operation)
    }

    unsafe fn post_receive(
        &self,
        kind: FrameKind,
        tag: u64,
        bytes: *mut u8,
        capacity: usize,
    ) -> Result<OperationId, FabricError> {
        // A message that has already arrived is delivered even if the channel has ended since.
        let mut state = lock(&self.state);
        let operation = state.next_operation;
        state.next_operation += 1;
        // SAFETY: the caller keeps the memory until the operation is reported or cancelled, and `Inbound` forgets it
        // then.
        let delivered = unsafe { state.inbound.post(Key { kind, tag }, bytes, capacity, operation) };
        if !delivered && let Some(error) = self.failure(&state) {
            state.inbound.cancel(operation);
            return Err(error);
        }
        Ok(operation)
    }

    fn poll_operation(&self, operation: OperationId) -> Result<Option<MessageInfo>, FabricError> {
        let mut state = lock(&self.state);
        let done = state
            .inbound
            .take_completion(operation)
            .or_else(|| state.outbound.take_completion(operation));
        match done {
            Some(info) => Ok(Some(info)),
            None => match self.failure(&state) {
                Some(error) => Err(error),
                None => Ok(None),
            },
        }
    }

    fn cancel(&self, operation: OperationId) {
        let mut state = lock(&self.state);
        state.inbound.cancel(operation);
        state.outbound.cancel(operation);
    }

    fn try_send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<bool, FabricError> {
        let header = self.checked_header(envelope, bytes.len())?;
        let mut state = self.locked_for_posting()?;
        if state.outbound.queued_bytes() > 0 {
            self.pump_writes(&mut state);
            // A single message larger than the outbox passes when the outbox is empty.
            if state.outbound.queued_bytes() > 0
                && state.outbound.queued_bytes() + bytes.len() > self.limits.outbox_bytes
            {
                return Ok(false);
            }
        }
        let operation = state.next_operation;
        state.next_operation += 1;
        // SAFETY: `detach` below copies what the socket did not take, before the borrow of `bytes` ends.
        unsafe {
            state
                .outbound
                .push_borrowed(&header, bytes.as_ptr(), bytes.len(), operation)
        };
        self.pump_writes(&mut state);
        state.outbound.detach(operation);
        match &state.end {
            Some(_) => Err(self.failure(&state).unwrap_or_else(|| FabricError::Closed {
                peer: self.peer.clone(),
            })),
            None => Ok(true),
        }
    }

    fn try_receive(&self, kind: FrameKind, tag: u64, into: &mut Vec<u8>) -> Result<Option<MessageInfo>, FabricError> {
        let mut state = lock(&self.state);
        if let Some(info) = state.inbound.take_message(Key { kind, tag }, into) {
            return Ok(Some(info));
        }
        match self.failure(&state) {
            Some(error) => Err(error),
            None => Ok(None),
        }
    }

    fn drive(&self) {
        let mut state = lock(&self.state);
        self.pump_reads(&mut state);
        self.pump_writes(&mut state);
        drop(state);
        self.last_driven.store(self.elapsed_nanoseconds(), Ordering::Release);
    }

    fn readiness(&self) -> Option<Readiness<'_>> {
        let handle = self.poll_handle.as_ref()?.handle();
        let ended = lock(&self.state).end.is_some();
        Some(Readiness {
            handle,
            wants_read: !ended && !self.paused.load(Ordering::Acquire),
            wants_write: !ended && self.is_unflushed(),
        })
    }

    fn add_wait(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Counters::add(&self.counters.wait_nanoseconds, nanoseconds);
    }

    fn leave(&self, cause: Option<&FabricError>, linger: Duration) {
        let limit = Instant::now() + linger;
        {
            let mut state = lock(&self.state);
            if state.end.is_none() {
                let (envelope, text) = goodbye::write(cause);
                // The text was cut to a length that fits the header.
                let header = self.header(&envelope, text.len() as u32);
                state.outbound.push_copy(&header, &text);
            }
        }
        loop {
            let mut state = lock(&self.state);
            self.pump_writes(&mut state);
            if state.outbound.is_empty() || Instant::now() >= limit {
                break;
            }
            drop(state);
            std::thread::sleep(LEAVE_POLL_INTERVAL);
        }
        let mut state = lock(&self.state);
        if state.end.is_none() {
            state.end = Some(FabricError::Closed {
                peer: self.peer.clone(),
            });
        }
        state.stream.finish();
        // Closing a socket with unread bytes would destroy what the peer has not read yet: wait for its end first.
        let mut scratch = [0_u8; 4096];
        while Instant::now() < limit {
            match state.stream.read(&mut scratch) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(LEAVE_POLL_INTERVAL),
                Ok(0) | Err(_) => break,
            }
        }
    }
}
