//! What can be asked of the library before anything is opened.

use std::ffi::{CStr, c_char};

use shoal_abi::Status;

/// Version of the C interface that `shoal.h` declares. A change of meaning raises it; a new function does not.
pub const ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"unknown",
};

/// `SHOAL_ABI_VERSION` of the loaded library. Compare it with that of the header before any other call.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_abi_version() -> u32 {
    ABI_VERSION
}

/// Version of the engine as a static, zero-terminated string, such as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Copies the stable name of a status (`OK`, `TRANSPORT_PEER_LOST`, …) into `buffer`, cut at `capacity` with a final
/// zero, and returns the length of the whole name without the zero. `buffer` may be null.
///
/// # Safety
/// `buffer` must be null or point to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_status_text(status: Status, buffer: *mut c_char, capacity: usize) -> usize {
    let name = status.error().map_or("OK", |code| code.name());
    // SAFETY: passed on to the caller.
    unsafe { super::border::copy_terminated(name, buffer, capacity) };
    name.len()
}
