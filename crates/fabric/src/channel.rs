//! Calls that wait, over any data channel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shoal_abi::channel::{ChannelCapabilities, ChannelStatistics};
use shoal_frame::FrameKind;

use crate::data_channel::{DataChannel, OperationId};
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::message::{Envelope, Message, MessageInfo};
use crate::peer::{MemberIndex, Peer};
use crate::signal::Signal;
use crate::socket_channel::{ChannelLimits, Session, SocketChannel};
use crate::stream::{MemoryStream, Stream};
use crate::wait::{Waited, wait_until};
use crate::waker::Waker;

/// A handle of a channel to one peer. Clones share the channel; every call may come from any thread.
#[derive(Debug, Clone)]
pub struct Channel {
    inner: Arc<dyn DataChannel>,
}

/// Message of a kind under a tag that [`wait_for_message`] shall look out for.
#[derive(Debug, Clone, Copy)]
pub struct Interest<'channel> {
    /// The channel.
    pub channel: &'channel Channel,
    /// Kind of the message.
    pub kind: FrameKind,
    /// Tag of the message.
    pub tag: u64,
}

/// What [`wait_for_message`] ended with.
#[derive(Debug, PartialEq, Eq)]
pub enum WaitOutcome {
    /// The message for the interest at `index`, taken from its channel.
    Message {
        /// Position in the list of interests.
        index: usize,
        /// The message.
        message: Message,
    },
    /// The waker was woken.
    Woken,
    /// The deadline passed.
    DeadlinePassed,
}

/// One of several messages that [`exchange`] sends.
#[derive(Debug)]
pub struct Outgoing<'memory> {
    /// The channel to send on.
    pub channel: &'memory Channel,
    /// What is said about the message.
    pub envelope: Envelope,
    /// The payload.
    pub bytes: &'memory [u8],
}

/// One of several messages that [`exchange`] receives.
#[derive(Debug)]
pub struct Incoming<'memory> {
    /// The channel to receive on.
    pub channel: &'memory Channel,
    /// Kind of the message.
    pub kind: FrameKind,
    /// Tag of the message.
    pub tag: u64,
    /// Where the payload goes.
    pub bytes: &'memory mut [u8],
}

impl Channel {
    /// A handle of any data channel.
    pub fn new(inner: Arc<dyn DataChannel>) -> Self {
        Self { inner }
    }

    /// Two connected channels within this process, each under its own signal. For tests and single-process runs.
    ///
    /// # Errors
    /// None at present.
    pub fn memory_pair(
        first: MemberIndex,
        second: MemberIndex,
        limits: ChannelLimits,
    ) -> Result<(Self, Self), FabricError> {
        let (first_signal, second_signal) = (Signal::new(), Signal::new());
        let (first_stream, second_stream) = MemoryStream::pair(&first_signal, &second_signal);
        let make = |stream, me, peer, signal| {
            let session = Session {
                me,
                peer: Peer::new(peer, "memory"),
                instance: 0,
                epoch: 0,
            };
            SocketChannel::new(Stream::Memory(stream), session, limits, signal)
        };
        Ok((
            Self::new(make(first_stream, first, second, first_signal)?),
            Self::new(make(second_stream, second, first, second_signal)?),
        ))
    }

    /// The channel behind the handle.
    pub fn data_channel(&self) -> &Arc<dyn DataChannel> {
        &self.inner
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        self.inner.peer()
    }

    /// What the channel can do.
    pub fn capabilities(&self) -> ChannelCapabilities {
        self.inner.capabilities()
    }

    /// Counters since the channel was opened.
    pub fn statistics(&self) -> ChannelStatistics {
        self.inner.statistics()
    }

    /// Sends a copy of `bytes`. Returns once the socket or the channel's queue has taken it, which is at once unless
    /// the peer is far behind.
    ///
    /// # Errors
    /// The channel has ended, the message is too large, or the deadline passed with the queue full.
    pub fn send(&self, envelope: &Envelope, bytes: &[u8], deadline: Deadline) -> Result<(), FabricError> {
        self.wait("sending", envelope.kind, deadline, || {
            Ok(self.inner.try_send(envelope, bytes)?.then_some(()))
        })
    }

