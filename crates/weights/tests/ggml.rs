//! Quantized blocks against ggml's own reference quantizers, bit by bit.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::ffi::{c_int, c_void};

use shoal_program::StorageType;
use shoal_weights::encode_row;

/// `ggml_quantize_chunk`: type, source, target, first element, rows, elements a row, importance; gives the bytes.
type QuantizeChunk = unsafe extern "C" fn(c_int, *const f32, *mut c_void, i64, i64, i64, *const f32) -> usize;

/// ggml's numbers of the types.
const TYPES: [(StorageType, c_int); 11] = [
    (StorageType::F16, 1),
    (StorageType::Bf16, 30),
    (StorageType::Q4_0, 2),
    (StorageType::Q4_1, 3),
    (StorageType::Q5_0, 6),
    (StorageType::Q5_1, 7),
    (StorageType::Q8_0, 8),
    (StorageType::Q4K, 12),
    (StorageType::Q5K, 13),
    (StorageType::Q6K, 14),
    (StorageType::Mxfp4, 39),
];

/// Rows of many magnitudes, with zeros, equal numbers and numbers halfway between two steps.
fn rows() -> Vec<Vec<f32>> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    let mut rows: Vec<Vec<f32>> = (-24..16)
        .map(|exponent| (0..4096).map(|_| next() * 2.0_f32.powi(exponent)).collect())
        .collect();
    rows.push(vec![0.0; 256]);
    rows.push(vec![-3.0; 256]);
    rows.push((0..256).map(|index| (index as f32 - 128.0) / 2.0).collect());
    rows.push(
        (0..256)
            .map(|index| if index % 7 == 0 { 127.0 } else { index as f32 + 0.5 })
            .collect(),
    );
    rows
}

#[test]
fn blocks_have_the_bits_of_ggml() {
    let Ok(directory) = shoal_ggml_sys::library_directory(None) else {
        eprintln!("skipped: ggml is not built here (npm run build:native)");
        return;
    };
    let name = libloading::library_filename("ggml-base");
    // SAFETY: ggml's initialisers have no preconditions.
    let library = unsafe { libloading::Library::new(directory.join(name)) }.unwrap();
    // SAFETY: the signature is that of the pinned version's header.
    let quantize = unsafe { library.get::<QuantizeChunk>(b"ggml_quantize_chunk\0") }.unwrap();
    for (storage, number) in TYPES {
        // Elsewhere compilers fuse multiplications and additions, which moves the search for scales by a bit.
        if storage.block_elements() > 32 && !cfg!(target_arch = "x86_64") {
            continue;
        }
        for row in rows() {
            let bytes = storage.bytes(row.len() as u64).unwrap() as usize;
            let (mut own, mut expected) = (vec![0_u8; bytes], vec![0_u8; bytes]);
            encode_row(&row, storage, &mut own);
            let target = expected.as_mut_ptr().cast();
            // SAFETY: one row of this length, and a target of exactly its bytes.
            let written = unsafe { quantize(number, row.as_ptr(), target, 0, 1, row.len() as i64, std::ptr::null()) };
            assert_eq!(written, bytes);
            let different = own.iter().zip(&expected).position(|(own, expected)| own != expected);
            assert_eq!(different, None, "{storage:?} of a row that begins with {:?}", &row[..4]);
        }
    }
}
