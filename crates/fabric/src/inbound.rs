//! The receiving half of a channel: from bytes to frames to the receivers that asked for them.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};

use shoal_frame::{FrameError, FrameHeader, FrameKind, HEADER_BYTES};

use crate::data_channel::OperationId;
use crate::error::FabricError;
use crate::message::{Key, Message, MessageInfo};
use crate::socket_channel::ReadError;
use crate::stream::Stream;

/// One read takes a header and a typical activation together. What is longer is read straight into its destination.
const READ_BUFFER_BYTES: usize = 16 << 10;

/// Payload buffers kept for the next messages, and the largest that is worth keeping.
const SPARE_BUFFERS: usize = 4;
const LARGEST_SPARE_BYTES: usize = 1 << 20;

/// Queues that may be empty at the same time.
const MOST_IDLE_QUEUES: usize = 64;

/// What one advance has brought.
pub(crate) enum Arrival {
    /// Nothing more to read at present.
    Nothing,
    /// A message reached its receiver or the inbox.
    Delivered,
    /// A stale frame was dropped.
    Dropped,
    /// A frame for the channel itself: heartbeat or goodbye.
    Service(FrameHeader, Vec<u8>),
    /// The stream has ended.
    End,
}

/// Memory that a receiver has posted.
#[derive(Debug)]
struct Posted {
    operation: OperationId,
    bytes: *mut u8,
    capacity: usize,
}

// SAFETY: whoever posted the memory promised to leave it alone, on every thread, until the operation is reported or
// cancelled; until then `Inbound` is its only user, and `Inbound` is used by one thread at a time.
unsafe impl Send for Posted {}

impl Posted {
    /// The posted memory.
    fn memory(&mut self) -> &mut [u8] {
        if self.capacity == 0 {
            return &mut [];
        }
        // SAFETY: see `Inbound::post`: the memory is valid and exclusively ours while the operation is pending.
        unsafe { std::slice::from_raw_parts_mut(self.bytes, self.capacity) }
    }
}

/// Where the payload that is being received goes.
#[derive(Debug)]
enum Target {
    Posted(Posted),
    Inbox(Vec<u8>),
    Service(Vec<u8>),
    /// Too long for this operation's memory.
    TooLong(OperationId),
    Stale,
}

#[derive(Debug)]
struct Incoming {
    header: FrameHeader,
    filled: usize,
    target: Target,
}

impl Incoming {
    fn remaining(&self) -> usize {
        self.header.length as usize - self.filled
    }

