//! Storage types, as ggml numbers them.

use shoal_ggml_sys::{
    GGML_TYPE_BF16, GGML_TYPE_F16, GGML_TYPE_F32, GGML_TYPE_MXFP4, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q4_K,
    GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K, GGML_TYPE_Q8_0, ggml_type,
};
use shoal_program::{StateStorage, StorageType};

/// The element type of weights in this storage.
pub(crate) fn weight_type(storage: StorageType) -> ggml_type {
    match storage {
        StorageType::F32 => GGML_TYPE_F32,
        StorageType::F16 => GGML_TYPE_F16,
        StorageType::Bf16 => GGML_TYPE_BF16,
        StorageType::Q8_0 => GGML_TYPE_Q8_0,
        StorageType::Q4_0 => GGML_TYPE_Q4_0,
        StorageType::Q4_1 => GGML_TYPE_Q4_1,
        StorageType::Q5_0 => GGML_TYPE_Q5_0,
        StorageType::Q5_1 => GGML_TYPE_Q5_1,
        StorageType::Q4K => GGML_TYPE_Q4_K,
        StorageType::Q5K => GGML_TYPE_Q5_K,
        StorageType::Q6K => GGML_TYPE_Q6_K,
        StorageType::Mxfp4 => GGML_TYPE_MXFP4,
    }
}

/// The element type of key and value rows in this storage.
pub(crate) fn state_type(storage: StateStorage) -> ggml_type {
    match storage {
        StateStorage::F16 => GGML_TYPE_F16,
        StateStorage::F32 => GGML_TYPE_F32,
    }
}

/// Elements of this type that share one block; rows are whole blocks.
pub(crate) fn block_elements(element_type: ggml_type) -> usize {
    let quantized = StorageType::ALL
        .into_iter()
        .find(|storage| weight_type(*storage) == element_type);
    quantized.map_or(1, |storage| storage.block_elements() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    #[test]
    fn blocks_are_those_of_ggml() {
        let library = Library::load(&Default::default()).unwrap();
        for storage in StorageType::ALL {
            let element_type = weight_type(storage);
            // SAFETY: the type is one that ggml knows.
            let (elements, bytes) = unsafe {
                let functions = library.functions();
                (
                    (functions.ggml_blck_size)(element_type),
                    (functions.ggml_type_size)(element_type),
                )
            };
            assert_eq!(
                (elements as u64, bytes as u64),
                (storage.block_elements(), storage.block_bytes())
            );
            assert_eq!(elements as usize, block_elements(element_type), "{storage:?}");
        }
    }
}
