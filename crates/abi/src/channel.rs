//! A message channel to one peer as a table of C functions.
//!
//! A library that offers a channel fills a [`ChannelTable`] and hands out its address; the library that uses the
//! channel checks [`ChannelTable::check`] and then calls through it. Nothing else crosses: no Rust trait object, no
//! allocation that one side makes and the other frees, no unwinding.
//!
//! # Rules
//! - Every function may be called from any thread, also at the same time.
//! - `post_send` and `post_receive` start an operation and never block. The memory belongs to the channel until the
//!   operation was reported by `wait_any`, or the last reference was released, or `cancel` returned.
//! - Messages of one tag arrive in the order in which they were sent. Messages of different tags may overtake.
//! - A message that is longer than the posted buffer ends that receive with `TRANSPORT_FRAME_TOO_LARGE`.
//! - `wait_any` reports each operation once. It may be given operations of several tables of the *same* library (those
//!   whose `wait_any` is the same function); the caller polls different libraries in turn.
//! - `retain` and `release` count references to `context`; a table is handed out holding one.

mod mailbox;
mod port;
mod port_functions;

use std::ffi::c_void;

use crate::Status;

pub use mailbox::ChannelEnd;
pub use port::{ChannelCarrier, ChannelPort};

/// Version of [`ChannelTable`]. A change of meaning raises it; new functions at the end only raise `size`.
pub const CHANNEL_TABLE_VERSION: u32 = 1;

/// Waits without a limit: only completion, loss of the peer or an abort ends such a wait.
pub const NO_DEADLINE: u64 = u64::MAX;

/// Capability bit: every message arrives, or the channel reports an error.
pub const CAPABILITY_RELIABLE: u64 = 1 << 0;
/// Capability bit: messages of one tag arrive in order.
pub const CAPABILITY_ORDERED: u64 = 1 << 1;

/// Memory kind bit: ordinary host memory.
pub const MEMORY_HOST: u64 = 1 << 0;
/// Memory kind bit: host memory that must be registered before it is posted.
pub const MEMORY_REGISTERED_HOST: u64 = 1 << 1;

/// What a channel can do, fixed for its life.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelCapabilities {
    /// `CAPABILITY_…` bits.
    pub flags: u64,
    /// Longest message in bytes.
    pub largest_message_bytes: u64,
    /// `MEMORY_…` bits: memory that may be posted.
    pub memory_kinds: u64,
}

/// Who is at the other end, in the plan's terms.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelPeer {
    /// Stage of the peer.
    pub stage: u16,
    /// Member (rank within the stage) of the peer.
    pub member: u16,
    /// 0; keeps the layout free of hidden padding.
    pub reserved: u32,
}

/// Counters since the channel was opened.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChannelStatistics {
    /// Bytes handed to the network, headers included.
    pub sent_bytes: u64,
    /// Bytes taken from the network, headers included.
    pub received_bytes: u64,
    /// Messages sent.
    pub sent_messages: u64,
    /// Messages received.
    pub received_messages: u64,
    /// Time that callers spent waiting for this channel.
    pub wait_nanoseconds: u64,
    /// Frames of an older epoch that were dropped.
    pub dropped_frames: u64,
}

/// One operation in the set that `wait_any` is given.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct WaitEntry {
    /// The channel.
    pub table: *const ChannelTable,
    /// An operation of that channel.
    pub operation: u64,
}

