//! Writes safetensors files.

use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::Path;

use shoal_program::StorageType;

use crate::safetensors::BLOCKS_PREFIX;

/// A tensor that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorDeclaration {
    /// Its name.
    pub name: String,
    /// How its elements are stored; blocks are written as U8, with a note in the file's metadata.
    pub storage: StorageType,
    /// Row-major shape.
    pub shape: Vec<u64>,
}

/// A file whose header is written and whose tensors follow in order.
#[derive(Debug)]
pub struct SafetensorsWriter {
    file: BufWriter<File>,
    remaining_bytes: u64,
}

impl SafetensorsWriter {
    /// Creates the file and writes the header for all tensors.
    ///
    /// # Errors
    /// Failures of the file system; rows that are no whole blocks, or sizes that overflow.
    pub fn create(path: &Path, tensors: &[TensorDeclaration]) -> Result<Self> {
        let mut header = serde_json::Map::new();
        let mut metadata = serde_json::Map::new();
        metadata.insert("format".to_owned(), "pt".into());
        let mut offset = 0_u64;
        for tensor in tensors {
            let mut shape = tensor.shape.clone();
            let element_type = match tensor.storage {
                StorageType::F32 => "F32",
                StorageType::F16 => "F16",
                StorageType::Bf16 => "BF16",
                blocks => {
                    let key = format!("{BLOCKS_PREFIX}{}", tensor.name);
                    metadata.insert(key, blocks.name().into());
                    let row_bytes = shape.last().and_then(|elements| blocks.bytes(*elements));
                    let (Some(last), Some(row_bytes)) = (shape.last_mut(), row_bytes) else {
                        let message = format!("rows of '{}' are no whole blocks of {}", tensor.name, blocks.name());
                        return Err(Error::new(ErrorKind::InvalidInput, message));
                    };
                    *last = row_bytes;
                    "U8"
                }
            };
            let elements = tensor
                .shape
                .iter()
                .try_fold(1_u64, |product, size| product.checked_mul(*size));
            let bytes = elements.and_then(|elements| tensor.storage.bytes(elements));
            let end = bytes.and_then(|bytes| offset.checked_add(bytes));
            let end = end.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "sizes overflow"))?;
            let entry = serde_json::json!({"dtype": element_type, "shape": shape, "data_offsets": [offset, end]});
            header.insert(tensor.name.clone(), entry);
            offset = end;
        }
        header.insert("__metadata__".to_owned(), metadata.into());
        let mut text = serde_json::to_vec(&header)?;
        // Tensors begin at a multiple of 8 bytes.
        text.resize(text.len().next_multiple_of(8), b' ');
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        file.write_all(&(text.len() as u64).to_le_bytes())?;
        file.write_all(&text)?;
        Ok(Self {
            file,
            remaining_bytes: offset,
        })
    }

    /// Appends bytes of the tensors, in the order of the declarations.
    ///
    /// # Errors
    /// More bytes than were declared, or failures of the file system.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let remaining = self.remaining_bytes.checked_sub(bytes.len() as u64);
        self.remaining_bytes =
            remaining.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "more than was declared"))?;
        self.file.write_all(bytes)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Fewer bytes than were declared, or failures of the file system.
    pub fn finish(mut self) -> Result<()> {
        match self.remaining_bytes {
            0 => {
                self.file.flush()?;
                // A full disk may show only now.
                self.file.get_ref().sync_all()
            }
            missing => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{missing} bytes are missing"),
            )),
        }
    }
}
