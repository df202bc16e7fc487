//! Rows in a storage type: encoding from F32 and decoding to F32.
//!
//! The block formats are ggml's `q8_0` and `q4_0`; the choice of scale and the rounding are those of its reference
//! quantizers, so that a weight has the same bits whoever quantized it.

use shoal_program::StorageType;

use crate::round::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};

const BLOCK: usize = 32;
const Q8_0_BYTES: usize = 34;
const Q4_0_BYTES: usize = 18;

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
        StorageType::Q8_0 => {
            for (values, bytes) in row
                .as_chunks::<BLOCK>()
                .0
                .iter()
                .zip(output.as_chunks_mut::<Q8_0_BYTES>().0)
            {
                encode_q8_0(values, bytes);
            }
        }
        StorageType::Q4_0 => {
            for (values, bytes) in row
                .as_chunks::<BLOCK>()
                .0
                .iter()
                .zip(output.as_chunks_mut::<Q4_0_BYTES>().0)
            {
                encode_q4_0(values, bytes);
            }
        }
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
        StorageType::Q8_0 => {
            for (values, bytes) in output
                .as_chunks_mut::<BLOCK>()
                .0
                .iter_mut()
                .zip(bytes.as_chunks::<Q8_0_BYTES>().0)
            {
                let scale = block_scale(bytes);
                for (value, byte) in values.iter_mut().zip(&bytes[2..]) {
                    *value = f32::from(*byte as i8) * scale;
                }
            }
        }
        StorageType::Q4_0 => {
            for (values, bytes) in output
                .as_chunks_mut::<BLOCK>()
                .0
                .iter_mut()
                .zip(bytes.as_chunks::<Q4_0_BYTES>().0)
            {
                let scale = block_scale(bytes);
                let (low, high) = values.split_at_mut(BLOCK / 2);
                for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[2..]) {
                    *low = f32::from((byte & 15) as i8 - 8) * scale;
                    *high = f32::from((byte >> 4) as i8 - 8) * scale;
                }
            }
        }
    }
}

fn block_scale<const N: usize>(bytes: &[u8; N]) -> f32 {
    f16_to_f32(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// Scale = largest magnitude / 127; numbers rounded half away from zero.
fn encode_q8_0(values: &[f32; BLOCK], bytes: &mut [u8; Q8_0_BYTES]) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    for (byte, value) in bytes[2..].iter_mut().zip(values) {
        *byte = round_half_away(value * inverse) as i8 as u8;
    }
}

/// `f32::round` without a call into the mathematics library: exact for the magnitudes below 2²² that occur here.
#[inline]
fn round_half_away(value: f32) -> i32 {
    let whole = value as i32;
    let rest = value - whole as f32;
    whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

/// Scale = the number of largest magnitude / −8, so that this number is exact; value j pairs with j + 16 in a byte.
fn encode_q4_0(values: &[f32; BLOCK], bytes: &mut [u8; Q4_0_BYTES]) {
    let (mut magnitude, mut extreme) = (0.0_f32, 0.0_f32);
    for value in values {
        if magnitude < value.abs() {
            magnitude = value.abs();
            extreme = *value;
        }
    }
    let scale = extreme / -8.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    let (low, high) = values.split_at(BLOCK / 2);
    let nibble = |value: f32| (value * inverse + 8.5) as i32 as i8 as u8;
    for ((byte, low), high) in bytes[2..].iter_mut().zip(low).zip(high) {
        *byte = nibble(*low).min(15) | (nibble(*high).min(15) << 4);
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
        for storage in [StorageType::Q8_0, StorageType::Q4_0] {
            assert_eq!(round_trip(&[0.0; 32], storage), [0.0; 32]);
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

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (value, expected) in [
            (0.5, 1),
            (-0.5, -1),
            (1.5, 2),
            (2.499, 2),
            (-126.5, -127),
            (0.0, 0),
            (-0.49, 0),
        ] {
            assert_eq!(round_half_away(value), expected, "{value}");
            assert_eq!(f32::round(value) as i32, expected);
        }
    }
}