/// A channel. `context` is the first argument of every function that has one.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ChannelTable {
    /// `size_of::<ChannelTable>()` of the library that filled the table.
    pub size: u32,
    /// [`CHANNEL_TABLE_VERSION`] of the library that filled the table.
    pub version: u32,
    /// The library's own object.
    pub context: *mut c_void,
    /// Who is at the other end.
    pub peer: ChannelPeer,
    /// What the channel can do.
    pub capabilities: ChannelCapabilities,
    /// Starts sending `length` bytes under `tag` and writes the operation's id.
    pub post_send: unsafe extern "C" fn(
        context: *mut c_void,
        tag: u64,
        bytes: *const u8,
        length: u64,
        operation: *mut u64,
    ) -> Status,
    /// Starts receiving one message of at most `capacity` bytes under `tag` and writes the operation's id.
    pub post_receive: unsafe extern "C" fn(
        context: *mut c_void,
        tag: u64,
        bytes: *mut u8,
        capacity: u64,
        operation: *mut u64,
    ) -> Status,
    /// Waits until one of `count` operations has ended, writes its index and the message's length.
    ///
    /// `TRANSPORT_TIMEOUT` when `deadline_nanoseconds` from now have passed (0 polls, [`NO_DEADLINE`] waits on). Any
    /// other error is that of the operation at `index`, which has ended by it.
    pub wait_any: unsafe extern "C" fn(
        entries: *const WaitEntry,
        count: u64,
        deadline_nanoseconds: u64,
        index: *mut u64,
        length: *mut u64,
    ) -> Status,
    /// Gives up one operation; when this returns, its memory is the caller's again.
    pub cancel: unsafe extern "C" fn(context: *mut c_void, operation: u64) -> Status,
    /// Makes memory known to the device behind the channel and writes a handle. Sockets do nothing and write 0.
    pub register_memory:
        unsafe extern "C" fn(context: *mut c_void, bytes: *mut u8, length: u64, handle: *mut u64) -> Status,
    /// Takes a registration back.
    pub unregister_memory: unsafe extern "C" fn(context: *mut c_void, handle: u64) -> Status,
    /// Ends every pending and later operation with this error and tells the peer.
    pub abort: unsafe extern "C" fn(context: *mut c_void, reason: Status) -> Status,
    /// Writes the counters.
    pub statistics: unsafe extern "C" fn(context: *mut c_void, statistics: *mut ChannelStatistics) -> Status,
    /// Copies the calling thread's last error message on any channel of this library, as UTF-8 without a final zero,
    /// cut at `capacity`, and returns the length of the whole message.
    pub last_error: unsafe extern "C" fn(context: *mut c_void, text: *mut u8, capacity: u64) -> u64,
    /// Adds a reference.
    pub retain: unsafe extern "C" fn(context: *mut c_void),
    /// Drops a reference; the last one closes the channel's operations.
    pub release: unsafe extern "C" fn(context: *mut c_void),
}

impl ChannelTable {
    /// Whether this build can call through the table.
    ///
    /// # Errors
    /// A message that names both versions.
    pub fn check(&self) -> Result<(), String> {
        if self.version != CHANNEL_TABLE_VERSION {
            return Err(format!(
                "the channel table has version {}, this program uses version {CHANNEL_TABLE_VERSION}: \
                 install releases of both that belong together",
                self.version
            ));
        }
        if (self.size as usize) < size_of::<Self>() {
            return Err(format!(
                "the channel table has {} bytes, this program needs {}: install a newer release of the transport",
                self.size,
                size_of::<Self>()
            ));
        }
        Ok(())
    }
}

// Two libraries built apart agree on these offsets or on nothing.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::{align_of, offset_of, size_of};
    assert!(size_of::<Status>() == 4);
    assert!(size_of::<ChannelCapabilities>() == 24);
    assert!(size_of::<ChannelPeer>() == 8);
    assert!(size_of::<ChannelStatistics>() == 48);
    assert!(size_of::<WaitEntry>() == 16);
    assert!(align_of::<ChannelTable>() == 8);
    assert!(offset_of!(ChannelTable, version) == 4);
    assert!(offset_of!(ChannelTable, context) == 8);
    assert!(offset_of!(ChannelTable, peer) == 16);
    assert!(offset_of!(ChannelTable, capabilities) == 24);
    assert!(offset_of!(ChannelTable, post_send) == 48);
    assert!(offset_of!(ChannelTable, post_receive) == 56);
    assert!(offset_of!(ChannelTable, wait_any) == 64);
    assert!(offset_of!(ChannelTable, cancel) == 72);
    assert!(offset_of!(ChannelTable, register_memory) == 80);
    assert!(offset_of!(ChannelTable, unregister_memory) == 88);
    assert!(offset_of!(ChannelTable, abort) == 96);
    assert!(offset_of!(ChannelTable, statistics) == 104);
    assert!(offset_of!(ChannelTable, last_error) == 112);
    assert!(offset_of!(ChannelTable, retain) == 120);
    assert!(offset_of!(ChannelTable, release) == 128);
    assert!(size_of::<ChannelTable>() == 136);
};
