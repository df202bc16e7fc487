//! A [`ChannelTable`] over something that carries whole messages: what a library fills that has no channel of its own
//! making, such as the shim of a transport in JavaScript.

use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::mailbox::{ChannelEnd, Mailbox};
use super::port_functions as functions;
use super::{
    CAPABILITY_ORDERED, CAPABILITY_RELIABLE, CHANNEL_TABLE_VERSION, ChannelCapabilities, ChannelPeer, ChannelTable,
    MEMORY_HOST,
};
use crate::{ErrorCode, Status};

/// Takes messages to the peer. Called from any thread, without locks; must not block.
pub trait ChannelCarrier: Send + Sync {
    /// Carries a message; [`ChannelPort::sent`] says when it has been taken. Messages of a tag keep their order.
    fn send(&self, operation: u64, tag: u64, bytes: Vec<u8>);
    /// The user gave the channel up: the peer is to be told, and nothing more is sent.
    fn abort(&self, reason: &ChannelEnd);
}

/// Unread bytes after which a channel is given up: a peer must not fill this machine's memory.
const INBOX_LIMIT: usize = 1 << 30;

/// A channel as a table, with the side that fills it.
pub struct ChannelPort {
    table: ChannelTable,
    carrier: Box<dyn ChannelCarrier>,
    mailbox: Mutex<Mailbox>,
}

// SAFETY: the table's context is the port itself, of which everything else is shared safely.
unsafe impl Send for ChannelPort {}
// SAFETY: as above.
unsafe impl Sync for ChannelPort {}

/// Counts what happens on any port: `wait_any` may be given operations of several.
static ACTIVITY: Mutex<u64> = Mutex::new(0);
static HAPPENED: Condvar = Condvar::new();

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

impl ChannelPort {
    /// A channel to `peer` with messages of at most `largest_message_bytes`.
    pub fn new(peer: ChannelPeer, largest_message_bytes: u64, carrier: impl ChannelCarrier + 'static) -> Arc<Self> {
        Arc::new_cyclic(|port: &Weak<Self>| Self {
            table: ChannelTable {
                size: u32::try_from(size_of::<ChannelTable>()).unwrap_or(u32::MAX),
                version: CHANNEL_TABLE_VERSION,
                context: port.as_ptr().cast_mut().cast::<c_void>(),
                peer,
                capabilities: ChannelCapabilities {
                    flags: CAPABILITY_RELIABLE | CAPABILITY_ORDERED,
                    largest_message_bytes,
                    memory_kinds: MEMORY_HOST,
                },
                post_send: functions::post_send,
                post_receive: functions::post_receive,
                wait_any: functions::wait_any,
                cancel: functions::cancel,
                register_memory: functions::register_memory,
                unregister_memory: functions::unregister_memory,
                abort: functions::abort,
                statistics: functions::statistics,
                last_error: functions::last_error,
                retain: functions::retain,
                release: functions::release,
            },
            carrier: Box::new(carrier),
            mailbox: Mutex::default(),
        })
    }

    /// The table. Valid while the port lives; its users take references of their own by `retain`.
    pub fn table(&self) -> *const ChannelTable {
        &raw const self.table
    }

    /// A message has arrived. After the channel's end it is dropped.
    pub fn deliver(&self, tag: u64, message: &[u8]) {
        let delivered = self.mailbox().deliver(tag, message, INBOX_LIMIT);
        match delivered {
            Ok(()) => announce(),
            Err(end) => self.give_up(end),
        }
    }

    /// The message of a send has been taken; its operation is done.
    pub fn sent(&self, operation: u64) {
        self.mailbox().complete_send(operation);
        announce();
    }

    /// The channel is over: what waits and what comes ends with this. Messages that have arrived can still be received.
    pub fn end(&self, end: ChannelEnd) {
        self.mailbox().end(end);
        announce();
    }

    /// Ends the channel and has the peer told.
    pub(super) fn give_up(&self, end: ChannelEnd) {
        let is_first = self.mailbox().end(end.clone());
        announce();
        if is_first {
            self.carrier.abort(&end);
        }
    }

    pub(super) fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn send(&self, tag: u64, bytes: &[u8]) -> Result<u64, ChannelEnd> {
        let limit = self.table.capabilities.largest_message_bytes;
        let length = bytes.len() as u64;
        if length > limit {
            return Err(ChannelEnd::new(
                ErrorCode::TransportFrameTooLarge,
                format!("a message of {length} bytes exceeds the channel's {limit}"),
            ));
        }
        let operation = self.mailbox().open_send(length)?;
        self.carrier.send(operation, tag, bytes.to_vec());
        Ok(operation)
    }
}

fn announce() {
    *ACTIVITY.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    HAPPENED.notify_all();
}

/// Keeps the message for `last_error` of this thread.
pub(super) fn report(end: &ChannelEnd) -> Status {
    LAST_ERROR.set(end.message.clone());
    end.code.into()
}

pub(super) fn with_last_error<T>(body: impl FnOnce(&str) -> T) -> T {
    LAST_ERROR.with_borrow(|message| body(message))
}

/// Index and outcome of the first operation that ends; nothing when the time is over.
pub(super) fn wait_for_first(
    pending: &[(&ChannelPort, u64)],
    limit: Option<Duration>,
) -> Option<(usize, Result<u64, ChannelEnd>)> {
    let started = Instant::now();
    let found = loop {
        let seen = *ACTIVITY.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pending
            .iter()
            .enumerate()
            .find_map(|(index, (port, operation))| Some((index, port.mailbox().poll(*operation)?)));
        if found.is_some() {
            break found;
        }
        let remaining = limit.map(|limit| limit.saturating_sub(started.elapsed()));
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            break None;
        }
        let activity = ACTIVITY.lock().unwrap_or_else(PoisonError::into_inner);
        if *activity == seen {
            // A long wait is cut: nothing depends on it, and a lost wake-up then costs a second, not the member.
            let slice = remaining.map_or(LONGEST_SLICE, |remaining| remaining.min(LONGEST_SLICE));
            drop(HAPPENED.wait_timeout(activity, slice));
        }
    };
    let waited = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    for (port, _) in pending {
        port.mailbox().statistics.wait_nanoseconds += waited;
    }
    found
}

const LONGEST_SLICE: Duration = Duration::from_secs(1);
