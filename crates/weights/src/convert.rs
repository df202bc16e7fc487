//! Writes a checkpoint anew with its tensors in other storage types, so that later loads need not quantize.

use std::path::Path;
use std::thread;

use shoal_program::StorageType;

use crate::checkpoint::Checkpoint;
use crate::error::{ErrorCode, WeightError};
use crate::fill::fill_storage;
use crate::view::{View, resolve_tensor};
use crate::writer::{SafetensorsWriter, TensorDeclaration};

/// Bytes that one thread encodes at once.
const CHUNK_BYTES: u64 = 4 << 20;
/// Chunks of each thread between two writes.
const CHUNKS_PER_THREAD: usize = 4;

/// A tensor to be written, and how; none keeps the type that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Name of the tensor, here and there.
    pub tensor: String,
    /// The type to write it in.
    pub storage: Option<StorageType>,
}

struct Target {
    view: View,
    storage: StorageType,
    rows: u64,
    row_elements: u64,
    row_bytes: u64,
}

/// Some rows of one tensor.
struct Chunk<'target> {
    target: &'target Target,
    first_row: u64,
    row_count: u64,
}

/// Writes the named tensors into one safetensors file, encoding on up to `threads` threads.
///
/// `progress(written_bytes, total_bytes)` returns false to stop. What was written until a failure stays behind.
///
/// # Errors
/// `MODEL_TENSOR_MISSING`, `MODEL_STORAGE_UNSUPPORTED`, `PROGRAM_STORAGE_BLOCK`, `MODEL_WRITE_FAILED`, and `ABORTED` when
/// `progress` says so.
pub fn convert_checkpoint(
    checkpoint: &Checkpoint,
    conversions: &[Conversion],
    threads: usize,
    output: &Path,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), WeightError> {
    let mut targets = conversions
        .iter()
        .map(|conversion| Ok((conversion.tensor.as_str(), target_of(checkpoint, conversion)?)))
        .collect::<Result<Vec<_>, WeightError>>()?;
    // Numbers of more bytes come first, so that every tensor begins at a multiple of its element's size.
    targets.sort_by_key(|(_, target)| (target.storage.is_quantized(), target.storage.number()));
    let declarations: Vec<TensorDeclaration> = targets
        .iter()
        .map(|(name, target)| TensorDeclaration {
            name: (*name).to_owned(),
            storage: target.storage,
            shape: target.view.shape.clone(),
        })
        .collect();
    let total: u64 = targets.iter().map(|(_, target)| target.rows * target.row_bytes).sum();
    let failed =
        |error: std::io::Error| WeightError::new(ErrorCode::WriteFailed, format!("{}: {error}", output.display()));
    let mut writer = SafetensorsWriter::create(output, &declarations).map_err(failed)?;
    let chunks: Vec<Chunk<'_>> = targets.iter().flat_map(|(_, target)| target.chunks()).collect();
    let threads = threads.max(1);
    let mut written = 0;
    for wave in chunks.chunks(threads * CHUNKS_PER_THREAD) {
        if !progress(written, total) {
            return Err(WeightError::new(
                ErrorCode::Aborted,
                "writing the checkpoint was stopped",
            ));
        }
        for bytes in encode_wave(checkpoint, wave, threads)? {
            writer.write(&bytes).map_err(failed)?;
            written += bytes.len() as u64;
        }
    }
    writer.finish().map_err(failed)?;
    progress(total, total);
    Ok(())
}

/// The chunks' bytes in order, each thread encoding every so-manieth.
fn encode_wave(checkpoint: &Checkpoint, wave: &[Chunk<'_>], threads: usize) -> Result<Vec<Vec<u8>>, WeightError> {
    let encode = |first: usize| -> Result<Vec<Vec<u8>>, WeightError> {
        wave.iter()
            .skip(first)
            .step_by(threads)
            .map(|chunk| chunk.encode(checkpoint))
            .collect()
    };
    let mut parts = thread::scope(|scope| {
        let encode = &encode;
        let workers: Vec<_> = (0..threads.min(wave.len()))
            .map(|first| scope.spawn(move || encode(first)))
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<Vec<Vec<u8>>, WeightError>>| {
            let lost = |_| {
                Err(WeightError::new(
                    ErrorCode::ProgramInvalid,
                    "a thread that encodes panicked",
                ))
            };
            worker.join().unwrap_or_else(lost).map(Vec::into_iter)
        };
        workers.into_iter().map(join).collect::<Result<Vec<_>, WeightError>>()
    })?;
    let count = parts.len().max(1);
    Ok((0..wave.len())
        .filter_map(|index| parts.get_mut(index % count)?.next())
        .collect())
}

fn target_of(checkpoint: &Checkpoint, conversion: &Conversion) -> Result<Target, WeightError> {
    let (view, stored) = resolve_tensor(checkpoint, &conversion.tensor)?;
    let storage = conversion.storage.unwrap_or(stored);
    let elements: u64 = view.shape.iter().product();
    let rows = match view.shape.as_slice() {
        [rows, _, ..] => *rows,
        _ => 1,
    };
    let row_elements = elements.checked_div(rows).unwrap_or(0);
    // Rows of more than two axes hold several rows of blocks.
    let last = view.shape.last().copied().unwrap_or(1);
    let (Some(row_bytes), Some(_)) = (storage.bytes(row_elements), storage.bytes(last)) else {
        return Err(WeightError::new(
            ErrorCode::StorageBlock,
            format!(
                "tensor '{}': rows of {last} elements are no whole blocks of {} elements of {}",
                conversion.tensor,
                storage.block_elements(),
                storage.name()
            ),
        ));
    };
    Ok(Target {
        view,
        storage,
        rows,
        row_elements,
        row_bytes,
    })
}

impl Target {
    fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        let step = (CHUNK_BYTES / self.row_bytes.max(1)).max(1);
        (0..self.rows.div_ceil(step)).map(move |index| Chunk {
            target: self,
            first_row: index * step,
            row_count: step.min(self.rows - index * step),
        })
    }
}

impl Chunk<'_> {
    fn encode(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, WeightError> {
        let Target {
            view,
            storage,
            row_elements,
            row_bytes,
            ..
        } = self.target;
        let mut bytes = vec![0; (self.row_count * row_bytes) as usize];
        if !bytes.is_empty() {
            fill_storage(
                checkpoint,
                view,
                *row_elements,
                self.first_row,
                self.row_count,
                *storage,
                &mut bytes,
            )?;
        }
        Ok(bytes)
    }
}
