//! Channels of other libraries behind the interface of this one.
//!
//! A table carries plain messages. Each message of ours becomes two of them: the frame's header under the message's
//! tag, and, if there is one, the payload under the same tag with [`PAYLOAD_BIT`] set. So the receiver learns length,
//! step and sequence first, and the payload goes straight into its place.

mod liveness;
mod posting;
mod receiving;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use shoal_abi::Status;
use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};

use crate::data_channel::{Counters, OperationId};
use crate::error::FabricError;
use crate::foreign::{ForeignTable, table_tag};
use crate::message::{Envelope, Key, MessageInfo};
use crate::peer::{MemberIndex, Peer};
use crate::signal::{Signal, lock};

/// Tells a payload's tag from its header's.
const PAYLOAD_BIT: u64 = 1 << 55;

/// Messages that may wait for the table before a sender has to wait.
const MOST_SENDING: usize = 256;

const SERVICE_KINDS: [FrameKind; 2] = [FrameKind::Heartbeat, FrameKind::Goodbye];

/// A message on its way out. Dropping it gives the table's operations up.
#[derive(Debug)]
struct Sending {
    /// Operations of the table that are not done yet, oldest first.
    pending: VecDeque<u64>,
    /// Memory that the table reads from.
    _header: Box<[u8; HEADER_BYTES]>,
    _copy: Vec<u8>,
    info: MessageInfo,
    /// Whom to tell; nobody for a copy.
    operation: Option<OperationId>,
}

#[derive(Debug)]
enum Target {
    /// Memory of a receiver, with its operation.
    Posted(OperationId, *mut u8, usize),
    /// Memory of our own: for a receiver that does not know the length, or for a message that is too long.
    Owned(Vec<u8>),
}

#[derive(Debug)]
struct Receiving {
    header: Box<[u8; HEADER_BYTES]>,
    /// The header once it has arrived.
    arrived: Option<FrameHeader>,
    target: Target,
    /// The table's operation, once started.
    pending: Option<u64>,
    /// Tells the receiver of a message that does not fit.
    too_long_for: Option<OperationId>,
}

// SAFETY: posted memory belongs to the channel until its operation is reported or cancelled, on every thread.
unsafe impl Send for Receiving {}

impl Receiving {
    fn new(target: Target) -> Self {
        Self {
            header: Box::new([0; HEADER_BYTES]),
            arrived: None,
            target,
            pending: None,
            too_long_for: None,
        }
    }

    fn belongs_to(&self, operation: OperationId) -> bool {
        self.too_long_for == Some(operation) || matches!(self.target, Target::Posted(posted, ..) if posted == operation)
    }
}

#[derive(Debug, Default)]
struct State {
    next_operation: OperationId,
    sending: Vec<Sending>,
    /// Only the first of each queue is known to the table: headers and payloads must not overtake one another.
    receiving: HashMap<Key, VecDeque<Receiving>>,
    inbox: HashMap<Key, VecDeque<(MessageInfo, Vec<u8>)>>,
    completed: HashMap<OperationId, MessageInfo>,
    end: Option<FabricError>,
}

/// A channel of another library behind the interface of this one.
#[derive(Debug)]
pub struct ForeignChannel {
    table: ForeignTable,
    me: MemberIndex,
    peer: Peer,
    signal: Arc<Signal>,
    state: Mutex<State>,
    counters: Counters,
    opened: Instant,
    last_received: AtomicU64,
    epoch: AtomicU32,
    peer_host_stalled: AtomicBool,
}

impl ForeignChannel {
    /// A channel of the member `me` over a table, sharing the failure of `signal`'s mesh.
    ///
    /// # Errors
    /// None at present.
    pub fn new(table: ForeignTable, me: MemberIndex, signal: Arc<Signal>) -> Result<Self, FabricError> {
        let peer = table.peer();
        let peer = Peer::new(MemberIndex::new(peer.stage, peer.member), "a foreign channel");
        Ok(Self {
            table,
            me,
            peer,
            signal,
            state: Mutex::default(),
            counters: Counters::default(),
            opened: Instant::now(),
            last_received: AtomicU64::new(0),
            epoch: AtomicU32::new(0),
            peer_host_stalled: AtomicBool::new(false),
        })
    }

