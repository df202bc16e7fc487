//! The end of a process whose owner has not closed everything: native threads must not compute while the C library
//! destroys the globals of every library around them.

use std::ffi::c_int;
use std::sync::Once;

use super::{fabric, member};
use crate::cleanup::run_within;
use crate::error::contained;
use crate::member::LONGEST_STEP_AT_EXIT;

unsafe extern "C" {
    /// In every C library, also in that of Windows.
    fn atexit(function: extern "C" fn()) -> c_int;
}

/// Has the end of the process, or the unloading of this library, close what is open. Called before the first thread is
/// started.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function is part of this library, which calls it before it is unloaded. When there is no room
        // for it, the owner must close everything itself, as the interface asks.
        unsafe { atexit(close_everything) };
    });
}

extern "C" fn close_everything() {
    // Nobody is left to tell of a panic.
    let _ = contained(|| {
        run_within(LONGEST_STEP_AT_EXIT, || {
            member::close_all();
            fabric::close_all();
        });
        Ok(())
    });
}
