//! A folder of safetensors files, mapped into memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::Deserialize;

use crate::error::{ErrorCode, WeightError};
use crate::safetensors::{ElementType, TensorEntry, read_header};

const SINGLE_NAME: &str = "model.safetensors";
const INDEX_NAME: &str = "model.safetensors.index.json";
const LARGEST_INDEX_BYTES: u64 = 64 << 20;
const MOST_FILES: usize = 4096;

/// A checkpoint whose headers were all checked. Tensors stay on disk until their bytes are touched.
///
/// The files must not change while the checkpoint is open: a file that is truncated under a mapping ends the process
/// on most systems.
#[derive(Debug)]
pub struct Checkpoint {
    directory: PathBuf,
    files: Vec<Mmap>,
    tensors: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    file: usize,
    entry: TensorEntry,
}

/// One tensor as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'checkpoint> {
    /// Element type.
    pub element_type: &'checkpoint ElementType,
    /// Row-major shape.
    pub shape: &'checkpoint [u64],
    /// The bytes from the tensor's first one to the end of its file.
    bytes: &'checkpoint [u8],
}

impl<'checkpoint> Tensor<'checkpoint> {
    /// The tensor's bytes.
    pub fn bytes(&self) -> &'checkpoint [u8] {
        self.bytes
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens `model.safetensors`, or else the files that `model.safetensors.index.json` lists: in this order, as
    /// transformers does.
    ///
    /// # Errors
    /// `MODEL_NOT_FOUND` when there is neither, `MODEL_CHECKPOINT_INVALID` naming the file and what is wrong.
    pub fn open(directory: &Path) -> Result<Self, WeightError> {
        if directory.join(SINGLE_NAME).is_file() {
            return Self::open_files(directory, &[SINGLE_NAME.to_owned()]);
        }
        let index_path = directory.join(INDEX_NAME);
        if index_path.is_file() {
            return Self::open_index(directory, &index_path);
        }
        Err(WeightError::new(
            ErrorCode::NotFound,
            format!("{} has neither {SINGLE_NAME} nor {INDEX_NAME}", directory.display()),
        ))
    }

    fn open_index(directory: &Path, index_path: &Path) -> Result<Self, WeightError> {
        let invalid =
            |message: String| WeightError::new(ErrorCode::CheckpointInvalid, message).within(index_path.display());
        let bytes = std::fs::metadata(index_path)
            .map_err(|error| invalid(error.to_string()))?
            .len();
        if bytes > LARGEST_INDEX_BYTES {
            return Err(invalid(format!(
                "the index has {bytes} bytes, the limit is {LARGEST_INDEX_BYTES}"
            )));
        }
        let text = std::fs::read(index_path).map_err(|error| invalid(error.to_string()))?;
        let index: Index = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
        let mut names: Vec<String> = index.weight_map.values().cloned().collect();
        names.sort_unstable();
        names.dedup();
        if let Some(name) = names.iter().find(|name| !is_plain_file_name(name)) {
            return Err(invalid(format!(
                "'{name}' is not the name of a file in the same folder"
            )));
        }
        let checkpoint = Self::open_files(directory, &names)?;
        for (tensor, file) in &index.weight_map {
            let found = checkpoint.tensors.get(tensor).and_then(|place| names.get(place.file));
            if found != Some(file) {
                return Err(invalid(format!(
                    "tensor '{tensor}' is not in {file}, where the index says it is"
                )));
            }
        }
        Ok(checkpoint)
    }

    fn open_files(directory: &Path, names: &[String]) -> Result<Self, WeightError> {
        if names.len() > MOST_FILES {
            let message = format!(
                "{} has {} weight files, the limit is {MOST_FILES}",
                directory.display(),
                names.len()
            );
            return Err(WeightError::new(ErrorCode::CheckpointInvalid, message));
        }
        let mut checkpoint = Self {
            directory: directory.to_owned(),
            files: Vec::with_capacity(names.len()),
            tensors: BTreeMap::new(),
        };
        for name in names {
            let path = directory.join(name);
            checkpoint
                .add_file(&path)
                .map_err(|error| error.within(path.display()))?;
        }
        Ok(checkpoint)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), WeightError> {
        let invalid = |message: String| WeightError::new(ErrorCode::CheckpointInvalid, message);
        // Asked before it is opened: to open a pipe without a writer takes for ever.
        if !std::fs::metadata(path)
            .map_err(|error| invalid(error.to_string()))?
            .is_file()
        {
            return Err(invalid("not a regular file".to_owned()));
        }
        let file = File::open(path).map_err(|error| invalid(error.to_string()))?;
        // SAFETY: the mapping is read-only. That nobody truncates the file meanwhile is the documented condition.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| invalid(error.to_string()))?;
        let index = self.files.len();
        for (name, entry) in read_header(&map)? {
            if self.tensors.contains_key(&name) {
                return Err(invalid(format!("tensor '{name}' is in another file too")));
            }
            self.tensors.insert(name, Place { file: index, entry });
        }
        self.files.push(map);
        Ok(())
    }

    /// The folder it was opened from.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The names of all tensors, sorted.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor by name.
    ///
    /// # Errors
    /// `MODEL_TENSOR_MISSING`.
    pub fn tensor(&self, name: &str) -> Result<Tensor<'_>, WeightError> {
        let missing = || {
            let message = format!("{} has no tensor '{name}'", self.directory.display());
            WeightError::new(ErrorCode::TensorMissing, message)
        };
        let place = self.tensors.get(name).ok_or_else(missing)?;
        let file = self.files.get(place.file).ok_or_else(missing)?;
        let elements: u64 = place.entry.shape.iter().product();
        let length = match &place.entry.element_type {
            ElementType::Float(storage) => storage.bytes(elements).unwrap_or(0),
            // Never read; the header was checked, so nothing depends on the length.
            ElementType::Other(_) => 0,
        };
        let start = place.entry.offset as usize;
        Ok(Tensor {
            element_type: &place.entry.element_type,
            shape: &place.entry.shape,
            bytes: file.get(start..start + length as usize).ok_or_else(missing)?,
        })
    }
}

/// Whether a name from an index stays within its folder on every platform.
fn is_plain_file_name(name: &str) -> bool {
    name.ends_with(".safetensors") && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}
