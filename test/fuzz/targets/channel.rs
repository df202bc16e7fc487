//! What arrives at a data-plane socket: from a stranger during the handshake, and from a member after it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_fabric::fuzzing::{greet_stranger, hear_member};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    match choice % 4 {
        0 => greet_stranger(bytes),
        _ => hear_member(bytes),
    }
});
