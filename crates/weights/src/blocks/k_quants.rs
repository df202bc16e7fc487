//! Blocks of 256 numbers in groups whose scales are themselves quantized: ggml's "k" formats.
//!
//! `q4_k`, `q5_k`: eight groups of 32; a number is code · scale − minimum, both with six bits under an F16 factor of the
//! block. `q6_k`: sixteen groups of 16; a number is (code − 32) · scale, scales with eight bits under one F16 factor.
//! Scales are found by trying several and solving for the least squared error, weighted towards large numbers.

use super::half_at;
use crate::round::{f16_to_f32, f32_to_f16};

const BLOCK: usize = 256;
const GROUP: usize = 32;
const GROUPS: usize = BLOCK / GROUP;
const SMALL_GROUP: usize = 16;
const SMALL_GROUPS: usize = BLOCK / SMALL_GROUP;
/// Twelve bytes hold eight scales and eight minima of six bits.
const SCALES: usize = 12;
/// Groups whose largest magnitude is below this are zero.
const ZERO: f32 = 1e-15;

/// To the nearest whole number, ties to even, for magnitudes below 2²²: the sum leaves it in the low bits.
#[inline]
fn nearest(value: f32) -> i32 {
    ((value + 12_582_912.0).to_bits() & 0x007f_ffff) as i32 - 0x0040_0000
}

/// How scales of a format with minima are searched for.
struct Search {
    /// Largest code.
    most: i32,
    first_offset: f32,
    steps: i32,
}

/// A group's codes, scale and minimum (to be subtracted).
struct Affine {
    codes: [u8; GROUP],
    scale: f32,
    minimum: f32,
}

/// Codes from 0 to `most` for the least weighted squared error.
fn fit_affine(values: &[f32; GROUP], search: &Search) -> Affine {
    let sum_of_squares = values.iter().fold(0.0_f32, |sum, value| sum + value * value);
    let typical = (sum_of_squares / GROUP as f32).sqrt();
    let weights = values.map(|value| typical + value.abs());
    let (mut least, mut most) = (values[0], values[0]);
    let mut weight_sum = weights[0];
    let mut value_sum = weight_sum * values[0];
    for (value, weight) in values.iter().zip(&weights).skip(1) {
        least = if *value < least { *value } else { least };
        most = if *value > most { *value } else { most };
        weight_sum += weight;
        value_sum += weight * value;
    }
    least = if least > 0.0 { 0.0 } else { least };
    if most == least {
        return Affine {
            codes: [0; GROUP],
            scale: 0.0,
            minimum: -least,
        };
    }
    let codes_for = |inverse: f32, minimum: f32| {
        values.map(|value| nearest(inverse * (value - minimum)).clamp(0, search.most) as u8)
    };
    let error_of = |codes: &[u8; GROUP], scale: f32, minimum: f32| {
        let terms = values.iter().zip(&weights).zip(codes);
        terms.fold(0.0_f32, |sum, ((value, weight), code)| {
            let difference = scale * f32::from(*code) + minimum - value;
            sum + weight * (difference * difference)
        })
    };
    let inverse_scale = search.most as f32 / (most - least);
    let mut scale = 1.0 / inverse_scale;
    let mut codes = codes_for(inverse_scale, least);
    let mut least_error = error_of(&codes, scale, least);
    let mut minimum = least;
    for step in 0..=search.steps {
        let inverse = (search.first_offset + 0.1 * step as f32 + search.most as f32) / (most - minimum);
        let tried = codes_for(inverse, minimum);
        let (mut sum_code, mut sum_square, mut sum_product) = (0.0_f32, 0.0_f32, 0.0_f32);
        for ((value, weight), code) in values.iter().zip(&weights).zip(&tried) {
            let code = f32::from(*code);
            sum_code += weight * code;
            sum_square += weight * code * code;
            sum_product += weight * code * value;
        }
        let determinant = weight_sum * sum_square - sum_code * sum_code;
        if determinant > 0.0 {
            let mut tried_scale = (weight_sum * sum_product - value_sum * sum_code) / determinant;
            let mut tried_minimum = (sum_square * value_sum - sum_code * sum_product) / determinant;
            if tried_minimum > 0.0 {
                tried_minimum = 0.0;
                tried_scale = sum_product / sum_square;
            }
            let error = error_of(&tried, tried_scale, tried_minimum);
            if error < least_error {
                (codes, least_error, scale, minimum) = (tried, error, tried_scale, tried_minimum);
            }
        }
    }
    Affine {
        codes,
        scale,
        minimum: -minimum,
    }
}

