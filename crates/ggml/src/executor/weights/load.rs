//! Reading weights into their places, in pieces: threads share out the pieces of a large matrix, progress is smooth, a
//! stop is heard soon, and nothing but a piece is ever held twice.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use shoal_abi::backend::{BackendError, WeightSource};
use shoal_program::MemberWeight;

use super::lookup::Table;
use super::{Placed, upload};
use crate::device::{Device, DeviceKind};
use crate::tensor::{Arena, Tensor};

/// Bytes of a piece, about: quantizing a megabyte takes a few milliseconds, a quarter of a second for the slowest types.
const PIECE_BYTES: usize = 1 << 20;
/// Rows of a piece are a multiple of this: no memory rearranges tiles of more rows.
pub(super) const TILE_ROWS: usize = 64;
/// How often progress is looked at.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(5);

/// One weight to load.
pub(super) struct Job<'program> {
    pub(super) name: &'program str,
    pub(super) weight: &'program MemberWeight,
    pub(super) placed: Placed,
    /// Set where rows are looked up in rearranged memory.
    pub(super) table: Option<&'program Table>,
}

/// Rows of a weight that are loaded at once.
struct Piece<'job> {
    job: &'job Job<'job>,
    first_row: usize,
    row_count: usize,
    row_bytes: usize,
}

/// Loads all weights on up to `threads` threads, while this one reports progress.
pub(super) fn load(
    device: Device,
    threads: usize,
    jobs: &[Job<'_>],
    source: &WeightSource,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), BackendError> {
    let stopped = || BackendError::new("ABORTED", "loading weights was stopped");
    let mut pieces = Vec::new();
    for job in jobs {
        pieces.extend(job.pieces(device)?);
    }
    let total: u64 = pieces.iter().map(|piece| piece.bytes() as u64).sum();
    // Only a processor's memory is written by several threads at once.
    let threads = if device.kind() == DeviceKind::Cpu {
        threads.clamp(1, pieces.len().max(1))
    } else {
        1
    };
    let (next, done, stop) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let failure: Mutex<Option<BackendError>> = Mutex::new(None);
    let fail = |error: BackendError| {
        failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        stop.store(true, Ordering::Relaxed);
    };
    let work = || {
        let mut scratch = Vec::new();
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            match piece.load(device, source, &mut scratch) {
                Ok(()) => done.fetch_add(piece.bytes() as u64, Ordering::Relaxed),
                Err(error) => {
                    fail(error);
                    0
                }
            };
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            if !stop.load(Ordering::Relaxed) && !progress(done.load(Ordering::Relaxed), total) {
                fail(stopped());
            }
            thread::park_timeout(PROGRESS_INTERVAL);
        }
    });
    if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    if progress(total, total) { Ok(()) } else { Err(stopped()) }
}

impl Job<'_> {
    /// The weight in pieces; in one where its memory takes only whole tensors.
    fn pieces(&self, device: Device) -> Result<Vec<Piece<'_>>, BackendError> {
        let Some(row_bytes) = self.weight.storage.bytes(self.weight.row_elements()) else {
            return Err(BackendError::new(
                "PROGRAM_INVALID",
                format!("weight '{}' has no whole number of blocks", self.name),
            ));
        };
        let (row_bytes, rows) = (row_bytes as usize, self.weight.row_count() as usize);
        let is_divisible = device.kind() == DeviceKind::Cpu && (self.placed.repacked.is_none() || self.placed.is_tiled);
        let step = if is_divisible {
            (PIECE_BYTES / row_bytes.max(1))
                .next_multiple_of(TILE_ROWS)
                .max(TILE_ROWS)
        } else {
            rows.max(1)
        };
        let piece = |first_row| Piece {
            job: self,
            first_row,
            row_count: step.min(rows - first_row),
            row_bytes,
        };
        Ok((0..rows).step_by(step).map(piece).collect())
    }
}

impl Piece<'_> {
    fn bytes(&self) -> usize {
        self.row_count * self.row_bytes
    }

    /// Reads the rows and puts them where they belong; `scratch` is kept between calls.
    fn load(&self, device: Device, source: &WeightSource, scratch: &mut Vec<u8>) -> Result<(), BackendError> {
        let Job {
            name,
            weight,
            placed,
            table,
        } = self.job;
        let offset = self.first_row * self.row_bytes;
        let in_place = placed.plain.filter(|tensor| {
            device.kind() == DeviceKind::Cpu && tensor.bytes() == weight.row_count() as usize * self.row_bytes
        });
        let bytes = match in_place {
            // Rows are read straight into their place where the processor can reach it.
            Some(tensor) => {
                // SAFETY: the tensor has as many rows in host memory, and no other piece has these. Uninitialised bytes
                // are never read: the source fills every row before anything else looks at them.
                unsafe { std::slice::from_raw_parts_mut(tensor.data().cast::<u8>().add(offset), self.bytes()) }
            }
            None => {
                scratch.resize(self.bytes(), 0);
                scratch.as_mut_slice()
            }
        };
        let (first, count) = (self.first_row as u64, self.row_count as u64);
        source.read(name, first, count, weight.storage.number(), bytes)?;
        if let (Some(tensor), None) = (placed.plain, in_place) {
            upload(device, tensor, bytes);
        }
        match placed.repacked {
            Some(tensor) if self.row_count == weight.row_count() as usize => upload(device, tensor, bytes),
            Some(tensor) => self.upload_part(device, tensor, bytes)?,
            None => {}
        }
        match *table {
            Some(table) => self.check_rows(table, bytes),
            None => Ok(()),
        }
    }

    /// Looks up a row of every tile: that memory keeps rows as it kept samples is not left to trust.
    fn check_rows(&self, table: &Table, stored: &[u8]) -> Result<(), BackendError> {
        let mut row = vec![0; self.row_bytes];
        for (index, expected) in stored.chunks_exact(self.row_bytes).enumerate() {
            let number = self.first_row + index;
            // Another one in each tile, so that all places in a tile have their turn.
            if number % TILE_ROWS != number / TILE_ROWS % TILE_ROWS {
                continue;
            }
            table.copy_row(number, &mut row);
            if row != expected {
                return Err(BackendError::failed(format!(
                    "row {number} of weight '{}' does not come back from the device as it was stored",
                    self.job.name
                )));
            }
        }
        Ok(())
    }

    /// Uploads the rows to their part of a tensor whose memory keeps tiles: a tensor of its own lies over that part.
    fn upload_part(&self, device: Device, whole: Tensor, bytes: &[u8]) -> Result<(), BackendError> {
        let arena = Arena::new(device.library, 1, 0)?;
        let part = arena.tensor(whole.element_type(), &[whole.shape()[0], self.row_count])?;
        part.place_over(whole, self.first_row * self.row_bytes, device.library)?;
        upload(device, part, bytes);
        Ok(())
    }
}
