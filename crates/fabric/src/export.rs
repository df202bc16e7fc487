//! Channels of this library as C tables for other libraries.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shoal_abi::border::{guard, guard_or};
use shoal_abi::channel::{CHANNEL_TABLE_VERSION, ChannelPeer, ChannelStatistics, ChannelTable, NO_DEADLINE, WaitEntry};
use shoal_abi::{ErrorCode, Status};
use shoal_frame::FrameKind;

use crate::channel::Channel;
use crate::data_channel::{DataChannel, OperationId};
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::message::Envelope;
use crate::signal::lock;
use crate::wait::{Waited, wait_until};

/// How long an abort tries to tell the peer.
const ABORT_LINGER: Duration = Duration::from_millis(100);

/// The object behind `context`; the table is its first part, so that both live equally long.
struct Exported {
    table: ChannelTable,
    references: AtomicUsize,
    channel: Arc<dyn DataChannel>,
    /// Operations that were not reported yet, with the capacity of those that receive.
    operations: Mutex<HashMap<OperationId, u64>>,
}

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Offers a channel to another library. Its messages are apart from all others of the channel: they have a kind of
/// their own, and their tags are free.
///
/// The table holds one reference, which the receiver of the pointer gives back by `release`.
pub fn export_table(channel: &Channel) -> *const ChannelTable {
    let channel = channel.data_channel().clone();
    let index = channel.peer().index;
    let exported = Box::into_raw(Box::new(Exported {
        table: ChannelTable {
            size: u32::try_from(size_of::<ChannelTable>()).unwrap_or(u32::MAX),
            version: CHANNEL_TABLE_VERSION,
            context: ptr::null_mut(),
            peer: ChannelPeer {
                stage: index.stage,
                member: index.member,
                reserved: 0,
            },
            capabilities: channel.capabilities(),
            post_send,
            post_receive,
            wait_any,
            cancel,
            register_memory,
            unregister_memory,
            abort,
            statistics,
            last_error,
            retain,
            release,
        },
        references: AtomicUsize::new(1),
        channel,
        operations: Mutex::default(),
    }));
    // SAFETY: the box was just made and nobody else knows it yet.
    unsafe {
        (*exported).table.context = exported.cast();
        &raw const (*exported).table
    }
}

impl Exported {
    /// The object behind a context.
    ///
    /// # Safety
    /// `context` comes from a table of [`export_table`] to which the caller holds a reference.
    unsafe fn get<'reference>(context: *mut c_void) -> Option<&'reference Self> {
        // SAFETY: as promised by the caller; null is an honest mistake and therefore not trusted to be absent.
        unsafe { context.cast::<Self>().as_ref() }
    }
}

fn report(error: &FabricError) -> Status {
    LAST_ERROR.set(error.to_string());
    error.into()
}

fn invalid(reason: &str) -> Status {
    report(&FabricError::InvalidArgument {
        reason: reason.to_owned(),
    })
}

fn too_large(exported: &Exported, length: u64, limit: u64) -> Status {
    report(&FabricError::MessageTooLarge {
        peer: exported.channel.peer().clone(),
        length,
        limit,
    })
}

unsafe extern "C" fn post_send(
    context: *mut c_void,
    tag: u64,
    bytes: *const u8,
    length: u64,
    operation: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(exported) = (unsafe { Exported::get(context) }) else {
            return invalid("the context is null");
        };
        if operation.is_null() || (bytes.is_null() && length > 0) {
            return invalid("a pointer is null");
        }
        let Ok(size) = usize::try_from(length) else {
            return invalid("the length does not fit");
        };
        // SAFETY: the rules of `ChannelTable` leave the memory to the channel until the operation has ended.
        match unsafe {
            exported
                .channel
                .post_send(&Envelope::new(FrameKind::Opaque, tag), bytes, size)
        } {
            Ok(started) => {
                lock(&exported.operations).insert(started, u64::MAX);
                // SAFETY: checked for null above; the caller offers a place to write to.
                unsafe { operation.write(started) };
                Status::OK
            }
            Err(error) => report(&error),
        }
    })
}

