//! The sending half of a channel: frames that the socket has not taken yet.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};

use shoal_frame::{FrameHeader, HEADER_BYTES};

use crate::data_channel::{Counters, OperationId};
use crate::message::MessageInfo;
use crate::stream::Stream;

#[derive(Debug)]
enum Payload {
    Owned(Vec<u8>),
    Borrowed(*const u8, usize),
}

// SAFETY: borrowed memory is only read, and whoever lent it promised to keep it unchanged, on every thread, until the
// operation is reported or cancelled.
unsafe impl Send for Payload {}

impl Payload {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Borrowed(_, 0) => &[],
            // SAFETY: see `Outbound::push_borrowed`: the memory is valid while the operation is pending.
            Self::Borrowed(bytes, length) => unsafe { std::slice::from_raw_parts(*bytes, *length) },
        }
    }
}

#[derive(Debug)]
struct Outgoing {
    header: [u8; HEADER_BYTES],
    info: MessageInfo,
    payload: Payload,
    /// Bytes of header and payload that the socket has taken.
    written: usize,
    /// Who is to be told when all is written.
    operation: Option<OperationId>,
}

impl Outgoing {
    fn parts(&self) -> (&[u8], &[u8]) {
        let payload_written = self.written.saturating_sub(HEADER_BYTES);
        (
            &self.header[self.written.min(HEADER_BYTES)..],
            &self.payload.bytes()[payload_written..],
        )
    }

    fn remaining(&self) -> usize {
        HEADER_BYTES + self.payload.bytes().len() - self.written
    }

    /// Keeps a copy of what is left instead of the lender's memory.
    fn detach(&mut self) {
        let rest = self.parts().1.to_vec();
        self.payload = Payload::Owned(rest);
        self.written = self.written.min(HEADER_BYTES);
        self.operation = None;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outbound {
    queue: VecDeque<Outgoing>,
    queued_bytes: usize,
    completed: HashMap<OperationId, MessageInfo>,
}

impl Outbound {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    pub(crate) fn push_copy(&mut self, header: &FrameHeader, bytes: &[u8]) {
        self.push(header, Payload::Owned(bytes.to_vec()), None);
    }

    /// Queues memory of the caller's.
    ///
    /// # Safety
    /// `length` bytes at `bytes` stay readable and unchanged until the operation was taken by
    /// [`Self::take_completion`], cancelled or detached.
    pub(crate) unsafe fn push_borrowed(
        &mut self,
        header: &FrameHeader,
        bytes: *const u8,
        length: usize,
        operation: OperationId,
    ) {
        self.push(header, Payload::Borrowed(bytes, length), Some(operation));
    }

    fn push(&mut self, header: &FrameHeader, payload: Payload, operation: Option<OperationId>) {
        let outgoing = Outgoing {
            header: header.encode(),
            info: MessageInfo::of(header),
            payload,
            written: 0,
            operation,
        };
        self.queued_bytes += outgoing.remaining();
        self.queue.push_back(outgoing);
    }

    /// Writes what the stream takes; `true` when nothing is left.
    pub(crate) fn flush(&mut self, stream: &mut Stream, counters: &Counters) -> io::Result<bool> {
        while let Some(outgoing) = self.queue.front_mut() {
            let (header, payload) = outgoing.parts();
            match stream.write(header, payload) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    outgoing.written += count;
                    self.queued_bytes -= count;
                    Counters::add(&counters.sent_bytes, count as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if outgoing.remaining() == 0 {
                Counters::add(&counters.sent_messages, 1);
                if let Some(operation) = outgoing.operation {
                    self.completed.insert(operation, outgoing.info);
                }
                self.queue.pop_front();
            }
        }
        stream.flush()
    }

    pub(crate) fn take_completion(&mut self, operation: OperationId) -> Option<MessageInfo> {
        self.completed.remove(&operation)
    }

    /// Ends the use of the caller's memory and still sends the message.
    pub(crate) fn detach(&mut self, operation: OperationId) {
        if self.completed.remove(&operation).is_some() {
            return;
        }
        if let Some(outgoing) = self
            .queue
            .iter_mut()
            .rev()
            .find(|outgoing| outgoing.operation == Some(operation))
        {
            outgoing.detach();
        }
    }

    /// Ends the use of the caller's memory. The message is dropped, unless a part of it is already on the wire.
    pub(crate) fn cancel(&mut self, operation: OperationId) {
        let Some(position) = self
            .queue
            .iter()
            .position(|outgoing| outgoing.operation == Some(operation))
        else {
            self.completed.remove(&operation);
            return;
        };
        if self.queue[position].written > 0 {
            self.queue[position].detach();
        } else if let Some(dropped) = self.queue.remove(position) {
            self.queued_bytes -= dropped.remaining();
        }
    }

    /// Drops everything, because nothing can be sent any more.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.queued_bytes = 0;
    }
}
