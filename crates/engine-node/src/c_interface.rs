//! C functions for `bun:ffi` and other loaders of plain shared libraries; they open the same file as Node-API does.

use std::ffi::{CStr, c_char};

use shoal_abi::Status;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"unknown",
};

/// Version of the engine as a static, zero-terminated string.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Copies the stable name of a status (`OK`, `TRANSPORT_PEER_LOST`, …) into `buffer`, cut at `capacity` with a final
/// zero, and returns the length of the whole name without the zero.
///
/// # Safety
/// `buffer` must be null or point to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_status_text(status: i32, buffer: *mut c_char, capacity: usize) -> usize {
    let name = Status(status).error().map_or("OK", |code| code.name());
    if !buffer.is_null() && capacity > 0 {
        let length = name.len().min(capacity - 1);
        // SAFETY: the caller promises `capacity` writable bytes at `buffer`; `length + 1 <= capacity`, and a name never
        // overlaps the caller's buffer because it is a constant.
        unsafe {
            std::ptr::copy_nonoverlapping(name.as_ptr(), buffer.cast::<u8>(), length);
            *buffer.add(length) = 0;
        }
    }
    name.len()
}