unsafe extern "C" fn post_receive(
    context: *mut c_void,
    tag: u64,
    bytes: *mut u8,
    capacity: u64,
    operation: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(exported) = (unsafe { Exported::get(context) }) else {
            return invalid("the context is null");
        };
        if operation.is_null() || (bytes.is_null() && capacity > 0) {
            return invalid("a pointer is null");
        }
        let Ok(size) = usize::try_from(capacity) else {
            return invalid("the capacity does not fit");
        };
        // SAFETY: the rules of `ChannelTable` leave the memory to the channel until the operation has ended.
        match unsafe { exported.channel.post_receive(FrameKind::Opaque, tag, bytes, size) } {
            Ok(started) => {
                lock(&exported.operations).insert(started, capacity);
                // SAFETY: checked for null above; the caller offers a place to write to.
                unsafe { operation.write(started) };
                Status::OK
            }
            Err(error) => report(&error),
        }
    })
}

unsafe extern "C" fn wait_any(
    entries: *const WaitEntry,
    count: u64,
    deadline_nanoseconds: u64,
    index: *mut u64,
    length: *mut u64,
) -> Status {
    guard(|| {
        let Ok(count) = usize::try_from(count) else {
            return invalid("the count does not fit");
        };
        if entries.is_null() || count == 0 || index.is_null() || length.is_null() {
            return invalid("a pointer is null or there is nothing to wait for");
        }
        // SAFETY: checked for null; the caller offers `count` entries.
        let entries = unsafe { std::slice::from_raw_parts(entries, count) };
        let mut pending = Vec::with_capacity(count);
        for entry in entries {
            // SAFETY: the rules of `ChannelTable` make the entries' tables living ones.
            let Some(table) = (unsafe { entry.table.as_ref() }) else {
                return invalid("a table is null");
            };
            if !ptr::fn_addr_eq(table.wait_any, wait_any as unsafe extern "C" fn(_, _, _, _, _) -> _) {
                return invalid("a table of another library is in the set");
            }
            // SAFETY: the function's address proves that the table comes from `export_table`.
            let Some(exported) = (unsafe { Exported::get(table.context) }) else {
                return invalid("a context is null");
            };
            pending.push((exported, entry.operation));
        }
        let (found, status, bytes) = wait_for_first(&pending, deadline_nanoseconds);
        // SAFETY: checked for null above; the caller offers places to write to.
        unsafe {
            index.write(found as u64);
            length.write(bytes);
        }
        status
    })
}

/// Index, result and length of the first operation that ends.
fn wait_for_first(pending: &[(&Exported, OperationId)], deadline_nanoseconds: u64) -> (usize, Status, u64) {
    let mut channels: Vec<&dyn DataChannel> = Vec::with_capacity(pending.len());
    for (exported, _) in pending {
        if !channels
            .iter()
            .any(|channel| ptr::addr_eq(*channel, &*exported.channel))
        {
            channels.push(&*exported.channel);
        }
    }
    let deadline = match deadline_nanoseconds {
        NO_DEADLINE => Deadline::never(),
        nanoseconds => Deadline::after(Duration::from_nanos(nanoseconds)),
    };
    let mut failed = 0;
    let ended = wait_until(&channels, None, deadline, || {
        for (index, (exported, operation)) in pending.iter().enumerate() {
            if !lock(&exported.operations).contains_key(operation) {
                failed = index;
                return Err(FabricError::InvalidArgument {
                    reason: format!("there is no operation {operation}"),
                });
            }
            match exported.channel.poll_operation(*operation) {
                Ok(Some(info)) => return Ok(Some((index, info.length as u64))),
                Ok(None) => {}
                Err(error) => {
                    failed = index;
                    exported.channel.cancel(*operation);
                    lock(&exported.operations).remove(operation);
                    return Err(error);
                }
            }
        }
        Ok(None)
    });
    match ended {
        Ok(Waited::Ready((index, length))) => {
            let (exported, operation) = pending[index];
            match lock(&exported.operations).remove(&operation) {
                Some(capacity) if length > capacity => (index, too_large(exported, length, capacity), length),
                _ => (index, Status::OK, length),
            }
        }
        Ok(Waited::Woken | Waited::DeadlinePassed) => (0, ErrorCode::TransportTimeout.into(), 0),
        Err(error) => (failed, report(&error), 0),
    }
}

