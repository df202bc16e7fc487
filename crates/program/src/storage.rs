//! How weights are kept in memory.

use serde::{Deserialize, Serialize};

/// A storage type; names follow the field (ggml, safetensors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum StorageType {
    /// IEEE 32-bit floating point.
    F32,
    /// IEEE 16-bit floating point.
    F16,
    /// The upper half of an IEEE 32-bit number.
    Bf16,
    /// Blocks of 32 signed bytes under one F16 scale.
    Q8_0,
    /// Blocks of 32 four-bit numbers under one F16 scale.
    Q4_0,
    /// Blocks of 32 four-bit numbers under an F16 scale, above an F16 minimum.
    Q4_1,
    /// Blocks of 32 five-bit numbers under one F16 scale.
    Q5_0,
    /// Blocks of 32 five-bit numbers under an F16 scale, above an F16 minimum.
    Q5_1,
    /// Blocks of 256 four-bit numbers: eight groups, each with a six-bit scale and minimum.
    #[serde(rename = "q4_k")]
    Q4K,
    /// Blocks of 256 five-bit numbers: eight groups, each with a six-bit scale and minimum.
    #[serde(rename = "q5_k")]
    Q5K,
    /// Blocks of 256 six-bit numbers: sixteen groups, each with an eight-bit scale.
    #[serde(rename = "q6_k")]
    Q6K,
    /// Blocks of 32 four-bit floating point numbers (E2M1) under one power of two (E8M0).
    Mxfp4,
}

/// What is known of a storage type: one row a type, in the order of the numbers.
struct Row {
    storage: StorageType,
    name: &'static str,
    block_elements: u64,
    block_bytes: u64,
}

const fn row(storage: StorageType, name: &'static str, block_elements: u64, block_bytes: u64) -> Row {
    Row {
        storage,
        name,
        block_elements,
        block_bytes,
    }
}

const ROWS: [Row; 12] = [
    row(StorageType::F32, "f32", 1, 4),
    row(StorageType::F16, "f16", 1, 2),
    row(StorageType::Bf16, "bf16", 1, 2),
    row(StorageType::Q8_0, "q8_0", 32, 34),
    row(StorageType::Q4_0, "q4_0", 32, 18),
    row(StorageType::Q4_1, "q4_1", 32, 20),
    row(StorageType::Q5_0, "q5_0", 32, 22),
    row(StorageType::Q5_1, "q5_1", 32, 24),
    row(StorageType::Q4K, "q4_k", 256, 144),
    row(StorageType::Q5K, "q5_k", 256, 176),
    row(StorageType::Q6K, "q6_k", 256, 210),
    row(StorageType::Mxfp4, "mxfp4", 32, 17),
];

impl StorageType {
    /// Every storage type, in the order of the numbers.
    pub const ALL: [Self; ROWS.len()] = {
        let mut all = [Self::F32; ROWS.len()];
        let mut index = 0;
        while index < ROWS.len() {
            all[index] = ROWS[index].storage;
            index += 1;
        }
        all
    };

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The number that crosses native tables.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The storage type with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name, as in programs.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The storage type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.storage)
    }

    /// Elements that share one block; rows are whole blocks.
    pub const fn block_elements(self) -> u64 {
        self.row().block_elements
    }

    /// Bytes of one block.
    pub const fn block_bytes(self) -> u64 {
        self.row().block_bytes
    }

    /// Bytes of `elements` neighbouring elements, or nothing when they are no whole number of blocks.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        if !elements.is_multiple_of(self.block_elements()) {
            return None;
        }
        (elements / self.block_elements()).checked_mul(self.block_bytes())
    }

    /// Whether elements are kept in blocks under a scale.
    pub fn is_quantized(self) -> bool {
        self.block_elements() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_names_and_json_agree() {
        for storage in StorageType::ALL {
            assert_eq!(StorageType::from_number(storage.number()), Some(storage));
            assert_eq!(StorageType::from_name(storage.name()), Some(storage));
            assert_eq!(
                serde_json::to_string(&storage).unwrap(),
                format!("\"{}\"", storage.name())
            );
        }
        assert_eq!(StorageType::from_number(12), None);
        assert_eq!(StorageType::from_name("Q4_0"), None);
    }

    #[test]
    fn bytes_are_whole_blocks() {
        assert_eq!(StorageType::Q4_0.bytes(64), Some(36));
        assert_eq!(StorageType::Q8_0.bytes(33), None);
        assert_eq!(StorageType::Q6K.bytes(512), Some(420));
        assert_eq!(StorageType::Q6K.bytes(128), None);
        assert_eq!(StorageType::F32.bytes(u64::MAX), None);
    }
}
