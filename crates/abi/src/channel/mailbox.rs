//! What a [`ChannelPort`](super::ChannelPort) knows of its messages and operations. No locks, no pointers called.

use std::collections::{HashMap, VecDeque};

use super::ChannelStatistics;
use crate::ErrorCode;

/// Why a channel is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelEnd {
    /// Stable code.
    pub code: ErrorCode,
    /// Who and what.
    pub message: String,
}

impl ChannelEnd {
    /// An end under a code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// A receive that waits for its message.
#[derive(Debug)]
struct Posted {
    operation: u64,
    bytes: *mut u8,
    capacity: u64,
}

/// A message that a receiver has got.
#[derive(Debug, Clone, Copy)]
struct Received {
    length: u64,
    capacity: u64,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    last_operation: u64,
    inbox: HashMap<u64, VecDeque<Vec<u8>>>,
    inbox_bytes: usize,
    posted: HashMap<u64, VecDeque<Posted>>,
    received: HashMap<u64, Received>,
    /// Lengths of messages by operation: on their way, and taken.
    sending: HashMap<u64, u64>,
    sent: HashMap<u64, u64>,
    end: Option<ChannelEnd>,
    pub(super) statistics: ChannelStatistics,
}

// SAFETY: posted memory belongs to the channel until its operation was reported or cancelled, on every thread.
unsafe impl Send for Mailbox {}

impl Mailbox {
    fn next_operation(&mut self) -> u64 {
        self.last_operation += 1;
        self.last_operation
    }

    /// Ends every operation that has not completed; the first reason stays.
    pub(super) fn end(&mut self, end: ChannelEnd) -> bool {
        let is_first = self.end.is_none();
        self.end.get_or_insert(end);
        is_first
    }

    /// Opens a send of `length` bytes.
    pub(super) fn open_send(&mut self, length: u64) -> Result<u64, ChannelEnd> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let operation = self.next_operation();
        self.sending.insert(operation, length);
        self.statistics.sent_messages += 1;
        self.statistics.sent_bytes += length;
        Ok(operation)
    }

    pub(super) fn complete_send(&mut self, operation: u64) {
        if let Some(length) = self.sending.remove(&operation) {
            self.sent.insert(operation, length);
        }
    }

    /// Opens a receive; takes a message that has arrived already, whatever has happened to the channel since.
    ///
    /// # Safety
    /// `bytes` points to `capacity` bytes that are the channel's until the operation is reported or cancelled.
    pub(super) unsafe fn open_receive(&mut self, tag: u64, bytes: *mut u8, capacity: u64) -> Result<u64, ChannelEnd> {
        let waiting = self.inbox.get_mut(&tag).and_then(VecDeque::pop_front);
        if waiting.is_none()
            && let Some(end) = &self.end
        {
            return Err(end.clone());
        }
        let operation = self.next_operation();
        let posted = Posted {
            operation,
            bytes,
            capacity,
        };
        match waiting {
            Some(message) => {
                self.inbox_bytes -= message.len();
                if self.inbox.get(&tag).is_some_and(VecDeque::is_empty) {
                    self.inbox.remove(&tag);
                }
                // SAFETY: as promised by the caller.
                unsafe { self.hand_over(&posted, &message) };
            }
            None => self.posted.entry(tag).or_default().push_back(posted),
        }
        Ok(operation)
    }

    /// Takes a message in. An end is that too many wait unread.
    pub(super) fn deliver(&mut self, tag: u64, message: &[u8], inbox_limit: usize) -> Result<(), ChannelEnd> {
        if self.end.is_some() {
            return Ok(());
        }
        self.statistics.received_messages += 1;
        self.statistics.received_bytes += message.len() as u64;
        if let Some(queue) = self.posted.get_mut(&tag)
            && let Some(posted) = queue.pop_front()
        {
            if queue.is_empty() {
                self.posted.remove(&tag);
            }
            // SAFETY: the poster promised the memory until its operation is reported or cancelled; it is neither yet.
            unsafe { self.hand_over(&posted, message) };
            return Ok(());
        }
        if message.len() > inbox_limit - self.inbox_bytes.min(inbox_limit) {
            return Err(ChannelEnd::new(
                ErrorCode::TransportAborted,
                format!("more than {inbox_limit} bytes of messages wait unread"),
            ));
        }
        self.inbox_bytes += message.len();
        self.inbox.entry(tag).or_default().push_back(message.to_vec());
        Ok(())
    }

    /// # Safety
    /// The posted memory is still the channel's.
    unsafe fn hand_over(&mut self, posted: &Posted, message: &[u8]) {
        let length = message.len() as u64;
        if length <= posted.capacity && !message.is_empty() {
            // SAFETY: it fits, the memory is the channel's as promised, and the message is memory of our own.
            unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), posted.bytes, message.len()) };
        }
        self.received.insert(
            posted.operation,
            Received {
                length,
                capacity: posted.capacity,
            },
        );
    }

    /// The outcome of an operation, once it has one; it is then forgotten.
    pub(super) fn poll(&mut self, operation: u64) -> Option<Result<u64, ChannelEnd>> {
        if let Some(length) = self.sent.remove(&operation) {
            return Some(Ok(length));
        }
        if let Some(Received { length, capacity }) = self.received.remove(&operation) {
            return Some(if length <= capacity {
                Ok(length)
            } else {
                Err(ChannelEnd::new(
                    ErrorCode::TransportFrameTooLarge,
                    format!("a message of {length} bytes came for a buffer of {capacity}"),
                ))
            });
        }
        if !self.knows(operation) {
            return Some(Err(unknown(operation)));
        }
        let end = self.end.clone()?;
        self.forget(operation);
        Some(Err(end))
    }

    /// Gives an operation up; its memory is not touched any more.
    pub(super) fn cancel(&mut self, operation: u64) -> Result<(), ChannelEnd> {
        let was_done = self.sent.remove(&operation).is_some() || self.received.remove(&operation).is_some();
        if was_done || self.forget(operation) {
            Ok(())
        } else {
            Err(unknown(operation))
        }
    }

    fn knows(&self, operation: u64) -> bool {
        let is_posted = |queue: &VecDeque<Posted>| queue.iter().any(|posted| posted.operation == operation);
        self.sending.contains_key(&operation) || self.posted.values().any(is_posted)
    }

    fn forget(&mut self, operation: u64) -> bool {
        if self.sending.remove(&operation).is_some() {
            return true;
        }
        let mut found = false;
        self.posted.retain(|_, queue| {
            let before = queue.len();
            queue.retain(|posted| posted.operation != operation);
            found |= queue.len() < before;
            !queue.is_empty()
        });
        found
    }
}

fn unknown(operation: u64) -> ChannelEnd {
    ChannelEnd::new(
        ErrorCode::InvalidArgument,
        format!("there is no operation {operation}, or it has already been reported"),
    )
}