unsafe extern "C" fn cancel(context: *mut c_void, operation: u64) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(exported) = (unsafe { Exported::get(context) }) else {
            return invalid("the context is null");
        };
        if lock(&exported.operations).remove(&operation).is_none() {
            return invalid("there is no such operation, or it has already been reported");
        }
        exported.channel.cancel(operation);
        Status::OK
    })
}

/// Sockets read from and write to any memory.
unsafe extern "C" fn register_memory(_context: *mut c_void, _bytes: *mut u8, _length: u64, handle: *mut u64) -> Status {
    if handle.is_null() {
        return guard(|| invalid("a pointer is null"));
    }
    // SAFETY: checked for null; the caller offers a place to write to.
    unsafe { handle.write(0) };
    Status::OK
}

unsafe extern "C" fn unregister_memory(_context: *mut c_void, _handle: u64) -> Status {
    Status::OK
}

unsafe extern "C" fn abort(context: *mut c_void, reason: Status) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(exported) = (unsafe { Exported::get(context) }) else {
            return invalid("the context is null");
        };
        let name = reason.error().map_or("no error", ErrorCode::name);
        let cause = FabricError::Aborted {
            reason: format!("the user of the channel gave it up with {name}"),
        };
        exported.channel.signal().fail(cause.clone());
        exported.channel.leave(Some(&cause), ABORT_LINGER);
        Status::OK
    })
}

unsafe extern "C" fn statistics(context: *mut c_void, statistics: *mut ChannelStatistics) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(exported) = (unsafe { Exported::get(context) }) else {
            return invalid("the context is null");
        };
        if statistics.is_null() {
            return invalid("a pointer is null");
        }
        // SAFETY: checked for null; the caller offers a place to write to.
        unsafe { statistics.write(exported.channel.statistics()) };
        Status::OK
    })
}

unsafe extern "C" fn last_error(_context: *mut c_void, text: *mut u8, capacity: u64) -> u64 {
    guard_or(0, || {
        LAST_ERROR.with_borrow(|message| {
            let count = message.len().min(usize::try_from(capacity).unwrap_or(usize::MAX));
            if !text.is_null() {
                // SAFETY: the caller offers `capacity` bytes, and the message is memory of our own.
                unsafe { ptr::copy_nonoverlapping(message.as_ptr(), text, count) };
            }
            message.len() as u64
        })
    })
}

unsafe extern "C" fn retain(context: *mut c_void) {
    // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
    if let Some(exported) = unsafe { Exported::get(context) } {
        exported.references.fetch_add(1, Ordering::Relaxed);
    }
}

unsafe extern "C" fn release(context: *mut c_void) {
    // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
    let Some(exported) = (unsafe { Exported::get(context) }) else {
        return;
    };
    if exported.references.fetch_sub(1, Ordering::AcqRel) > 1 {
        return;
    }
    // SAFETY: the last reference is gone, so the box that `export_table` gave away is ours again.
    let exported = unsafe { Box::from_raw(context.cast::<Exported>()) };
    // A panic must not cross the border; there is nobody left whom it could concern.
    guard_or((), || {
        for operation in lock(&exported.operations).keys() {
            exported.channel.cancel(*operation);
        }
    });
}
