//! Small checkpoints in temporary folders.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use shoal_program::StorageType;
use shoal_weights::{SafetensorsWriter, TensorDeclaration, encode_row};

/// A folder that is removed when the test ends.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "shoal-weights-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The elements of test tensors: small integers, exact in every floating point type.
pub fn element(tensor: usize, index: u64) -> f32 {
    ((index * 7 + tensor as u64 * 31) % 251) as f32 - 125.0
}

pub fn write_checkpoint(folder: &Folder, file: &str, tensors: &[(&str, StorageType, &[u64])]) {
    let declarations: Vec<TensorDeclaration> = tensors
        .iter()
        .map(|(name, storage, shape)| TensorDeclaration {
            name: (*name).to_owned(),
            storage: *storage,
            shape: shape.to_vec(),
        })
        .collect();
    let mut writer = SafetensorsWriter::create(&folder.path().join(file), &declarations).unwrap();
    for (tensor, declaration) in declarations.iter().enumerate() {
        let elements: u64 = declaration.shape.iter().product();
        let values: Vec<f32> = (0..elements).map(|index| element(tensor, index)).collect();
        let mut bytes = vec![0; declaration.storage.bytes(elements).unwrap() as usize];
        encode_row(&values, declaration.storage, &mut bytes);
        writer.write(&bytes).unwrap();
    }
    writer.finish().unwrap();
}
