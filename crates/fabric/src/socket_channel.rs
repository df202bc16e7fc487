//! A channel over one byte stream: queues, matching of messages to receivers, and progress without blocking.
//!
//! One lock guards everything, because a TLS session is one object for both directions and because nobody ever waits
//! while holding it. Whoever waits for anything drives both directions, so two members that send large messages to
//! each other cannot block one another.

mod liveness;
mod posting;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use shoal_frame::{FrameHeader, FrameKind};

use crate::data_channel::{Counters, OperationId};
use crate::error::FabricError;
use crate::goodbye::{self, LONGEST_GOODBYE_BYTES};
use crate::inbound::{Arrival, Inbound};
use crate::message::{Envelope, MessageInfo};
use crate::outbound::Outbound;
use crate::peer::{MemberIndex, Peer};
use crate::signal::{Signal, lock};
use crate::stream::{PollHandle, Stream};

/// Flag of a heartbeat: the sender's host event loop is blocked. It lives, so this is a state and not a loss.
pub(crate) const HEARTBEAT_HOST_STALLED: u16 = 1;

const LEAVE_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Bounds of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Longest message in bytes, in both directions.
    pub largest_message_bytes: u32,
    /// Most bytes of messages that nobody has asked for yet; beyond it the peer has to wait.
    pub inbox_bytes: usize,
    /// Most bytes that are copied because the socket did not take them at once; beyond it the sender has to wait.
    pub outbox_bytes: usize,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            largest_message_bytes: 256 << 20,
            inbox_bytes: 64 << 20,
            outbox_bytes: 64 << 20,
        }
    }
}

/// What both ends agreed on in the handshake.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) me: MemberIndex,
    pub(crate) peer: Peer,
    pub(crate) instance: u64,
    pub(crate) epoch: u32,
}

/// A channel over a socket, a TLS session or memory.
#[derive(Debug)]
pub struct SocketChannel {
    me: MemberIndex,
    peer: Peer,
    instance: u64,
    epoch: AtomicU32,
    limits: ChannelLimits,
    signal: Arc<Signal>,
    poll_handle: Option<PollHandle>,
    state: Mutex<State>,
    counters: Counters,
    opened: Instant,
    /// Nanoseconds after `opened` at which the last byte arrived.
    last_received: AtomicU64,
    /// Nanoseconds after `opened` at which somebody last made progress here.
    last_driven: AtomicU64,
    unflushed: AtomicBool,
    paused: AtomicBool,
    peer_host_stalled: AtomicBool,
}

#[derive(Debug)]
struct State {
    stream: Stream,
    inbound: Inbound,
    outbound: Outbound,
    /// Why nothing more can happen, once that is so.
    end: Option<FabricError>,
    next_operation: OperationId,
}