/// Six bits each of scale and minimum of a group: the first four groups whole, the others in the bits left over.
fn scale_and_minimum(group: usize, packed: &[u8]) -> (u8, u8) {
    if group < 4 {
        return (packed[group] & 63, packed[group + 4] & 63);
    }
    let (low, scale_high, minimum_high) = (packed[group + 4], packed[group - 4] >> 6, packed[group] >> 6);
    ((low & 15) | (scale_high << 4), (low >> 4) | (minimum_high << 4))
}

fn pack_scale_and_minimum(group: usize, scale: u8, minimum: u8, packed: &mut [u8]) {
    if group < 4 {
        packed[group] = scale;
        packed[group + 4] = minimum;
        return;
    }
    packed[group + 4] = (scale & 15) | ((minimum & 15) << 4);
    packed[group - 4] |= (scale >> 4) << 6;
    packed[group] |= (minimum >> 4) << 6;
}

/// Writes the head of a block (two F16 factors, packed scales) and gives the codes of its numbers.
fn encode_affine(values: &[f32; BLOCK], head: &mut [u8], search: &Search) -> [u8; BLOCK] {
    let mut codes = [0_u8; BLOCK];
    let (mut scales, mut minima) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS]);
    for (group, values) in values.as_chunks::<GROUP>().0.iter().enumerate() {
        let fitted = fit_affine(values, search);
        codes[group * GROUP..][..GROUP].copy_from_slice(&fitted.codes);
        (scales[group], minima[group]) = (fitted.scale, fitted.minimum);
    }
    // By comparison: `f32::max` may choose −0 of two zeros.
    let largest = |numbers: &[f32; GROUPS]| {
        let larger = |most: f32, number: &f32| if *number > most { *number } else { most };
        numbers.iter().fold(0.0_f32, larger)
    };
    let (largest_scale, largest_minimum) = (largest(&scales), largest(&minima));
    let steps = |most: f32| if most > 0.0 { 63.0 / most } else { 0.0 };
    let (inverse_scale, inverse_minimum) = (steps(largest_scale), steps(largest_minimum));
    let (factors, packed) = head.split_at_mut(4);
    packed.fill(0);
    for group in 0..GROUPS {
        let scale = (nearest(inverse_scale * scales[group]) as u8).min(63);
        let minimum = (nearest(inverse_minimum * minima[group]) as u8).min(63);
        pack_scale_and_minimum(group, scale, minimum, packed);
    }
    let (scale_bits, minimum_bits) = (f32_to_f16(largest_scale / 63.0), f32_to_f16(largest_minimum / 63.0));
    factors[..2].copy_from_slice(&scale_bits.to_le_bytes());
    factors[2..].copy_from_slice(&minimum_bits.to_le_bytes());
    // The codes again, now for the scales as they are stored.
    for group in 0..GROUPS {
        let (scale, minimum) = scale_and_minimum(group, packed);
        let scale = f16_to_f32(scale_bits) * f32::from(scale);
        if scale == 0.0 {
            continue;
        }
        let minimum = f16_to_f32(minimum_bits) * f32::from(minimum);
        let range = group * GROUP..(group + 1) * GROUP;
        for (code, value) in codes[range.clone()].iter_mut().zip(&values[range]) {
            *code = nearest((value + minimum) / scale).clamp(0, search.most) as u8;
        }
    }
    codes
}

/// Calls back with the scale and the minimum of each group.
fn for_each_group(head: &[u8], mut visit: impl FnMut(usize, f32, f32)) {
    let half = |offset: usize| f16_to_f32(u16::from_le_bytes([head[offset], head[offset + 1]]));
    let (scale_factor, minimum_factor) = (half(0), half(2));
    for group in 0..GROUPS {
        let (scale, minimum) = scale_and_minimum(group, &head[4..4 + SCALES]);
        visit(
            group,
            scale_factor * f32::from(scale),
            minimum_factor * f32::from(minimum),
        );
    }
}