    /// Receives the next message of a kind and tag into `into`, whatever its length; the memory of `into` is reused.
    ///
    /// # Errors
    /// The channel has ended or the deadline passed.
    pub fn receive(
        &self,
        kind: FrameKind,
        tag: u64,
        into: &mut Vec<u8>,
        deadline: Deadline,
    ) -> Result<MessageInfo, FabricError> {
        self.wait("receiving", kind, deadline, || self.inner.try_receive(kind, tag, into))
    }

    /// Receives the next message of a kind and tag into memory of at least its length. Large messages are read
    /// straight into it.
    ///
    /// # Errors
    /// The channel has ended, the deadline passed, or the message is longer than `into`; it is then dropped.
    pub fn receive_into(
        &self,
        kind: FrameKind,
        tag: u64,
        into: &mut [u8],
        deadline: Deadline,
    ) -> Result<MessageInfo, FabricError> {
        let mut incoming = [Incoming {
            channel: self,
            kind,
            tag,
            bytes: into,
        }];
        let [info] = exchange_fixed(&[], &mut incoming, deadline)?;
        Ok(info)
    }

    /// Takes a message that has already arrived.
    ///
    /// # Errors
    /// The channel has ended and holds no such message.
    pub fn try_receive(&self, kind: FrameKind, tag: u64) -> Result<Option<Message>, FabricError> {
        let mut payload = Vec::new();
        if let Some(info) = self.inner.try_receive(kind, tag, &mut payload)? {
            return Ok(Some(Message { info, payload }));
        }
        self.inner.drive();
        Ok(self
            .inner
            .try_receive(kind, tag, &mut payload)?
            .map(|info| Message { info, payload }))
    }

    /// Says goodbye and closes this channel, and tells the peer to give up too if there is a cause. Channels of a mesh
    /// are closed by the mesh.
    pub fn leave(&self, cause: Option<&FabricError>, linger: Duration) {
        self.inner.leave(cause, linger);
    }

    fn wait<T>(
        &self,
        verb: &str,
        kind: FrameKind,
        deadline: Deadline,
        check: impl FnMut() -> Result<Option<T>, FabricError>,
    ) -> Result<T, FabricError> {
        let started = Instant::now();
        match wait_until(&[&*self.inner], None, deadline, check)? {
            Waited::Ready(value) => Ok(value),
            Waited::Woken | Waited::DeadlinePassed => Err(FabricError::Timeout {
                operation: format!("{verb} a {} message", kind.name()),
                peers: vec![self.peer().clone()],
                waited: started.elapsed(),
            }),
        }
    }
}