impl SocketChannel {
    pub(crate) fn new(
        stream: Stream,
        session: Session,
        limits: ChannelLimits,
        signal: Arc<Signal>,
    ) -> Result<Arc<Self>, FabricError> {
        let poll_handle = stream.poll_handle().map_err(|error| {
            FabricError::input_output(format!("duplicating the socket to {}", session.peer), &error)
        })?;
        let channel = Arc::new(Self {
            me: session.me,
            peer: session.peer,
            instance: session.instance,
            epoch: AtomicU32::new(session.epoch),
            limits,
            signal: signal.clone(),
            poll_handle,
            state: Mutex::new(State {
                stream,
                inbound: Inbound::new(limits.inbox_bytes),
                outbound: Outbound::default(),
                end: None,
                next_operation: 1,
            }),
            counters: Counters::default(),
            opened: Instant::now(),
            last_received: AtomicU64::new(0),
            last_driven: AtomicU64::new(0),
            unflushed: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            peer_host_stalled: AtomicBool::new(false),
        });
        signal.add_channel(&channel);
        Ok(channel)
    }

    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed.load(Ordering::Acquire)
    }

    /// Why nothing more comes, once that is so.
    pub(crate) fn end_reason(&self) -> Option<FabricError> {
        self.failure(&lock(&self.state))
    }

    fn header(&self, envelope: &Envelope, length: u32) -> FrameHeader {
        FrameHeader {
            kind: envelope.kind,
            flags: envelope.flags,
            instance: self.instance,
            epoch: self.epoch.load(Ordering::Acquire),
            sequence: envelope.sequence,
            step: envelope.step,
            stage: self.me.stage,
            member: self.me.member,
            length,
            tag: envelope.tag,
        }
    }

    fn checked_header(&self, envelope: &Envelope, length: usize) -> Result<FrameHeader, FabricError> {
        let limit = u64::from(self.limits.largest_message_bytes);
        let fitting = u32::try_from(length).ok().filter(|length| u64::from(*length) <= limit);
        let Some(fitting) = fitting else {
            return Err(FabricError::MessageTooLarge {
                peer: self.peer.clone(),
                length: length as u64,
                limit,
            });
        };
        Ok(self.header(envelope, fitting))
    }

    fn failure(&self, state: &State) -> Option<FabricError> {
        // The mesh's failure comes first: the channel may have ended only in consequence of it.
        self.signal.failure().or_else(|| state.end.clone())
    }

    fn end(&self, state: &mut State, error: FabricError) {
        if state.end.is_some() {
            return;
        }
        let clean = matches!(error, FabricError::Closed { .. });
        state.end = Some(error.clone());
        state.outbound.clear();
        self.set_unflushed(false);
        if clean {
            self.signal.wake_waiters();
        } else {
            self.signal.fail(error);
        }
    }

    fn set_unflushed(&self, unflushed: bool) {
        if self.unflushed.swap(unflushed, Ordering::AcqRel) == unflushed {
            return;
        }
        if unflushed {
            self.signal.unflushed_channels.fetch_add(1, Ordering::AcqRel);
            // The caller may go on to compute: somebody else has to send the rest.
            self.signal.wake_monitor();
            self.signal.wake_waiters();
        } else {
            self.signal.unflushed_channels.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn elapsed_nanoseconds(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn pump_writes(&self, state: &mut State) {
        if state.end.is_some() {
            return;
        }
        let State { stream, outbound, .. } = state;
        match outbound.flush(stream, &self.counters) {
            Ok(all_written) => self.set_unflushed(!all_written),
            Err(error) => {
                // The peer's last words, such as a goodbye, may still be readable and tell more than a broken pipe.
                self.pump_reads(state);
                self.end(state, self.lost_by(&error));
            }
        }
    }

    fn pump_reads(&self, state: &mut State) {
        let mut delivered = false;
        while state.end.is_none() {
            let State { stream, inbound, .. } = &mut *state;
            let before = inbound.received_bytes;
            let arrival = inbound.advance(stream, |header| self.accept(header));
            let count = inbound.received_bytes - before;
            if count > 0 {
                Counters::add(&self.counters.received_bytes, count);
                self.last_received.store(self.elapsed_nanoseconds(), Ordering::Release);
            }
            match arrival {
                Ok(Arrival::Nothing) => break,
                Ok(Arrival::Delivered) => {
                    Counters::add(&self.counters.received_messages, 1);
                    delivered = true;
                }
                Ok(Arrival::Dropped) => Counters::add(&self.counters.dropped_frames, 1),
                Ok(Arrival::Service(header, payload)) => self.serve(state, &header, &payload),
                Ok(Arrival::End) => {
                    let reason = "the connection was closed without a goodbye".to_owned();
                    self.end(
                        state,
                        FabricError::PeerLost {
                            peer: self.peer.clone(),
                            reason,
                        },
                    );
                }
                Err(error) => {
                    let error = match error {
                        ReadError::Stream(error) => self.lost_by(&error),
                        ReadError::Frame(error) => error,
                    };
                    self.end(state, error);
                }
            }
        }
        self.paused.store(state.inbound.is_paused(), Ordering::Release);
        if delivered {
            self.signal.wake_waiters();
        }
    }

    fn lost_by(&self, error: &io::Error) -> FabricError {
        FabricError::PeerLost {
            peer: self.peer.clone(),
            reason: error.to_string(),
        }
    }

    /// Checks a header that the decoder found well-formed; `false` drops the frame.
    fn accept(&self, header: Result<FrameHeader, shoal_frame::FrameError>) -> Result<(FrameHeader, bool), FabricError> {
        let broken = |reason: String| FabricError::Protocol {
            address: self.peer.to_string(),
            reason,
        };
        let header = header.map_err(|error| broken(error.to_string()))?;
        if header.length > self.limits.largest_message_bytes {
            return Err(broken(format!(
                "a frame of {} bytes exceeds the limit of {}",
                header.length, self.limits.largest_message_bytes
            )));
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        if header.instance != self.instance || header.epoch > epoch {
            return Err(FabricError::EpochMismatch {
                address: self.peer.to_string(),
                expected: (self.instance, epoch),
                found: (header.instance, header.epoch),
            });
        }
        if (header.stage, header.member) != (self.peer.index.stage, self.peer.index.member) {
            return Err(broken(format!(
                "a frame claims to come from stage {} member {}",
                header.stage, header.member
            )));
        }
        let longest = match header.kind {
            FrameKind::Hello => return Err(broken("a second hello".to_owned())),
            FrameKind::Heartbeat => 0,
            FrameKind::Goodbye => LONGEST_GOODBYE_BYTES,
            _ => usize::MAX,
        };
        if header.length as usize > longest {
            return Err(broken(format!("a {} of {} bytes", header.kind.name(), header.length)));
        }
        Ok((header, header.epoch == epoch))
    }

    fn serve(&self, state: &mut State, header: &FrameHeader, payload: &[u8]) {
        if header.kind == FrameKind::Heartbeat {
            self.peer_host_stalled
                .store(header.flags & HEARTBEAT_HOST_STALLED != 0, Ordering::Relaxed);
            return;
        }
        let envelope = MessageInfo::of(header).envelope;
        let error = goodbye::read(&envelope, payload, self.me, &self.peer, &self.signal);
        self.end(state, error);
        // Lets the leaving side see the end of the stream, for which it lingers.
        state.stream.finish();
    }

    fn locked_for_posting(&self) -> Result<MutexGuard<'_, State>, FabricError> {
        let state = lock(&self.state);
        match self.failure(&state) {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

/// Why reading stopped for good.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The stream failed.
    Stream(io::Error),
    /// The bytes are not acceptable.
    Frame(FabricError),
}
