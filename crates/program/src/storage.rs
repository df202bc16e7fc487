//! How weights are kept in memory.

use serde::{Deserialize, Serialize};

/// A storage type; names follow the field (ggml, safetensors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
}

impl StorageType {
    /// Every storage type, in the order of the numbers.
    pub const ALL: [Self; 5] = [Self::F32, Self::F16, Self::Bf16, Self::Q8_0, Self::Q4_0];

    /// The number that crosses native tables.
    pub fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Bf16 => 2,
            Self::Q8_0 => 3,
            Self::Q4_0 => 4,
        }
    }

    /// The storage type with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The name, as in programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
        }
    }

    /// Elements that share one block; rows are whole blocks.
    pub fn block_elements(self) -> u64 {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q8_0 | Self::Q4_0 => 32,
        }
    }

    /// Bytes of one block.
    pub fn block_bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q8_0 => 34,
            Self::Q4_0 => 18,
        }
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
            assert_eq!(
                serde_json::to_string(&storage).unwrap(),
                format!("\"{}\"", storage.name())
            );
        }
        assert_eq!(StorageType::from_number(5), None);
    }

    #[test]
    fn bytes_are_whole_blocks() {
        assert_eq!(StorageType::Q4_0.bytes(64), Some(36));
        assert_eq!(StorageType::Q8_0.bytes(33), None);
        assert_eq!(StorageType::F32.bytes(u64::MAX), None);
    }
}
