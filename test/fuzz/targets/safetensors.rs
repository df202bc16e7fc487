//! A checkpoint's folder: an index or none, and up to two weight files. The input is cut at its first zero bytes after
//! a length: `u16` index bytes (0: no index), `u16` bytes of the first file, the rest is the second (none if empty).

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shoal_weights::{Checkpoint, ErrorCode};

/// In memory where the system has such a folder: a target that writes files is as fast as its disk.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = parent.join(format!("shoal-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the checkpoint");
    folder
});

fn take<'bytes>(data: &mut &'bytes [u8]) -> &'bytes [u8] {
    let Some((length, rest)) = data.split_first_chunk::<2>() else {
        return std::mem::take(data);
    };
    let (taken, rest) = rest.split_at((u16::from_le_bytes(*length) as usize).min(rest.len()));
    *data = rest;
    taken
}

fn put(name: &str, bytes: &[u8]) {
    let path = FOLDER.join(name);
    if bytes.is_empty() {
        let _ = fs::remove_file(path);
    } else {
        fs::write(path, bytes).expect("the file can be written");
    }
}

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let index = take(&mut rest);
    let first = take(&mut rest);
    put("model.safetensors.index.json", index);
    put("one.safetensors", first);
    put("two.safetensors", rest);

    let checkpoint = match Checkpoint::open(&FOLDER) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            assert!(
                matches!(error.code, ErrorCode::CheckpointInvalid | ErrorCode::NotFound),
                "{error}"
            );
            return;
        }
    };
    // Whatever was accepted lies within its file and has the bytes that its type and shape ask for.
    let mut total = 0;
    for name in checkpoint.tensor_names() {
        let tensor = checkpoint.tensor(name).expect("a listed tensor is there");
        total += tensor.bytes().len();
        std::hint::black_box(tensor.bytes().iter().fold(0_u8, |sum, byte| sum ^ byte));
    }
    assert!(total <= first.len() + rest.len(), "{total} bytes of tensors");
});
