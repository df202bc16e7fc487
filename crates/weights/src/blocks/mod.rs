//! The block formats: how a block's numbers become bytes and come back.

pub(crate) mod k_quants;
pub(crate) mod mxfp4;
pub(crate) mod simple;

use crate::round::f16_to_f32;

/// The F16 number at a place in a block.
#[inline]
fn half_at<const BYTES: usize>(bytes: &[u8; BYTES], offset: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([bytes[offset], bytes[offset + 1]]))
}

#[inline]
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}
