//! Channels of other libraries behind the interface of this one.
//!
//! A table carries plain messages. Each message of ours becomes two of them: the frame's header under the message's
//! tag, and, if there is one, the payload under the same tag with [`PAYLOAD_BIT`] set. So the receiver learns length,
//! step and sequence first, and the payload goes straight into its place.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shoal_abi::Status;
use shoal_abi::channel::{ChannelCapabilities, ChannelStatistics};
use shoal_frame::{FrameHeader, FrameKind, HEADER_BYTES};

use crate::data_channel::{Counters, DataChannel, OperationId, Readiness};
use crate::error::FabricError;
use crate::foreign::{ForeignTable, table_tag};
use crate::goodbye;
use crate::message::{Envelope, Key, LARGEST_TAG, MessageInfo};
use crate::monitor::WatchedChannel;
use crate::peer::{MemberIndex, Peer};
use crate::signal::{Signal, lock};
use crate::socket_channel::HEARTBEAT_HOST_STALLED;

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
        check_tag(envelope.tag)?;
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

    /// Makes sure that something receives under a key.
    fn listen(&self, state: &mut State, key: Key) {
        let queue = state.receiving.entry(key).or_default();
        if queue.is_empty() {
            queue.push_back(Receiving::new(Target::Owned(Vec::new())));
        }
    }

    fn advance_receives(&self, state: &mut State) -> Result<(), FabricError> {
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

fn check_tag(tag: u64) -> Result<(), FabricError> {
    if tag > LARGEST_TAG {
        return Err(FabricError::InvalidArgument {
            reason: format!("the tag {tag} exceeds {LARGEST_TAG}"),
        });
    }
    Ok(())
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
        if let Some(position) = state
            .sending
            .iter()
            .position(|sending| sending.operation == Some(operation))
        {
            let sending = state.sending.remove(position);
            sending.pending.iter().for_each(|pending| self.table.cancel(*pending));
        }
        let mut cut_short = false;
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
            // A header without its payload: the two series do not fit together any more.
            let reason = "a receive was given up in the middle of a message".to_owned();
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

impl WatchedChannel for ForeignChannel {
    fn send_heartbeat(&self) {
        let flags = if self.signal.is_host_stalled() {
            HEARTBEAT_HOST_STALLED
        } else {
            0
        };
        if lock(&self.state).sending.is_empty() {
            // A failure is kept in `end`.
            let _ = self.try_send(
                &Envelope {
                    flags,
                    ..Envelope::new(FrameKind::Heartbeat, 0)
                },
                &[],
            );
        }
    }

    fn silence(&self) -> Duration {
        self.opened
            .elapsed()
            .saturating_sub(Duration::from_nanos(self.last_received.load(Ordering::Acquire)))
    }

    fn neglect(&self) -> Duration {
        // Nothing tells when a table has something to report, so it is looked at in every tick.
        Duration::MAX
    }

    fn has_ended(&self) -> bool {
        lock(&self.state).end.is_some()
    }

    fn peer_host_stalled(&self) -> bool {
        self.peer_host_stalled.load(Ordering::Relaxed)
    }

    fn lose(&self, reason: &str) {
        let error = FabricError::PeerLost {
            peer: self.peer.clone(),
            reason: reason.to_owned(),
        };
        self.end(&mut lock(&self.state), error);
    }

    fn set_epoch(&self, epoch: u32) {
        self.epoch.fetch_max(epoch, Ordering::AcqRel);
    }
}
