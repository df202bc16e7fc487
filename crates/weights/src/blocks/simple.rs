//! Blocks of 32 numbers under one F16 scale (`_0`) or a scale and a minimum (`_1`): ggml's first formats.
//!
//! Value j shares a byte with value j + 16; the fifth bits of all values come together in four bytes.

use super::{half_at, inverse};
use crate::round::f32_to_f16;

const BLOCK: usize = 32;
const HALF: usize = BLOCK / 2;

/// Scale = largest magnitude / 127; numbers rounded half away from zero.
pub(crate) fn encode_q8_0(values: &[f32; BLOCK], bytes: &mut [u8; 34]) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    for (byte, value) in bytes[2..].iter_mut().zip(values) {
        *byte = round_half_away(value * inverse) as i8 as u8;
    }
}

pub(crate) fn decode_q8_0(bytes: &[u8; 34], values: &mut [f32; BLOCK]) {
    let scale = half_at(bytes, 0);
    for (value, byte) in values.iter_mut().zip(&bytes[2..]) {
        *value = f32::from(*byte as i8) * scale;
    }
}

/// `f32::round` without a call into the mathematics library: exact for the magnitudes below 2²² that occur here.
#[inline]
fn round_half_away(value: f32) -> i32 {
    let whole = value as i32;
    let rest = value - whole as f32;
    whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

/// The number of largest magnitude, with its sign; the first of equals.
fn extreme_of(values: &[f32; BLOCK]) -> f32 {
    let (mut magnitude, mut extreme) = (0.0_f32, 0.0_f32);
    for value in values {
        if magnitude < value.abs() {
            magnitude = value.abs();
            extreme = *value;
        }
    }
    extreme
}

fn bounds_of(values: &[f32; BLOCK]) -> (f32, f32) {
    let (mut least, mut most) = (f32::MAX, -f32::MAX);
    for value in values {
        least = if *value < least { *value } else { least };
        most = if *value > most { *value } else { most };
    }
    (least, most)
}

/// Scale = the number of largest magnitude / −8, so that this number is exact.
pub(crate) fn encode_q4_0(values: &[f32; BLOCK], bytes: &mut [u8; 18]) {
    let scale = extreme_of(values) / -8.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    let (low, high) = values.split_at(HALF);
    let nibble = |value: f32| ((value * inverse + 8.5) as i32 as i8 as u8).min(15);
    for ((byte, low), high) in bytes[2..].iter_mut().zip(low).zip(high) {
        *byte = nibble(*low) | (nibble(*high) << 4);
    }
}

pub(crate) fn decode_q4_0(bytes: &[u8; 18], values: &mut [f32; BLOCK]) {
    let scale = half_at(bytes, 0);
    let (low, high) = values.split_at_mut(HALF);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[2..]) {
        *low = f32::from((byte & 15) as i8 - 8) * scale;
        *high = f32::from((byte >> 4) as i8 - 8) * scale;
    }
}

/// Fifteen steps from the least number to the largest.
pub(crate) fn encode_q4_1(values: &[f32; BLOCK], bytes: &mut [u8; 20]) {
    let (least, most) = bounds_of(values);
    let scale = (most - least) / 15.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    [bytes[2], bytes[3]] = f32_to_f16(least).to_le_bytes();
    let (low, high) = values.split_at(HALF);
    let nibble = |value: f32| (((value - least) * inverse + 0.5) as i32 as i8 as u8).min(15);
    for ((byte, low), high) in bytes[4..].iter_mut().zip(low).zip(high) {
        *byte = nibble(*low) | (nibble(*high) << 4);
    }
}

pub(crate) fn decode_q4_1(bytes: &[u8; 20], values: &mut [f32; BLOCK]) {
    let (scale, least) = (half_at(bytes, 0), half_at(bytes, 2));
    let (low, high) = values.split_at_mut(HALF);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[4..]) {
        *low = f32::from(byte & 15) * scale + least;
        *high = f32::from(byte >> 4) * scale + least;
    }
}

/// Puts 32 five-bit numbers into four bytes of fifth bits and sixteen bytes of pairs.
fn pack_five_bits(values: &[f32; BLOCK], bytes: &mut [u8], number: impl Fn(f32) -> u8) {
    let (high_bits, pairs) = bytes.split_at_mut(4);
    let (low, high) = values.split_at(HALF);
    let mut fifths = 0_u32;
    for (index, ((byte, low), high)) in pairs.iter_mut().zip(low).zip(high).enumerate() {
        let (low, high) = (number(*low), number(*high));
        *byte = (low & 15) | ((high & 15) << 4);
        fifths |= u32::from(low >> 4 & 1) << index | u32::from(high >> 4 & 1) << (index + HALF);
    }
    high_bits.copy_from_slice(&fifths.to_le_bytes());
}

fn unpack_five_bits(bytes: &[u8], values: &mut [f32; BLOCK], value_of: impl Fn(u8) -> f32) {
    let (high_bits, pairs) = bytes.split_at(4);
    let fifths = u32::from_le_bytes([high_bits[0], high_bits[1], high_bits[2], high_bits[3]]);
    let (low, high) = values.split_at_mut(HALF);
    for (index, ((low, high), byte)) in low.iter_mut().zip(high).zip(pairs).enumerate() {
        *low = value_of(byte & 15 | ((fifths >> index & 1) << 4) as u8);
        *high = value_of(byte >> 4 | ((fifths >> (index + HALF) & 1) << 4) as u8);
    }
}

/// Scale = the number of largest magnitude / −16, so that this number is exact.
pub(crate) fn encode_q5_0(values: &[f32; BLOCK], bytes: &mut [u8; 22]) {
    let scale = extreme_of(values) / -16.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    pack_five_bits(values, &mut bytes[2..], |value| {
        ((value * inverse + 16.5) as i32 as i8 as u8).min(31)
    });
}

pub(crate) fn decode_q5_0(bytes: &[u8; 22], values: &mut [f32; BLOCK]) {
    let scale = half_at(bytes, 0);
    unpack_five_bits(&bytes[2..], values, |number| f32::from(number as i8 - 16) * scale);
}

/// Thirty-one steps from the least number to the largest.
pub(crate) fn encode_q5_1(values: &[f32; BLOCK], bytes: &mut [u8; 24]) {
    let (least, most) = bounds_of(values);
    let scale = (most - least) / 31.0;
    let inverse = inverse(scale);
    [bytes[0], bytes[1]] = f32_to_f16(scale).to_le_bytes();
    [bytes[2], bytes[3]] = f32_to_f16(least).to_le_bytes();
    pack_five_bits(values, &mut bytes[4..], |value| {
        ((value - least) * inverse + 0.5) as i32 as u8
    });
}

pub(crate) fn decode_q5_1(bytes: &[u8; 24], values: &mut [f32; BLOCK]) {
    let (scale, least) = (half_at(bytes, 0), half_at(bytes, 2));
    unpack_five_bits(&bytes[4..], values, |number| f32::from(number) * scale + least);
}

#[cfg(test)]
mod tests {
    use super::*;

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