/// Group pairs share 32 bytes: the lower four bits of the first and of the second.
fn pack_pairs(codes: &[u8; BLOCK], bytes: &mut [u8]) {
    for (codes, bytes) in codes
        .as_chunks::<{ 2 * GROUP }>()
        .0
        .iter()
        .zip(bytes.chunks_exact_mut(GROUP))
    {
        let (first, second) = codes.split_at(GROUP);
        for ((byte, first), second) in bytes.iter_mut().zip(first).zip(second) {
            *byte = (first & 15) | ((second & 15) << 4);
        }
    }
}

/// The lower four bits of number `index` of a group.
fn pair_code(bytes: &[u8], group: usize, index: usize) -> u8 {
    (bytes[group / 2 * GROUP + index] >> (group % 2 * 4)) & 15
}

const HEAD: usize = 4 + SCALES;

pub(crate) fn encode_q4_k(values: &[f32; BLOCK], bytes: &mut [u8; 144]) {
    let search = Search {
        most: 15,
        first_offset: -1.0,
        steps: 20,
    };
    let (head, pairs) = bytes.split_at_mut(HEAD);
    let codes = encode_affine(values, head, &search);
    pack_pairs(&codes, pairs);
}

pub(crate) fn decode_q4_k(bytes: &[u8; 144], values: &mut [f32; BLOCK]) {
    let (head, pairs) = bytes.split_at(HEAD);
    for_each_group(head, |group, scale, minimum| {
        for (index, value) in values[group * GROUP..][..GROUP].iter_mut().enumerate() {
            *value = scale * f32::from(pair_code(pairs, group, index)) - minimum;
        }
    });
}

pub(crate) fn encode_q5_k(values: &[f32; BLOCK], bytes: &mut [u8; 176]) {
    let search = Search {
        most: 31,
        first_offset: -0.5,
        steps: 15,
    };
    let (head, rest) = bytes.split_at_mut(HEAD);
    let (fifths, pairs) = rest.split_at_mut(GROUP);
    let codes = encode_affine(values, head, &search);
    pack_pairs(&codes, pairs);
    // Byte j holds the fifth bits of number j of all groups.
    for (index, byte) in fifths.iter_mut().enumerate() {
        *byte = (0..GROUPS).fold(0, |bits, group| bits | (codes[group * GROUP + index] >> 4) << group);
    }
}

pub(crate) fn decode_q5_k(bytes: &[u8; 176], values: &mut [f32; BLOCK]) {
    let (head, rest) = bytes.split_at(HEAD);
    let (fifths, pairs) = rest.split_at(GROUP);
    for_each_group(head, |group, scale, minimum| {
        for (index, value) in values[group * GROUP..][..GROUP].iter_mut().enumerate() {
            let code = pair_code(pairs, group, index) | ((fifths[index] >> group) & 1) << 4;
            *value = scale * f32::from(code) - minimum;
        }
    });
}

/// The scale for codes from −32 to 31 with the least squared error, weighted by the squares of the numbers.
fn fit_symmetric(values: &[f32; SMALL_GROUP], codes: &mut [u8]) -> f32 {
    const MOST: f32 = 32.0;
    let (mut magnitude, mut extreme) = (0.0_f32, 0.0_f32);
    for value in values {
        if value.abs() > magnitude {
            magnitude = value.abs();
            extreme = *value;
        }
    }
    if magnitude < ZERO {
        codes.fill(0);
        return 0.0;
    }
    let code_of = |inverse: f32, value: f32| nearest(inverse * value).clamp(-32, 31);
    let sums_for = |inverse: f32| {
        values.iter().fold((0.0_f32, 0.0_f32), |(product, square), value| {
            let (code, weight) = (code_of(inverse, *value) as f32, value * value);
            (product + weight * value * code, square + weight * code * code)
        })
    };
    let take = |inverse: f32, codes: &mut [u8]| {
        for (code, value) in codes.iter_mut().zip(values) {
            *code = (code_of(inverse, *value) + 32) as u8;
        }
    };
    let first = -MOST / extreme;
    take(first, codes);
    let (product, square) = sums_for(first);
    let mut scale = if square == 0.0 { 0.0 } else { product / square };
    let mut best = scale * product;
    for step in (-9..=9).filter(|step| *step != 0) {
        let inverse = -(MOST + 0.1 * step as f32) / extreme;
        let (product, square) = sums_for(inverse);
        if square > 0.0 && product * product > best * square {
            take(inverse, codes);
            scale = product / square;
            best = scale * product;
        }
    }
    scale
}

