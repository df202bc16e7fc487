//! How much of normally distributed weights each storage type loses.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

use shoal_program::StorageType;
use shoal_weights::{decode_row, encode_row};

/// Normally distributed numbers: sums of twelve evenly distributed ones.
fn normal(count: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| (0..12).map(|_| next()).sum::<f32>() - 6.0).collect()
}

#[test]
fn the_loss_of_each_type_is_what_the_documentation_says() {
    let numbers = normal(1 << 16);
    let scale: f64 = numbers.iter().map(|value| f64::from(*value).powi(2)).sum();
    for (storage, bound) in [
        (StorageType::F16, 0.0003),
        (StorageType::Bf16, 0.002),
        (StorageType::Q8_0, 0.006),
        (StorageType::Q6K, 0.02),
        (StorageType::Q5_1, 0.04),
        (StorageType::Q5_0, 0.05),
        (StorageType::Q5K, 0.04),
        (StorageType::Q4_1, 0.08),
        (StorageType::Q4_0, 0.1),
        (StorageType::Q4K, 0.08),
        (StorageType::Mxfp4, 0.13),
    ] {
        let mut bytes = vec![0; storage.bytes(numbers.len() as u64).unwrap() as usize];
        encode_row(&numbers, storage, &mut bytes);
        let mut decoded = vec![0.0; numbers.len()];
        decode_row(&bytes, storage, &mut decoded);
        let pairs = numbers.iter().zip(&decoded);
        let lost: f64 = pairs.map(|(value, decoded)| f64::from(value - decoded).powi(2)).sum();
        let error = (lost / scale).sqrt();
        println!("{}: {:.2} %", storage.name(), 100.0 * error);
        assert!(error < bound && error > bound / 3.0, "{}: {error}", storage.name());
    }
}
