//! Rows in a storage type: encoding from F32 and decoding to F32.
//!
//! The block formats are ggml's; the choice of scales and the rounding are those of its reference quantizers, so that a
//! weight has the same bits whoever quantized it.

use shoal_program::StorageType;

use crate::blocks::{k_quants, mxfp4, simple};
use crate::round::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

/// Encodes a row; `output` has exactly the row's bytes (see [`StorageType::bytes`]), what is beyond stays as it was.
pub fn encode_row(row: &[f32], storage: StorageType, output: &mut [u8]) {
    match storage {
        StorageType::F32 => {
            for (value, bytes) in row.iter().zip(output.as_chunks_mut::<4>().0) {
                *bytes = value.to_le_bytes();
            }
        }
        StorageType::F16 => {
            for (value, bytes) in row.iter().zip(output.as_chunks_mut::<2>().0) {
                *bytes = f32_to_f16(*value).to_le_bytes();
            }
        }
        StorageType::Bf16 => {
            for (value, bytes) in row.iter().zip(output.as_chunks_mut::<2>().0) {
                *bytes = f32_to_bf16(*value).to_le_bytes();
            }
        }
        StorageType::Q8_0 => encode_blocks(row, output, simple::encode_q8_0),
        StorageType::Q4_0 => encode_blocks(row, output, simple::encode_q4_0),
        StorageType::Q4_1 => encode_blocks(row, output, simple::encode_q4_1),
        StorageType::Q5_0 => encode_blocks(row, output, simple::encode_q5_0),
        StorageType::Q5_1 => encode_blocks(row, output, simple::encode_q5_1),
        StorageType::Q4K => encode_blocks(row, output, k_quants::encode_q4_k),
        StorageType::Q5K => encode_blocks(row, output, k_quants::encode_q5_k),
        StorageType::Q6K => encode_blocks(row, output, k_quants::encode_q6_k),
        StorageType::Mxfp4 => encode_blocks(row, output, mxfp4::encode),
    }
}

/// Decodes a row that [`encode_row`] could have written; stops at the shorter of the two.
pub fn decode_row(bytes: &[u8], storage: StorageType, output: &mut [f32]) {
    match storage {
        StorageType::F32 => {
            for (value, bytes) in output.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        StorageType::F16 => {
            for (value, bytes) in output.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *value = f16_to_f32(u16::from_le_bytes(*bytes));
            }
        }
        StorageType::Bf16 => {
            for (value, bytes) in output.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *value = bf16_to_f32(u16::from_le_bytes(*bytes));
            }
        }
        StorageType::Q8_0 => decode_blocks(bytes, output, simple::decode_q8_0),
        StorageType::Q4_0 => decode_blocks(bytes, output, simple::decode_q4_0),
        StorageType::Q4_1 => decode_blocks(bytes, output, simple::decode_q4_1),
        StorageType::Q5_0 => decode_blocks(bytes, output, simple::decode_q5_0),
        StorageType::Q5_1 => decode_blocks(bytes, output, simple::decode_q5_1),
        StorageType::Q4K => decode_blocks(bytes, output, k_quants::decode_q4_k),
        StorageType::Q5K => decode_blocks(bytes, output, k_quants::decode_q5_k),
        StorageType::Q6K => decode_blocks(bytes, output, k_quants::decode_q6_k),
        StorageType::Mxfp4 => decode_blocks(bytes, output, mxfp4::decode),
    }
}

fn encode_blocks<const ELEMENTS: usize, const BYTES: usize>(
    row: &[f32],
    output: &mut [u8],
    encode: impl Fn(&[f32; ELEMENTS], &mut [u8; BYTES]),
) {
    let blocks = row.as_chunks::<ELEMENTS>().0.iter();
    for (values, bytes) in blocks.zip(output.as_chunks_mut::<BYTES>().0) {
        encode(values, bytes);
    }
}

fn decode_blocks<const ELEMENTS: usize, const BYTES: usize>(
    bytes: &[u8],
    output: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; ELEMENTS]),
) {
    let blocks = output.as_chunks_mut::<ELEMENTS>().0.iter_mut();
    for (values, bytes) in blocks.zip(bytes.as_chunks::<BYTES>().0) {
        decode(bytes, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seed: u32, length: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits((state >> 9) | 0x3f80_0000) - 1.5
        };
        (0..length).map(|_| next()).collect()
    }

    fn round_trip(row: &[f32], storage: StorageType) -> Vec<f32> {
        let mut bytes = vec![0; storage.bytes(row.len() as u64).unwrap() as usize];
        encode_row(row, storage, &mut bytes);
        let mut decoded = vec![0.0; row.len()];
        decode_row(&bytes, storage, &mut decoded);
        decoded
    }

    #[test]
    fn the_error_of_a_round_trip_is_within_half_a_step() {
        for storage in StorageType::ALL {
            let row = row(7, 256);
            let step = match storage {
                StorageType::F32 => 0.0,
                StorageType::F16 => 0.5 / 1024.0,
                StorageType::Bf16 => 0.5 / 128.0,
                StorageType::Q8_0 => 0.51 / 127.0,
                // The positive end of a symmetric range loses up to a whole step.
                StorageType::Q4_0 => 0.51 / 8.0 * 2.0,
                StorageType::Q5_0 => 0.51 / 16.0 * 2.0,
                // Steps over the whole range of a block, from −0.5 to 0.5.
                StorageType::Q4_1 => 1.03 / 15.0,
                StorageType::Q5_1 => 1.03 / 31.0,
                // Scales are rounded, too, and the worst number may be sacrificed for the others.
                StorageType::Q4K => 3.0 / 15.0,
                StorageType::Q5K => 3.0 / 31.0,
                StorageType::Q6K => 2.0 / 31.0,
                // From 4 to 6 is a third; the largest is up to a quarter above 6.
                StorageType::Mxfp4 => 2.0 / 6.0,
            };
            for (value, decoded) in row.iter().zip(round_trip(&row, storage)) {
                assert!(
                    (value - decoded).abs() <= step * 0.5 + 1e-9,
                    "{storage:?}: {value} {decoded}"
                );
            }
        }
    }

    #[test]
    fn a_block_of_zeros_stays_zero() {
        for storage in StorageType::ALL {
            assert_eq!(round_trip(&[0.0; 256], storage), [0.0; 256], "{storage:?}");
        }
    }

    #[test]
    fn known_blocks_have_known_bytes() {
        let ramp: Vec<f32> = (0..32).map(|index| index as f32 - 16.0).collect();
        let mut bytes = [0_u8; 18];
        encode_row(&ramp, StorageType::Q4_0, &mut bytes);
        // Scale 2; value -16 is nibble 0, value 0 is nibble 8.
        assert_eq!([bytes[0], bytes[1]], 0x4000_u16.to_le_bytes());
        assert_eq!(bytes[2], 0x80);
        assert_eq!(bytes[17], 0xf8);
        let mut bytes = [0_u8; 34];
        let ramp: Vec<f32> = (0..32).map(|index| (index * 4) as f32 + 3.0).collect();
        encode_row(&ramp, StorageType::Q8_0, &mut bytes);
        assert_eq!([bytes[0], bytes[1]], 0x3c00_u16.to_le_bytes());
        assert_eq!((bytes[2], bytes[33]), (3, 127));
    }
}