/// Lower four bits, then upper two bits, of 256 codes; sixteen scales; the factor.
pub(crate) fn encode_q6_k(values: &[f32; BLOCK], bytes: &mut [u8; 210]) {
    let mut codes = [0_u8; BLOCK];
    let mut scales = [0.0_f32; SMALL_GROUPS];
    let (mut largest, mut magnitude) = (0.0_f32, 0.0_f32);
    for (group, values) in values.as_chunks::<SMALL_GROUP>().0.iter().enumerate() {
        let scale = fit_symmetric(values, &mut codes[group * SMALL_GROUP..][..SMALL_GROUP]);
        scales[group] = scale;
        if scale.abs() > magnitude {
            (largest, magnitude) = (scale, scale.abs());
        }
    }
    if magnitude < ZERO {
        bytes.fill(0);
        return;
    }
    let (low_bits, rest) = bytes.split_at_mut(BLOCK / 2);
    let (high_bits, rest) = rest.split_at_mut(BLOCK / 4);
    let (stored_scales, factor) = rest.split_at_mut(SMALL_GROUPS);
    let inverse_scale = -128.0 / largest;
    let factor_bits = f32_to_f16(1.0 / inverse_scale);
    factor.copy_from_slice(&factor_bits.to_le_bytes());
    for group in 0..SMALL_GROUPS {
        let stored = nearest(inverse_scale * scales[group]).min(127) as i8;
        stored_scales[group] = stored as u8;
        let scale = f16_to_f32(factor_bits) * f32::from(stored);
        if scale == 0.0 {
            continue;
        }
        let range = group * SMALL_GROUP..(group + 1) * SMALL_GROUP;
        for (code, value) in codes[range.clone()].iter_mut().zip(&values[range]) {
            *code = (nearest(value / scale).clamp(-32, 31) + 32) as u8;
        }
    }
    // Each half of the block: four quarters of 32 codes.
    let halves = codes.as_chunks::<128>().0.iter();
    for ((codes, low_bits), high_bits) in halves
        .zip(low_bits.chunks_exact_mut(64))
        .zip(high_bits.chunks_exact_mut(32))
    {
        for index in 0..32 {
            let quarter = |number: usize| codes[number * 32 + index];
            low_bits[index] = (quarter(0) & 15) | ((quarter(2) & 15) << 4);
            low_bits[index + 32] = (quarter(1) & 15) | ((quarter(3) & 15) << 4);
            high_bits[index] = (0..4).fold(0, |bits, number| bits | (quarter(number) >> 4) << (2 * number));
        }
    }
}

pub(crate) fn decode_q6_k(bytes: &[u8; 210], values: &mut [f32; BLOCK]) {
    let factor = half_at(bytes, BLOCK / 2 + BLOCK / 4 + SMALL_GROUPS);
    let (low_bits, rest) = bytes.split_at(BLOCK / 2);
    let (high_bits, scales) = rest.split_at(BLOCK / 4);
    for (position, value) in values.iter_mut().enumerate() {
        let (half, quarter, index) = (position / 128, position / 32 % 4, position % 32);
        let low = low_bits[half * 64 + quarter % 2 * 32 + index] >> (quarter / 2 * 4) & 15;
        let high = high_bits[half * 32 + index] >> (2 * quarter) & 3;
        let scale = scales[position / SMALL_GROUP] as i8;
        *value = factor * f32::from(scale) * f32::from((low | high << 4) as i8 - 32);
    }
}