/// Waits for the first message among several interests, for a wake from another thread, or for the deadline.
///
/// # Errors
/// One of the channels, or the mesh that they belong to, has failed.
pub fn wait_for_message(
    interests: &[Interest<'_>],
    waker: Option<&Waker>,
    deadline: Deadline,
) -> Result<WaitOutcome, FabricError> {
    let channels: Vec<&dyn DataChannel> = interests.iter().map(|interest| &*interest.channel.inner).collect();
    let mut payload = Vec::new();
    let ended = wait_until(&channels, waker, deadline, || {
        for (index, interest) in interests.iter().enumerate() {
            if let Some(info) = interest
                .channel
                .inner
                .try_receive(interest.kind, interest.tag, &mut payload)?
            {
                return Ok(Some((index, info)));
            }
        }
        Ok(None)
    })?;
    Ok(match ended {
        Waited::Ready((index, info)) => WaitOutcome::Message {
            index,
            message: Message { info, payload },
        },
        Waited::Woken => WaitOutcome::Woken,
        Waited::DeadlinePassed => WaitOutcome::DeadlinePassed,
    })
}

/// Sends and receives several messages at once, without copies and in whatever order the peers are ready.
///
/// Receives are posted before anything is sent. Returns what is known about each received message, in the order of
/// `incoming`.
///
/// # Errors
/// A channel has ended, the deadline passed, or a message is longer than its memory. Messages that were not exchanged
/// by then are given up.
pub fn exchange(
    outgoing: &[Outgoing<'_>],
    incoming: &mut [Incoming<'_>],
    deadline: Deadline,
) -> Result<Vec<MessageInfo>, FabricError> {
    let mut pending = Pending {
        operations: Vec::with_capacity(incoming.len() + outgoing.len()),
    };
    for message in incoming.iter_mut() {
        let channel = &*message.channel.inner;
        // SAFETY: `incoming` is borrowed mutably for this whole call, and `pending` cancels the operation at its end.
        let operation = unsafe {
            channel.post_receive(
                message.kind,
                message.tag,
                message.bytes.as_mut_ptr(),
                message.bytes.len(),
            )
        }?;
        pending.add(channel, operation);
    }
    for message in outgoing {
        let channel = &*message.channel.inner;
        // SAFETY: `outgoing` is borrowed for this whole call, and `pending` cancels the operation at its end.
        let operation = unsafe { channel.post_send(&message.envelope, message.bytes.as_ptr(), message.bytes.len()) }?;
        pending.add(channel, operation);
    }
    pending.complete(deadline)?;
    let mut infos = Vec::with_capacity(incoming.len());
    for (message, operation) in incoming.iter().zip(&pending.operations) {
        let Some(info) = operation.info else { continue };
        if info.length > message.bytes.len() {
            return Err(FabricError::MessageTooLarge {
                peer: message.channel.peer().clone(),
                length: info.length as u64,
                limit: message.bytes.len() as u64,
            });
        }
        infos.push(info);
    }
    Ok(infos)
}

fn exchange_fixed<const N: usize>(
    outgoing: &[Outgoing<'_>],
    incoming: &mut [Incoming<'_>; N],
    deadline: Deadline,
) -> Result<[MessageInfo; N], FabricError> {
    let infos = exchange(outgoing, incoming, deadline)?;
    <[MessageInfo; N]>::try_from(infos).map_err(|_| FabricError::InvalidArgument {
        reason: "an exchange ended without all messages".to_owned(),
    })
}

struct PendingOperation<'channel> {
    channel: &'channel dyn DataChannel,
    operation: OperationId,
    info: Option<MessageInfo>,
}

/// Operations on borrowed memory; whatever happens, none outlives this value.
struct Pending<'channel> {
    operations: Vec<PendingOperation<'channel>>,
}

impl<'channel> Pending<'channel> {
    fn add(&mut self, channel: &'channel dyn DataChannel, operation: OperationId) {
        self.operations.push(PendingOperation {
            channel,
            operation,
            info: None,
        });
    }

    fn complete(&mut self, deadline: Deadline) -> Result<(), FabricError> {
        let started = Instant::now();
        let mut channels: Vec<&dyn DataChannel> = Vec::new();
        for operation in &self.operations {
            let known = channels
                .iter()
                .any(|channel| std::ptr::addr_eq(*channel, operation.channel));
            if !known {
                channels.push(operation.channel);
            }
        }
        let operations = &mut self.operations;
        let ended = wait_until(&channels, None, deadline, || {
            let mut all_done = true;
            for pending in operations.iter_mut().filter(|pending| pending.info.is_none()) {
                pending.info = pending.channel.poll_operation(pending.operation)?;
                all_done &= pending.info.is_some();
            }
            Ok(all_done.then_some(()))
        })?;
        if matches!(ended, Waited::Ready(())) {
            return Ok(());
        }
        let mut peers: Vec<Peer> = Vec::new();
        for pending in self.operations.iter().filter(|pending| pending.info.is_none()) {
            if !peers.contains(pending.channel.peer()) {
                peers.push(pending.channel.peer().clone());
            }
        }
        Err(FabricError::Timeout {
            operation: "exchanging messages".to_owned(),
            peers,
            waited: started.elapsed(),
        })
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        for pending in self.operations.iter().filter(|pending| pending.info.is_none()) {
            pending.channel.cancel(pending.operation);
        }
    }
}
