//! The header of a safetensors file: checked completely before any tensor is trusted.

use std::collections::BTreeMap;

use serde::Deserialize;
use shoal_program::StorageType;

use crate::error::{ErrorCode, WeightError};

/// Longest header that is read; the format's own limit.
pub const LARGEST_HEADER_BYTES: u64 = 100_000_000;
const LENGTH_BYTES: u64 = 8;
/// `__metadata__` names the storage type of tensors that hold quantized blocks under this prefix and their name. Such a
/// tensor is declared as U8, a row's blocks one after the other on its last axis.
pub(crate) const BLOCKS_PREFIX: &str = "shoal.blocks:";

/// Element type of a stored tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementType {
    /// A type that can be read as floating point, blocks included.
    Float(StorageType),
    /// Any other type of the format, with its name; such a tensor can be listed, not read.
    Other(String),
}

impl ElementType {
    fn from_dtype(name: &str) -> Self {
        match name {
            "F32" => Self::Float(StorageType::F32),
            "F16" => Self::Float(StorageType::F16),
            "BF16" => Self::Float(StorageType::Bf16),
            _ => Self::Other(name.to_owned()),
        }
    }

    /// Bits of one element, or nothing for a type that this build does not know.
    fn bits(&self) -> Option<u64> {
        match self {
            Self::Float(storage) => Some(storage.block_bytes() * 8),
            Self::Other(name) => match name.as_str() {
                "F64" | "I64" | "U64" | "C64" => Some(64),
                "I32" | "U32" => Some(32),
                "I16" | "U16" => Some(16),
                "BOOL" | "I8" | "U8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => Some(8),
                "F6_E2M3" | "F6_E3M2" => Some(6),
                "F4" => Some(4),
                _ => None,
            },
        }
    }
}

/// Where a tensor lies in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorEntry {
    pub(crate) element_type: ElementType,
    pub(crate) shape: Vec<u64>,
    /// First byte, counted from the beginning of the file.
    pub(crate) offset: u64,
}

impl TensorEntry {
    /// Takes the bytes for blocks of a storage type: the shape becomes that of the numbers in them.
    fn hold_blocks(&mut self, storage_name: &str) -> Result<(), WeightError> {
        let Some(storage) = StorageType::from_name(storage_name).filter(|storage| storage.is_quantized()) else {
            // Perhaps of a later version: an error when somebody wants its numbers.
            self.element_type = ElementType::Other(storage_name.to_owned());
            return Ok(());
        };
        let is_bytes = self.element_type == ElementType::Other("U8".to_owned());
        let elements = self
            .shape
            .last()
            .copied()
            .filter(|bytes| is_bytes && bytes.is_multiple_of(storage.block_bytes()));
        let elements = elements.and_then(|bytes| (bytes / storage.block_bytes()).checked_mul(storage.block_elements()));
        let (Some(elements), Some(last)) = (elements, self.shape.last_mut()) else {
            return Err(WeightError::new(
                ErrorCode::CheckpointInvalid,
                format!(
                    "its rows are no whole blocks of {storage_name}: it needs type U8 and a multiple of {} bytes a row",
                    storage.block_bytes()
                ),
            ));
        };
        *last = elements;
        self.element_type = ElementType::Float(storage);
        Ok(())
    }
}

const METADATA: &str = "__metadata__";

/// Which tensors hold blocks, by name; other metadata is not ours.
fn blocks_of(metadata: Option<&serde_json::Value>) -> Result<BTreeMap<String, String>, WeightError> {
    let Some(serde_json::Value::Object(metadata)) = metadata else {
        return Ok(BTreeMap::new());
    };
    let named = metadata
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(BLOCKS_PREFIX)?, value)));
    named
        .map(|(name, value)| match value.as_str() {
            Some(storage) => Ok((name.to_owned(), storage.to_owned())),
            None => Err(WeightError::new(
                ErrorCode::CheckpointInvalid,
                format!("the metadata of tensor '{name}' is not the name of a storage type"),
            )),
        })
        .collect()
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Reads the header at the beginning of `file`, the whole file's bytes.
///
/// # Errors
/// `MODEL_CHECKPOINT_INVALID`: the header is missing, too long, unreadable, or its tensors overlap, leave gaps, reach
/// beyond the file, or have other sizes than type and shape say.
pub(crate) fn read_header(file: &[u8]) -> Result<BTreeMap<String, TensorEntry>, WeightError> {
    let invalid = |message: String| WeightError::new(ErrorCode::CheckpointInvalid, message);
    let Some(length) = file.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else {
        return Err(invalid(format!("the file has {} bytes and no header", file.len())));
    };
    if length > LARGEST_HEADER_BYTES {
        return Err(invalid(format!(
            "the header has {length} bytes, the limit is {LARGEST_HEADER_BYTES}"
        )));
    }
    let data_start = LENGTH_BYTES + length;
    let Some(header) = file.get(LENGTH_BYTES as usize..data_start as usize) else {
        return Err(invalid(format!(
            "the header ends at byte {data_start}, the file at {}",
            file.len()
        )));
    };
    let raw: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| invalid(format!("the header cannot be read: {error}")))?;

    let mut blocks = blocks_of(raw.get(METADATA))?;
    let data_bytes = file.len() as u64 - data_start;
    let mut entries = BTreeMap::new();
    let mut extents = Vec::with_capacity(raw.len());
    for (name, value) in raw {
        if name == METADATA {
            continue;
        }
        let entry: RawEntry = serde_json::from_value(value)
            .map_err(|error| invalid(format!("tensor '{name}' cannot be read: {error}")))?;
        let [begin, end] = entry.data_offsets;
        let element_type = ElementType::from_dtype(&entry.dtype);
        let elements = entry
            .shape
            .iter()
            .try_fold(1_u64, |product, size| product.checked_mul(*size));
        let bytes = element_type
            .bits()
            .zip(elements)
            .and_then(|(bits, elements)| bits.checked_mul(elements));
        let Some(bits) = bytes else {
            return Err(invalid(format!(
                "tensor '{name}' has type {} and shape {:?}",
                entry.dtype, entry.shape
            )));
        };
        if begin > end || end > data_bytes || bits.div_ceil(8) != end - begin {
            return Err(invalid(format!(
                "tensor '{name}' of type {} and shape {:?} lies at bytes {begin} to {end} of {data_bytes}",
                entry.dtype, entry.shape
            )));
        }
        extents.push((begin, end));
        let mut tensor = TensorEntry {
            element_type,
            shape: entry.shape,
            offset: data_start + begin,
        };
        if let Some(storage) = blocks.remove(&name) {
            tensor
                .hold_blocks(&storage)
                .map_err(|error| error.within(format_args!("tensor '{name}'")))?;
        }
        entries.insert(name, tensor);
    }
    if let Some((name, storage)) = blocks.first_key_value() {
        return Err(invalid(format!(
            "the metadata says that tensor '{name}' holds {storage}, but there is none"
        )));
    }
    extents.sort_unstable();
    let mut covered = 0;
    for (begin, end) in extents {
        if begin != covered {
            return Err(invalid(format!(
                "the tensors overlap or leave a gap at byte {begin} (expected {covered})"
            )));
        }
        covered = end;
    }
    if covered != data_bytes {
        return Err(invalid(format!("the tensors cover {covered} bytes of {data_bytes}")));
    }
    Ok(entries)
}
