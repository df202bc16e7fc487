//! The border to C: arguments that may be anything, errors as a status and a text, nothing unwinds.

use std::ffi::c_char;
use std::ptr;

use shoal_abi::{ErrorCode, Status};

use crate::error::{Failure, contained, public_code};

/// Where a function writes why it failed.
#[derive(Clone, Copy)]
pub struct ErrorText {
    buffer: *mut c_char,
    capacity: usize,
}

impl ErrorText {
    /// # Safety
    /// `buffer` is null or points to `capacity` writable bytes for as long as the value is used.
    pub unsafe fn new(buffer: *mut c_char, capacity: usize) -> Self {
        Self { buffer, capacity }
    }
}

/// Runs the body of a function that can fail: a failure, or a panic, becomes a status, and `CODE: message` in the
/// caller's buffer.
pub fn border(error: ErrorText, body: impl FnOnce() -> Result<(), Failure>) -> Status {
    let text = match contained(body) {
        Ok(()) => return Status::OK,
        Err(failure) => (status(&failure), format!("{}: {}", failure.code, failure.message)),
    };
    // SAFETY: the creator of `error` promised the bytes.
    unsafe { copy_terminated(&text.1, error.buffer, error.capacity) };
    text.0
}

/// Runs the body of a function that cannot fail; a panic ends in it.
pub fn quiet_border(body: impl FnOnce()) {
    // There is nobody to tell: the object is closed as far as it could be.
    let _ = contained(|| {
        body();
        Ok(())
    });
}

/// The number of a code, from the last: several numbers share the name `INTERNAL`, and the last says least.
fn status(failure: &Failure) -> Status {
    let codes = ErrorCode::ALL.iter().rev();
    let mut found = codes.filter(|code| public_code(code.name()) == failure.code);
    found.next().copied().unwrap_or(ErrorCode::Unnumbered).into()
}

/// Copies a text, cut between two characters, with a final zero.
///
/// # Safety
/// `buffer` is null or points to `capacity` writable bytes.
pub unsafe fn copy_terminated(text: &str, buffer: *mut c_char, capacity: usize) {
    if buffer.is_null() || capacity == 0 {
        return;
    }
    let mut length = text.len().min(capacity - 1);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: the caller promises `capacity` bytes; `length + 1 <= capacity`, and a text of ours never overlaps them.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast::<u8>(), length);
        *buffer.add(length) = 0;
    }
}

/// Copies a whole text, without a final zero, and writes its length; one that does not fit is an error that writes the
/// length only.
///
/// # Safety
/// `buffer` is null or points to `capacity` writable bytes; `length` is null or points to a writable number.
pub unsafe fn copy_whole(
    what: &str,
    text: &str,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> Result<(), Failure> {
    // SAFETY: passed on to the caller.
    unsafe { write("length", length, text.len())? };
    let capacity = if buffer.is_null() { 0 } else { capacity };
    if capacity < text.len() {
        return Err(Failure::argument(format!(
            "{what} has {} bytes, the buffer {capacity}",
            text.len()
        )));
    }
    // SAFETY: the text fits into the bytes that the caller promises, and a text of ours never overlaps them.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast::<u8>(), text.len()) };
    Ok(())
}

/// Reads UTF-8 text; `what` names it in the error.
///
/// # Safety
/// `text` is null or points to `length` bytes that do not change while the result is used.
pub unsafe fn read<'text>(what: &str, text: *const c_char, length: usize) -> Result<&'text str, Failure> {
    // SAFETY: passed on to the caller.
    let bytes = unsafe { slice(what, text.cast::<u8>(), length)? };
    std::str::from_utf8(bytes).map_err(|error| Failure::argument(format!("the {what} is not UTF-8: {error}")))
}

/// An array of a caller; null is an empty one when its length says so.
///
/// # Safety
/// `items` is null or points to `count` values that do not change while the result is used.
pub unsafe fn slice<'items, T>(what: &str, items: *const T, count: usize) -> Result<&'items [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() || !items.is_aligned() || count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::argument(format!(
            "the {what} is no readable memory of {count} items: its address is {items:?}"
        )));
    }
    // SAFETY: not null, aligned and of a possible size; that the values are there is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// Writes a result; `what` names it in the error.
///
/// # Safety
/// `to` is null or points to a writable value.
pub unsafe fn write<T>(what: &str, to: *mut T, value: T) -> Result<(), Failure> {
    if to.is_null() || !to.is_aligned() {
        return Err(Failure::argument(format!("the address for the {what} is {to:?}")));
    }
    // SAFETY: not null and aligned; that it may be written is the caller's promise.
    unsafe { to.write(value) };
    Ok(())
}
