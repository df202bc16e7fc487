//! Blocks of 32 four-bit floating point numbers under one power of two: the OCP microscaling format, as gpt-oss has it.

const BLOCK: usize = 32;
const HALF: usize = BLOCK / 2;

/// The values of the sixteen codes, doubled: sign, two bits of exponent, one of mantissa.
const DOUBLED_VALUES: [f32; 16] = [
    0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0, -8.0, -12.0,
];

/// 2^(exponent − 128): half of what the exponent stands for, because the values are doubled.
fn halved_scale(exponent: u8) -> f32 {
    match exponent {
        // 2^-128 and 2^-127 are subnormal.
        0 => f32::from_bits(0x0020_0000),
        1 => f32::from_bits(0x0040_0000),
        _ => f32::from_bits((u32::from(exponent) - 1) << 23),
    }
}

/// The exponent fits the largest magnitude; every number takes the nearest value, the first of two equally near.
pub(crate) fn encode(values: &[f32; BLOCK], bytes: &mut [u8; 17]) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    // The largest value is 6 = 1.5 · 2²; below 2^-125 nothing is left of the exponent.
    let exponent = if largest > 0.0 {
        (largest.log2().floor() as i32 - 2 + 127) as u8
    } else {
        0
    };
    let scale = halved_scale(exponent);
    let nearest = |value: f32| {
        let (mut best, mut least) = (0_u8, f32::INFINITY);
        for (code, doubled) in (0_u8..).zip(DOUBLED_VALUES) {
            let error = (doubled * scale - value).abs();
            if error < least {
                (best, least) = (code, error);
            }
        }
        best
    };
    bytes[0] = exponent;
    let (low, high) = values.split_at(HALF);
    for ((byte, low), high) in bytes[1..].iter_mut().zip(low).zip(high) {
        *byte = nearest(*low) | (nearest(*high) << 4);
    }
}

pub(crate) fn decode(bytes: &[u8; 17], values: &mut [f32; BLOCK]) {
    let scale = halved_scale(bytes[0]);
    let (low, high) = values.split_at_mut(HALF);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(&bytes[1..]) {
        *low = DOUBLED_VALUES[usize::from(byte & 15)] * scale;
        *high = DOUBLED_VALUES[usize::from(byte >> 4)] * scale;
    }
}
