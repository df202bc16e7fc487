//! Weights that a generator makes, the same as `test/fixtures/make_variants.py` makes them: small integers times a power
//! of two, exact in F32, F16 and BF16.

use std::path::Path;

use serde_json::Value;
use shoal_program::StorageType;
use shoal_weights::{SafetensorsWriter, TensorDeclaration, encode_row};

/// The finalizer of `MurmurHash3`, 32 bits.
fn mixed(value: u32) -> u32 {
    let mut hash = value ^ (value >> 16);
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// FNV-1a of the tensor's name.
fn seed_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |seed, byte| {
        (seed ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

fn elements(name: &str, shape: &[u64], halvings: i32) -> Vec<f32> {
    let seed = seed_of(name);
    let exponent = if name.ends_with("bias") {
        9
    } else if name.contains("embed_tokens") {
        8
    } else {
        6 + halvings + shape.last().unwrap().ilog2().cast_signed() / 2
    };
    let element = |index: u64| {
        let hash = mixed((index as u32).wrapping_mul(0x9e37_79b9).wrapping_add(seed));
        if name.ends_with("norm.weight") {
            return 1.0 + ((hash % 33) as f32 - 16.0) / 128.0;
        }
        ((hash % 255) as f32 - 127.0) * 2.0_f32.powi(-exponent)
    };
    (0..shape.iter().product()).map(element).collect()
}

/// Writes the tensors, named with their shapes in `tensors`, in a storage type. `halvings`: how often matrices are halved
/// against those of the fixtures.
pub fn write(tensors: &Value, storage: StorageType, halvings: i32, directory: &Path) {
    let declarations: Vec<TensorDeclaration> = tensors
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, shape)| TensorDeclaration {
            name: name.clone(),
            storage,
            shape: shape
                .as_array()
                .unwrap()
                .iter()
                .map(|size| size.as_u64().unwrap())
                .collect(),
        })
        .collect();
    let mut writer = SafetensorsWriter::create(&directory.join("model.safetensors"), &declarations).unwrap();
    for TensorDeclaration { name, shape, .. } in &declarations {
        let elements = elements(name, shape, halvings);
        let mut bytes = vec![0; storage.bytes(elements.len() as u64).unwrap() as usize];
        encode_row(&elements, storage, &mut bytes);
        writer.write(&bytes).unwrap();
    }
    writer.finish().unwrap();
}
