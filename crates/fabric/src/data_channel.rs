//! The one interface of channels: sockets of this crate and tables of other libraries look the same above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fd::BorrowedFd;
use shoal_abi::channel::{ChannelCapabilities, ChannelStatistics};
use shoal_frame::FrameKind;

use crate::error::FabricError;
use crate::message::{Envelope, MessageInfo};
use crate::peer::Peer;
use crate::signal::Signal;

/// An operation that was posted on a channel and has not been reported yet.
pub type OperationId = u64;

/// What the operating system can tell about a channel: the socket, and what is waited for.
#[derive(Debug)]
pub struct Readiness<'channel> {
    /// The socket.
    pub handle: BorrowedFd<'channel>,
    /// Whether arriving bytes would be taken.
    pub wants_read: bool,
    /// Whether bytes wait for the socket to take them.
    pub wants_write: bool,
}

impl<'channel> Readiness<'channel> {
    pub(crate) fn interest(self) -> Option<PollFd<'channel>> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.wants_read);
        flags.set(PollFlags::OUT, self.wants_write);
        // With no interest at all, `poll` would still report a hang-up, for ever and at once.
        (!flags.is_empty()).then(|| PollFd::from_borrowed_fd(self.handle, flags))
    }
}

/// A reliable, ordered message channel to one peer.
///
/// Nothing here blocks: the thread that waits makes progress by [`DataChannel::drive`]. Use [`crate::Channel`] for
/// calls that wait.
pub trait DataChannel: Send + Sync + std::fmt::Debug {
    /// Who is at the other end.
    fn peer(&self) -> &Peer;

    /// What the channel can do.
    fn capabilities(&self) -> ChannelCapabilities;

    /// Counters since the channel was opened.
    fn statistics(&self) -> ChannelStatistics;

    /// The failure that this channel shares with others of its mesh.
    fn signal(&self) -> &Arc<Signal>;

    /// Starts sending `length` bytes.
    ///
    /// # Safety
    /// The memory stays readable and unchanged until [`DataChannel::poll_operation`] has reported the operation or
    /// [`DataChannel::cancel`] has returned.
    ///
    /// # Errors
    /// The channel has ended, or the message is too large.
    unsafe fn post_send(
        &self,
        envelope: &Envelope,
        bytes: *const u8,
        length: usize,
    ) -> Result<OperationId, FabricError>;

    /// Starts receiving the next message of this kind and tag.
    ///
    /// # Safety
    /// The memory stays writable and otherwise unused until [`DataChannel::poll_operation`] has reported the
    /// operation or [`DataChannel::cancel`] has returned.
    ///
    /// # Errors
    /// The channel has ended.
    unsafe fn post_receive(
        &self,
        kind: FrameKind,
        tag: u64,
        bytes: *mut u8,
        capacity: usize,
    ) -> Result<OperationId, FabricError>;

    /// Reports an operation that has ended, once. A message longer than the posted memory is reported with its real
    /// length and its bytes are dropped; the caller compares.
    ///
    /// # Errors
    /// The operation cannot end any more; the caller cancels it.
    fn poll_operation(&self, operation: OperationId) -> Result<Option<MessageInfo>, FabricError>;

    /// Gives up an operation: afterwards its memory is the caller's again.
    fn cancel(&self, operation: OperationId);

    /// Sends a copy if the channel has room for it at once. `false` when it has none yet.
    ///
    /// # Errors
    /// The channel has ended, or the message is too large.
    fn try_send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<bool, FabricError>;

    /// Takes the next message of this kind and tag, of any length, replacing what `into` held.
    ///
    /// # Errors
    /// The channel has ended and holds no such message.
    fn try_receive(&self, kind: FrameKind, tag: u64, into: &mut Vec<u8>) -> Result<Option<MessageInfo>, FabricError>;

    /// Makes progress on everything that was posted, in both directions, without waiting.
    fn drive(&self);

    /// What to wait for between two drives; nothing where the operating system cannot tell.
    fn readiness(&self) -> Option<Readiness<'_>>;

    /// Adds to the time that callers have waited for this channel.
    fn add_wait(&self, duration: Duration);

    /// Leaves: sends what is queued and a goodbye, waits for the other side for at most `linger`, and closes. With a
    /// cause the peer gives up too.
    fn leave(&self, cause: Option<&FabricError>, linger: Duration);
}

/// Counters that several threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) received_bytes: AtomicU64,
    pub(crate) sent_messages: AtomicU64,
    pub(crate) received_messages: AtomicU64,
    pub(crate) wait_nanoseconds: AtomicU64,
    pub(crate) dropped_frames: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, amount: u64) {
        counter.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> ChannelStatistics {
        ChannelStatistics {
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            sent_messages: self.sent_messages.load(Ordering::Relaxed),
            received_messages: self.received_messages.load(Ordering::Relaxed),
            wait_nanoseconds: self.wait_nanoseconds.load(Ordering::Relaxed),
            dropped_frames: self.dropped_frames.load(Ordering::Relaxed),
        }
    }
}
