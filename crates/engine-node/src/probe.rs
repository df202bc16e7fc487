//! What the processor of this machine offers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::thread;

use napi::Either;
use napi_derive::napi;
use serde::Serialize;
use shoal_abi::backend::BackendError;
use shoal_ggml::{Library, LoadOptions};
use shoal_program::StorageType;

use crate::error::{Code, Failure, border, contained};

/// The processor as ggml sees it.
#[napi(object)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CpuProperties {
    /// Name to open it by.
    pub id: String,
    /// The hardware's name.
    pub name: String,
    /// Instruction sets that are in use.
    pub features: Vec<String>,
    /// The variant of the CPU library that fits best.
    pub library: String,
    /// ggml's version.
    pub library_version: String,
    /// The folder that ggml's libraries were loaded from.
    pub library_directory: String,
    /// Memory of the machine in bytes.
    pub memory_total_bytes: f64,
    /// Hardware threads that this process may use.
    pub core_count: u32,
    /// Rows of a matrix must be cut in multiples of this, by storage type.
    pub row_tile: HashMap<String, u32>,
}

/// Why the processor cannot be used.
#[napi(object)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unavailable {
    /// `CODE: message`.
    pub unavailable: String,
}

/// Looks at the processor; never fails.
pub fn probe(library_directory: Option<String>) -> Result<CpuProperties, Unavailable> {
    contained(|| look(library_directory).map_err(Failure::from)).map_err(|failure| Unavailable {
        unavailable: format!("{}: {}", failure.code, failure.message),
    })
}

/// Looks at the processor for JavaScript.
#[napi]
pub fn probe_cpu(library_directory: Option<String>) -> napi::Result<Either<CpuProperties, Unavailable>, Code> {
    border(|| Ok(probe(library_directory).map_or_else(Either::B, Either::A)))
}

fn look(library_directory: Option<String>) -> Result<CpuProperties, BackendError> {
    let library = load(library_directory)?;
    let device = library.device("CPU")?;
    let properties = device.properties();
    let mut row_tile = HashMap::new();
    for storage in StorageType::ALL {
        let tile = u32::try_from(device.row_tile(storage)?).unwrap_or(u32::MAX);
        row_tile.insert(storage.name().to_owned(), tile);
    }
    Ok(CpuProperties {
        id: "cpu".to_owned(),
        name: properties.description,
        features: properties.features,
        library: properties.library,
        library_version: library.version(),
        library_directory: library.directory().display().to_string(),
        memory_total_bytes: properties.memory_total_bytes as f64,
        core_count: thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        row_tile,
    })
}

/// Loads ggml from a folder, or from where it is found by default.
pub fn load(library_directory: Option<String>) -> Result<&'static Library, BackendError> {
    Library::load(&LoadOptions {
        directory: library_directory.map(PathBuf::from),
        ..LoadOptions::default()
    })
}