    fn header(&self, envelope: &Envelope, length: usize) -> Result<FrameHeader, FabricError> {
        posting::check_tag(envelope.tag)?;
        let limit = self.table.capabilities().largest_message_bytes.min(u64::from(u32::MAX));
        let fitting = u32::try_from(length).ok().filter(|length| u64::from(*length) <= limit);
        let Some(length) = fitting else {
            return Err(FabricError::MessageTooLarge {
                peer: self.peer.clone(),
                length: length as u64,
                limit,
            });
        };
        Ok(FrameHeader {
            kind: envelope.kind,
            flags: envelope.flags,
            epoch: self.epoch.load(Ordering::Acquire),
            sequence: envelope.sequence,
            step: envelope.step,
            length,
            tag: envelope.tag,
            ..FrameHeader::new(envelope.kind)
        })
    }

    fn failure(&self, state: &State) -> Option<FabricError> {
        self.signal.failure().or_else(|| state.end.clone())
    }

    fn error(&self, status: Status) -> FabricError {
        FabricError::from_status(status, &self.peer, &self.table.last_error()).unwrap_or_else(|| {
            FabricError::InvalidArgument {
                reason: "a success was taken for an error".to_owned(),
            }
        })
    }

    fn end(&self, state: &mut State, error: FabricError) {
        if state.end.is_some() {
            return;
        }
        state.end = Some(error.clone());
        if !matches!(error, FabricError::Closed { .. }) {
            self.signal.fail(error);
        }
    }

    fn elapsed_nanoseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Hands header and payload to the table. With `copy` the payload is kept here.
    fn start_send(
        &self,
        state: &mut State,
        header: &FrameHeader,
        bytes: *const u8,
        copy: Vec<u8>,
        operation: Option<OperationId>,
    ) -> Result<(), FabricError> {
        let tag = table_tag(header.kind, header.tag);
        let encoded = Box::new(header.encode());
        let mut sending = Sending {
            pending: VecDeque::new(),
            _header: encoded,
            _copy: copy,
            info: MessageInfo::of(header),
            operation,
        };
        let result = (|| {
            sending
                .pending
                .push_back(self.table.send(tag, sending._header.as_ptr(), HEADER_BYTES)?);
            if header.length > 0 {
                let bytes = if sending.operation.is_some() {
                    bytes
                } else {
                    sending._copy.as_ptr()
                };
                sending
                    .pending
                    .push_back(self.table.send(tag | PAYLOAD_BIT, bytes, header.length as usize)?);
            }
            Ok(())
        })();
        if let Err(status) = result {
            sending.pending.iter().for_each(|pending| self.table.cancel(*pending));
            let error = self.error(status);
            self.end(state, error.clone());
            return Err(error);
        }
        state.sending.push(sending);
        self.advance_sends(state)
    }

    fn advance_sends(&self, state: &mut State) -> Result<(), FabricError> {
        let mut index = 0;
        while index < state.sending.len() {
            let sending = &mut state.sending[index];
            while let Some(pending) = sending.pending.front() {
                match self.table.poll(*pending) {
                    Ok(None) => break,
                    Ok(Some(_)) => drop(sending.pending.pop_front()),
                    Err(status) => {
                        sending.pending.pop_front();
                        let error = self.error(status);
                        self.end(state, error.clone());
                        return Err(error);
                    }
                }
            }
            if !sending.pending.is_empty() {
                index += 1;
                continue;
            }
            let done = state.sending.remove(index);
            Counters::add(&self.counters.sent_messages, 1);
            Counters::add(&self.counters.sent_bytes, (HEADER_BYTES + done.info.length) as u64);
            if let Some(operation) = done.operation {
                state.completed.insert(operation, done.info);
            }
        }
        Ok(())
    }

    fn drive_locked(&self, state: &mut State) {
        if state.end.is_none() {
            // A failure is kept in `end` and reported to whoever asks next.
            let _ = self.advance_sends(state).and_then(|()| self.advance_receives(state));
        }
    }

    fn cancel_receiving(&self, receiving: &Receiving) {
        if let Some(pending) = receiving.pending {
            self.table.cancel(pending);
        }
    }
}

impl Drop for ForeignChannel {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        for sending in state.sending.drain(..) {
            sending.pending.iter().for_each(|pending| self.table.cancel(*pending));
        }
        for (_, queue) in state.receiving.drain() {
            queue.iter().for_each(|receiving| self.cancel_receiving(receiving));
        }
    }
}
