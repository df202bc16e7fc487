//! The header of a safetensors file: checked completely before any tensor is trusted.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
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
fn blocks_of(metadata: Metadata) -> BTreeMap<String, String> {
    let named = metadata
        .0
        .into_iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(BLOCKS_PREFIX)?.to_owned(), value)));
    named.collect()
}

#[derive(Deserialize)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Refuses a name that is there twice: readers differ in which of the two values they take.
fn insert_once<Value, E: Error>(map: &mut BTreeMap<String, Value>, name: String, value: Value) -> Result<(), E> {
    if map.contains_key(&name) {
        return Err(E::custom(format_args!("it has the name '{name}' twice")));
    }
    map.insert(name, value);
    Ok(())
}

#[derive(Default)]
struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Metadata;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut metadata = Metadata::default();
                while let Some((name, value)) = map.next_entry()? {
                    insert_once(&mut metadata.0, name, value)?;
                }
                Ok(metadata)
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[derive(Default)]
struct RawHeader {
    metadata: Option<Metadata>,
    tensors: BTreeMap<String, RawEntry>,
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = RawHeader;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
                let mut header = RawHeader::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name != METADATA {
                        let entry = map.next_value().map_err(|error| {
                            A::Error::custom(format_args!("tensor '{name}' cannot be read: {error}"))
                        })?;
                        insert_once(&mut header.tensors, name, entry)?;
                    } else if header.metadata.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field(METADATA));
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(Reader)
    }
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
    let raw: RawHeader =
        serde_json::from_slice(header).map_err(|error| invalid(format!("the header cannot be read: {error}")))?;

    let mut blocks = blocks_of(raw.metadata.unwrap_or_default());
    let data_bytes = file.len() as u64 - data_start;
    let mut entries = BTreeMap::new();
    let mut extents = Vec::with_capacity(raw.tensors.len());
    for (name, entry) in raw.tensors {
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