    /// The memory for the bytes that are missing; nothing where they are dropped.
    fn rest(&mut self) -> Option<&mut [u8]> {
        let (filled, length) = (self.filled, self.header.length as usize);
        match &mut self.target {
            Target::Posted(posted) => Some(&mut posted.memory()[filled..length]),
            Target::Inbox(bytes) | Target::Service(bytes) => Some(&mut bytes[filled..length]),
            Target::TooLong(_) | Target::Stale => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Inbound {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The last read has emptied the socket; asking again at once would cost a system call for nothing.
    drained: bool,
    current: Option<Incoming>,
    /// A message for which the inbox has no room. Reading stops until somebody asks for it or makes room.
    paused: Option<FrameHeader>,
    inbox: HashMap<Key, VecDeque<Message>>,
    inbox_bytes: usize,
    inbox_limit: usize,
    posted: HashMap<Key, VecDeque<Posted>>,
    completed: HashMap<OperationId, MessageInfo>,
    spare: Vec<Vec<u8>>,
    /// Bytes taken from the stream so far.
    pub(crate) received_bytes: u64,
}

impl Inbound {
    pub(crate) fn new(inbox_limit: usize) -> Self {
        Self {
            buffer: vec![0; READ_BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            drained: false,
            current: None,
            paused: None,
            inbox: HashMap::new(),
            inbox_bytes: 0,
            inbox_limit,
            posted: HashMap::new(),
            completed: HashMap::new(),
            spare: Vec::new(),
            received_bytes: 0,
        }
    }

    /// Queues that take memory, for tests.
    #[cfg(test)]
    pub(crate) fn queue_count(&self) -> usize {
        self.inbox.len() + self.posted.len()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Reads until something has arrived or nothing more is there. `accept` judges each header; `false` drops it.
    pub(crate) fn advance(
        &mut self,
        stream: &mut Stream,
        accept: impl Fn(Result<FrameHeader, FrameError>) -> Result<(FrameHeader, bool), FabricError>,
    ) -> Result<Arrival, ReadError> {
        loop {
            if let Some(header) = self.paused {
                if !self.has_room(&header) {
                    return Ok(Arrival::Nothing);
                }
                self.paused = None;
                self.begin(header, true);
            }
            if self.current.is_some() {
                self.copy_buffered();
                if let Some(done) = self.current.take_if(|incoming| incoming.remaining() == 0) {
                    return Ok(self.complete(done));
                }
            } else if let Some(bytes) = self.buffer[self.start..self.end].first_chunk::<HEADER_BYTES>() {
                let (header, keep) = accept(FrameHeader::decode(bytes, u32::MAX)).map_err(ReadError::Frame)?;
                self.start += HEADER_BYTES;
                self.begin(header, keep);
                continue;
            }
            if std::mem::take(&mut self.drained) {
                return Ok(Arrival::Nothing);
            }
            match self.read(stream) {
                Ok(0) => return Ok(Arrival::End),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Arrival::Nothing),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Arrival::End),
                Err(error) => return Err(ReadError::Stream(error)),
            }
        }
    }

    fn read(&mut self, stream: &mut Stream) -> io::Result<usize> {
        // Everything buffered has been used up, but for part of a header.
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let direct = match &mut self.current {
            Some(incoming) if incoming.remaining() >= READ_BUFFER_BYTES => incoming.rest(),
            _ => None,
        };
        let (count, asked) = match direct {
            Some(rest) => {
                let asked = rest.len();
                let count = stream.read(rest)?;
                if let Some(incoming) = &mut self.current {
                    incoming.filled += count;
                }
                (count, asked)
            }
            None => {
                let space = &mut self.buffer[self.end..];
                let asked = space.len();
                let count = stream.read(space)?;
                self.end += count;
                (count, asked)
            }
        };
        self.received_bytes += count as u64;
        self.drained = count > 0 && count < asked && stream.short_read_is_last();
        Ok(count)
    }

    fn copy_buffered(&mut self) {
        let Some(incoming) = &mut self.current else { return };
        let count = incoming.remaining().min(self.end - self.start);
        if let Some(rest) = incoming.rest() {
            rest[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        }
        incoming.filled += count;
        self.start += count;
    }

    fn begin(&mut self, header: FrameHeader, keep: bool) {
        let length = header.length as usize;
        let target = if !keep {
            Target::Stale
        } else if matches!(header.kind, FrameKind::Heartbeat | FrameKind::Goodbye) {
            Target::Service(vec![0; length])
        } else if let Some(posted) = self.next_posted(key(&header)) {
            if length <= posted.capacity {
                Target::Posted(posted)
            } else {
                Target::TooLong(posted.operation)
            }
        } else if self.has_room(&header) {
            self.inbox_target(length)
        } else {
            self.paused = Some(header);
            return;
        };
        self.current = Some(Incoming {
            header,
            filled: 0,
            target,
        });
    }

    fn inbox_target(&mut self, length: usize) -> Target {
        self.inbox_bytes += length;
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.resize(length, 0);
        Target::Inbox(bytes)
    }

    /// A single message larger than the whole inbox passes when the inbox is empty.
    fn has_room(&self, header: &FrameHeader) -> bool {
        self.inbox_bytes == 0
            || self.inbox_bytes + header.length as usize <= self.inbox_limit
            || self.posted.get(&key(header)).is_some_and(|queue| !queue.is_empty())
    }

    fn next_posted(&mut self, key: Key) -> Option<Posted> {
        pop(&mut self.posted, key)
    }

    fn complete(&mut self, done: Incoming) -> Arrival {
        let info = MessageInfo::of(&done.header);
        match done.target {
            Target::Posted(posted) => {
                self.completed.insert(posted.operation, info);
            }
            Target::TooLong(operation) => {
                self.completed.insert(operation, info);
            }
            Target::Inbox(payload) => {
                let key = key(&done.header);
                match self.next_posted(key) {
                    Some(posted) => self.hand_over(Message { info, payload }, posted),
                    None => self.inbox.entry(key).or_default().push_back(Message { info, payload }),
                }
            }
            Target::Service(payload) => return Arrival::Service(done.header, payload),
            Target::Stale => return Arrival::Dropped,
        }
        Arrival::Delivered
    }

    /// Copies a message from the inbox into posted memory. One that is too long is reported by its length only.
    fn hand_over(&mut self, message: Message, mut posted: Posted) {
        if let Some(memory) = posted.memory().get_mut(..message.payload.len()) {
            memory.copy_from_slice(&message.payload);
        }
        self.completed.insert(posted.operation, message.info);
        self.inbox_bytes -= message.payload.len();
        self.recycle(message.payload);
    }

    fn recycle(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS && (1..=LARGEST_SPARE_BYTES).contains(&bytes.capacity()) {
            self.spare.push(bytes);
        }
    }

    fn next_message(&mut self, key: Key) -> Option<Message> {
        pop(&mut self.inbox, key)
    }

    /// Registers memory for the next message of `key`; `true` when the message was there already.
    ///
    /// # Safety
    /// `capacity` bytes at `bytes` are writable and used by nobody else until the operation was taken by
    /// [`Self::take_completion`] or cancelled.
    pub(crate) unsafe fn post(&mut self, key: Key, bytes: *mut u8, capacity: usize, operation: OperationId) -> bool {
        let mut posted = Posted {
            operation,
            bytes,
            capacity,
        };
        if self.posted.get(&key).is_none_or(VecDeque::is_empty) {
            if let Some(message) = self.next_message(key) {
                self.hand_over(message, posted);
                return true;
            }
            if let Some(incoming) = &mut self.current
                && self::key(&incoming.header) == key
                && incoming.header.length as usize <= capacity
                && let Target::Inbox(received) = &mut incoming.target
            {
                // It is on its way into the inbox: let the rest go straight to the receiver.
                posted.memory()[..incoming.filled].copy_from_slice(&received[..incoming.filled]);
                self.inbox_bytes -= received.len();
                let received = std::mem::take(received);
                incoming.target = Target::Posted(posted);
                self.recycle(received);
                return false;
            }
        }
        self.posted.entry(key).or_default().push_back(posted);
        false
    }

    pub(crate) fn take_completion(&mut self, operation: OperationId) -> Option<MessageInfo> {
        self.completed.remove(&operation)
    }

    /// Moves the next message of `key` into `into`. A message that had to wait for room is let in.
    pub(crate) fn take_message(&mut self, key: Key, into: &mut Vec<u8>) -> Option<MessageInfo> {
        if let Some(message) = self.next_message(key) {
            self.inbox_bytes -= message.payload.len();
            self.recycle(std::mem::replace(into, message.payload));
            return Some(message.info);
        }
        if let Some(header) = self.paused.take_if(|header| self::key(header) == key) {
            let target = self.inbox_target(header.length as usize);
            self.current = Some(Incoming {
                header,
                filled: 0,
                target,
            });
        }
        None
    }

    /// Forgets an operation. A message that is already arriving for it goes to the inbox instead.
    pub(crate) fn cancel(&mut self, operation: OperationId) {
        if self.completed.remove(&operation).is_some() {
            return;
        }
        for queue in self.posted.values_mut() {
            queue.retain(|posted| posted.operation != operation);
        }
        let Some(incoming) = &mut self.current else { return };
        match &mut incoming.target {
            Target::Posted(posted) if posted.operation == operation => {
                let mut bytes = vec![0; incoming.header.length as usize];
                bytes[..incoming.filled].copy_from_slice(&posted.memory()[..incoming.filled]);
                self.inbox_bytes += bytes.len();
                incoming.target = Target::Inbox(bytes);
            }
            Target::TooLong(pending) if *pending == operation => incoming.target = Target::Stale,
            _ => {}
        }
    }
}

/// Takes the first of a queue. Empty queues are kept for the next message, unless there are as many as only tags that
/// never come again can leave behind.
fn pop<T>(queues: &mut HashMap<Key, VecDeque<T>>, key: Key) -> Option<T> {
    let queue = queues.get_mut(&key)?;
    let first = queue.pop_front();
    if queue.is_empty() && queues.len() > MOST_IDLE_QUEUES {
        queues.remove(&key);
    }
    first
}

fn key(header: &FrameHeader) -> Key {
    Key {
        kind: header.kind,
        tag: header.tag,
    }
}
