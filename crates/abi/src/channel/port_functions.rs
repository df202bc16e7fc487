//! The C functions in the table of a [`ChannelPort`].

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use super::mailbox::ChannelEnd;
use super::port::{ChannelPort, report, wait_for_first, with_last_error};
use super::{ChannelStatistics, NO_DEADLINE, WaitEntry};
use crate::border::{guard, guard_or};
use crate::{ErrorCode, Status};

/// The port behind a context.
///
/// # Safety
/// `context` comes from a port's table to which the caller holds a reference.
unsafe fn port<'reference>(context: *mut c_void) -> Option<&'reference ChannelPort> {
    // SAFETY: as promised by the caller; null is an honest mistake and therefore not trusted to be absent.
    unsafe { context.cast::<ChannelPort>().as_ref() }
}

fn invalid(reason: &str) -> Status {
    report(&ChannelEnd::new(ErrorCode::InvalidArgument, reason))
}

pub(super) unsafe extern "C" fn post_send(
    context: *mut c_void,
    tag: u64,
    bytes: *const u8,
    length: u64,
    operation: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(port) = (unsafe { port(context) }) else {
            return invalid("the context is null");
        };
        if operation.is_null() || (bytes.is_null() && length > 0) {
            return invalid("a pointer is null");
        }
        let Ok(size) = usize::try_from(length) else {
            return invalid("the length does not fit");
        };
        let message = if size == 0 {
            &[]
        } else {
            // SAFETY: checked for null; the caller offers `length` bytes.
            unsafe { std::slice::from_raw_parts(bytes, size) }
        };
        match port.send(tag, message) {
            Ok(started) => {
                // SAFETY: checked for null; the caller offers a place to write to.
                unsafe { operation.write(started) };
                Status::OK
            }
            Err(end) => report(&end),
        }
    })
}

pub(super) unsafe extern "C" fn post_receive(
    context: *mut c_void,
    tag: u64,
    bytes: *mut u8,
    capacity: u64,
    operation: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(port) = (unsafe { port(context) }) else {
            return invalid("the context is null");
        };
        if operation.is_null() || (bytes.is_null() && capacity > 0) {
            return invalid("a pointer is null");
        }
        // SAFETY: the rules of `ChannelTable` leave the memory to the channel until the operation has ended.
        match unsafe { port.mailbox().open_receive(tag, bytes, capacity) } {
            Ok(started) => {
                // SAFETY: checked for null; the caller offers a place to write to.
                unsafe { operation.write(started) };
                Status::OK
            }
            Err(end) => report(&end),
        }
    })
}

pub(super) unsafe extern "C" fn wait_any(
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
            // SAFETY: the function's address proves that the table is a port's.
            let Some(port) = (unsafe { port(table.context) }) else {
                return invalid("a context is null");
            };
            pending.push((port, entry.operation));
        }
        let limit = (deadline_nanoseconds != NO_DEADLINE).then(|| Duration::from_nanos(deadline_nanoseconds));
        let (found, status, bytes) = match wait_for_first(&pending, limit) {
            None => (0, ErrorCode::TransportTimeout.into(), 0),
            Some((found, Ok(bytes))) => (found, Status::OK, bytes),
            Some((found, Err(end))) => (found, report(&end), 0),
        };
        // SAFETY: checked for null; the caller offers places to write to.
        unsafe {
            index.write(found as u64);
            length.write(bytes);
        }
        status
    })
}

pub(super) unsafe extern "C" fn cancel(context: *mut c_void, operation: u64) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(port) = (unsafe { port(context) }) else {
            return invalid("the context is null");
        };
        match port.mailbox().cancel(operation) {
            Ok(()) => Status::OK,
            Err(end) => report(&end),
        }
    })
}

/// Messages are copied, so that any memory will do.
pub(super) unsafe extern "C" fn register_memory(
    _context: *mut c_void,
    _bytes: *mut u8,
    _length: u64,
    handle: *mut u64,
) -> Status {
    if handle.is_null() {
        return guard(|| invalid("a pointer is null"));
    }
    // SAFETY: checked for null; the caller offers a place to write to.
    unsafe { handle.write(0) };
    Status::OK
}

pub(super) unsafe extern "C" fn unregister_memory(_context: *mut c_void, _handle: u64) -> Status {
    Status::OK
}

pub(super) unsafe extern "C" fn abort(context: *mut c_void, reason: Status) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(port) = (unsafe { port(context) }) else {
            return invalid("the context is null");
        };
        let name = reason.error().map_or("no error", ErrorCode::name);
        let message = format!("the user of the channel gave it up with {name}");
        port.give_up(ChannelEnd::new(ErrorCode::TransportAborted, message));
        Status::OK
    })
}

pub(super) unsafe extern "C" fn statistics(context: *mut c_void, statistics: *mut ChannelStatistics) -> Status {
    guard(|| {
        // SAFETY: the rules of `ChannelTable` bind the caller to its own context.
        let Some(port) = (unsafe { port(context) }) else {
            return invalid("the context is null");
        };
        if statistics.is_null() {
            return invalid("a pointer is null");
        }
        // SAFETY: checked for null; the caller offers a place to write to.
        unsafe { statistics.write(port.mailbox().statistics) };
        Status::OK
    })
}

pub(super) unsafe extern "C" fn last_error(_context: *mut c_void, text: *mut u8, capacity: u64) -> u64 {
    guard_or(0, || {
        with_last_error(|message| {
            let count = message.len().min(usize::try_from(capacity).unwrap_or(usize::MAX));
            if !text.is_null() {
                // SAFETY: the caller offers `capacity` bytes, and the message is memory of our own.
                unsafe { ptr::copy_nonoverlapping(message.as_ptr(), text, count) };
            }
            message.len() as u64
        })
    })
}

pub(super) unsafe extern "C" fn retain(context: *mut c_void) {
    if !context.is_null() {
        // SAFETY: the caller holds a reference, so that the port lives; contexts are pointers of `Arc`s.
        unsafe { Arc::increment_strong_count(context.cast::<ChannelPort>().cast_const()) };
    }
}

pub(super) unsafe extern "C" fn release(context: *mut c_void) {
    if context.is_null() {
        return;
    }
    // SAFETY: this takes back a reference that the caller holds.
    let port = unsafe { Arc::from_raw(context.cast::<ChannelPort>().cast_const()) };
    guard_or((), || drop(port));
}
