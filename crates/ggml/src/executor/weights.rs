//! Weights on the device: each in the memory that suits its use, uploaded once.

mod load;
mod lookup;
mod row_layout;

use std::collections::BTreeMap;

use shoal_abi::backend::{BackendError, WeightSource};
use shoal_ggml_sys::GGML_TYPE_F32;
use shoal_program::{MemberProgram, MemberWeight, Operation};

use self::lookup::Lookups;
use self::row_layout::RowLayout;
use crate::device::Device;
use crate::memory::{Buffer, BufferType};
use crate::storage::weight_type;
use crate::tensor::{Arena, Tensor};

/// A weight's tensors. A tied embedding has two where rows cannot be read back from memory that rearranges them.
#[derive(Debug, Clone, Copy, Default)]
struct Placed {
    /// In ordinary memory, rows as they were read.
    plain: Option<Tensor>,
    /// In memory that rearranges rows for faster products.
    repacked: Option<Tensor>,
    /// Whether rearranged rows stay in tiles of neighbouring rows, so that parts can be uploaded.
    is_tiled: bool,
}

/// All weights and constants of a program.
#[derive(Debug)]
pub(crate) struct Weights {
    placed: BTreeMap<String, Placed>,
    /// Reciprocals of rotary frequencies, by their bits.
    periods: BTreeMap<Vec<u32>, Tensor>,
    zero: Tensor,
    lookups: Lookups,
    buffers: Vec<Buffer>,
    // Holds the descriptions that the tensors point to.
    _arena: Arena,
}

impl Weights {
    /// Allocates and uploads everything, on up to `threads` threads; for steps of up to `step_rows` rows.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`, `PROGRAM_STORAGE_BLOCK`, errors of the source, `ABORTED` when `progress` says so.
    pub(crate) fn load(
        device: Device,
        threads: usize,
        program: &MemberProgram,
        step_rows: usize,
        source: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Self, BackendError> {
        let plain_memory = device.default_buffer_type()?;
        let arena = Arena::new(
            device.library,
            2 * program.weights.len() + periods_of(program).len() + 1,
            0,
        )?;
        let mut placement: Vec<(BufferType, Tensor)> = Vec::new();
        let uses = Uses::of(program);

        let mut placed = BTreeMap::new();
        let mut rearranged_tables = Vec::new();
        for (name, weight) in &program.weights {
            let shape = tensor_shape(name, weight)?;
            let mut entry = Placed::default();
            if uses.is_multiplied(name) && shape.len() == 2 {
                let memory = device.repacking_buffer_type(weight.storage, shape[0], shape[1])?;
                if let Some(memory) = memory {
                    let tensor = arena.tensor(weight_type(weight.storage), &shape)?;
                    placement.push((memory, tensor));
                    entry.is_tiled = memory.keeps_tiles_of(tensor);
                    entry.repacked = Some(tensor);
                    if uses.is_looked_up(name)
                        && let Some(layout) = RowLayout::observe(device, memory, tensor, weight.storage)?
                    {
                        rearranged_tables.push((name.clone(), tensor, memory.content_bytes(tensor), layout));
                        placed.insert(name.clone(), entry);
                        continue;
                    }
                }
            }
            if entry.repacked.is_none() || uses.is_looked_up(name) {
                let tensor = arena.tensor(weight_type(weight.storage), &shape)?;
                placement.push((plain_memory, tensor));
                entry.plain = Some(tensor);
            }
            placed.insert(name.clone(), entry);
        }

        let mut constants: Vec<(Tensor, Vec<f32>)> = Vec::new();
        let mut periods = BTreeMap::new();
        for values in periods_of(program) {
            let tensor = arena.tensor(GGML_TYPE_F32, &[values.len()])?;
            placement.push((plain_memory, tensor));
            constants.push((tensor, values.iter().map(|bits| f32::from_bits(*bits)).collect()));
            periods.insert(values, tensor);
        }
        let zero = arena.tensor(GGML_TYPE_F32, &[1])?;
        placement.push((plain_memory, zero));
        constants.push((zero, vec![0.0]));

        let buffers = allocate(&placement)?;
        let weights = Self {
            placed,
            periods,
            zero,
            lookups: Lookups::new(plain_memory, rearranged_tables, step_rows)?,
            buffers,
            _arena: arena,
        };
        for (tensor, numbers) in &constants {
            upload(device, *tensor, bytes_of(numbers));
        }
        let jobs: Vec<load::Job<'_>> = program
            .weights
            .iter()
            .map(|(name, weight)| load::Job {
                name,
                weight,
                placed: weights.placed.get(name).copied().unwrap_or_default(),
                table: weights.lookups.table(name),
            })
            .collect();
        load::load(device, threads, &jobs, source, progress)?;
        Ok(weights)
    }

    /// The weight as a matrix that multiplies rows.
    pub(crate) fn matrix(&self, name: &str) -> Option<Tensor> {
        self.placed
            .get(name)
            .and_then(|placed| placed.repacked.or(placed.plain))
    }

    /// The weight as it was read: a table of rows, or a vector.
    pub(crate) fn plain(&self, name: &str) -> Option<Tensor> {
        self.placed.get(name).and_then(|placed| placed.plain)
    }

    /// Makes the rows of a step's tokens ready where tables are held rearranged only; before the step's graphs run.
    ///
    /// # Errors
    /// Failures of the device.
    pub(crate) fn gather(&mut self, tokens: &[u32]) -> Result<(), BackendError> {
        self.lookups.gather(tokens)
    }

    /// The rows of a step's tokens where the table is held rearranged only: a table of them, and their numbers in it.
    ///
    /// # Errors
    /// A full arena, failures of the device.
    pub(crate) fn step_table(
        &self,
        name: &str,
        rows: usize,
        arena: &Arena,
    ) -> Result<Option<(Tensor, Tensor)>, BackendError> {
        self.lookups.step_table(name, rows, arena)
    }

    /// Reciprocals of a rotary operation's frequencies.
    pub(crate) fn periods(&self, inverse_frequencies: &[f64]) -> Option<Tensor> {
        self.periods.get(&period_bits(inverse_frequencies)).copied()
    }

    /// The number 0, [1].
    pub(crate) fn zero(&self) -> Tensor {
        self.zero
    }

    pub(crate) fn bytes(&self) -> usize {
        self.buffers.iter().map(Buffer::bytes).sum()
    }
}

/// What the program does with its weights.
#[derive(Debug, Default)]
struct Uses<'program> {
    multiplied: Vec<&'program str>,
    looked_up: Vec<&'program str>,
}

impl<'program> Uses<'program> {
    fn of(program: &'program MemberProgram) -> Self {
        let mut uses = Self::default();
        for operation in program.segments.iter().flat_map(|segment| &segment.operations) {
            match operation {
                Operation::Embedding { weight, .. } => uses.looked_up.push(weight),
                Operation::Linear { weight, .. } => uses.multiplied.push(weight),
                Operation::GatedFeedForward { gate, up, down, .. } => {
                    uses.multiplied.extend([gate.as_str(), up, down]);
                }
                _ => {}
            }
        }
        uses.multiplied.sort_unstable();
        uses.looked_up.sort_unstable();
        uses
    }

    fn is_multiplied(&self, name: &str) -> bool {
        self.multiplied.binary_search(&name).is_ok()
    }

    fn is_looked_up(&self, name: &str) -> bool {
        self.looked_up.binary_search(&name).is_ok()
    }
}

/// Dimensions in ggml's order, the fastest first.
fn tensor_shape(name: &str, weight: &MemberWeight) -> Result<Vec<usize>, BackendError> {
    let shape: Vec<usize> = weight.shape.iter().rev().map(|elements| *elements as usize).collect();
    let row = shape.first().copied().unwrap_or(1) as u64;
    if weight.storage.bytes(row).is_none() {
        return Err(BackendError::new(
            "PROGRAM_STORAGE_BLOCK",
            format!(
                "rows of {row} elements of weight '{name}' are no whole blocks of {}",
                weight.storage.name()
            ),
        ));
    }
    if shape.is_empty() { Ok(vec![1]) } else { Ok(shape) }
}

/// Reciprocals of frequencies, in single precision, as the key of a constant.
fn period_bits(inverse_frequencies: &[f64]) -> Vec<u32> {
    inverse_frequencies
        .iter()
        .map(|frequency| ((1.0 / frequency) as f32).to_bits())
        .collect()
}

/// The constants of all rotary operations, each once.
fn periods_of(program: &MemberProgram) -> Vec<Vec<u32>> {
    let operations = program.segments.iter().flat_map(|segment| &segment.operations);
    let mut found: Vec<Vec<u32>> = operations
        .filter_map(|operation| match operation {
            Operation::Rotary {
                inverse_frequencies, ..
            } => Some(period_bits(inverse_frequencies)),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Where in a page the rows of a matrix begin whose rows are whole pages. Decoding streams such a matrix row by row with a
/// short pause between two rows, always at the same place of a page, and processors fetch ahead within pages: with the
/// pause early in a page, but not at its very start, the rest is fetched meanwhile. Measured on Intel's Sapphire Rapids
/// with BF16 rows of 4 KiB: 244 ms a token from 64 on, 213 from 128, 203 from 1280, 248 from 1024.
const ROW_START_IN_PAGE: usize = 1280;
const PAGE_BYTES: usize = 4096;

fn has_rows_of_whole_pages(tensor: Tensor) -> bool {
    tensor.shape()[1] > 1 && tensor.row_bytes().is_multiple_of(PAGE_BYTES)
}

/// Bytes to leave free before an address, so that rows begin at [`ROW_START_IN_PAGE`].
fn bytes_to_row_start(address: usize) -> usize {
    (ROW_START_IN_PAGE + PAGE_BYTES - address % PAGE_BYTES) % PAGE_BYTES
}

/// Allocates buffers for all tensors, as few of each memory as its largest buffer allows, and places them.
fn allocate(placement: &[(BufferType, Tensor)]) -> Result<Vec<Buffer>, BackendError> {
    let mut buffers = Vec::new();
    let mut rest: Vec<(BufferType, Tensor)> = placement.to_vec();
    while let Some((memory, _)) = rest.first().copied() {
        let (mut batch, mut later, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        for (other, tensor) in rest {
            let room_to_shift = if has_rows_of_whole_pages(tensor) { PAGE_BYTES } else { 0 };
            let size = other.tensor_bytes(tensor) + room_to_shift;
            let fits = batch.is_empty() || bytes.saturating_add(size) <= memory.largest_buffer_bytes();
            if other == memory && fits {
                batch.push((tensor, bytes));
                bytes += size;
            } else {
                later.push((other, tensor));
            }
        }
        let buffer = memory.allocate(bytes)?;
        buffer.mark_as_weights();
        for (tensor, offset) in batch {
            let shift = if buffer.is_host() && has_rows_of_whole_pages(tensor) {
                bytes_to_row_start(buffer.address() + offset)
            } else {
                0
            };
            buffer.place(tensor, offset + shift)?;
        }
        buffers.push(buffer);
        rest = later;
    }
    Ok(buffers)
}

/// Copies a whole tensor's bytes to its place; memory that rearranges does so here.
fn upload(device: Device, tensor: Tensor, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let functions = device.library.functions();
    // SAFETY: the tensor was placed, and it has as many bytes as are given.
    unsafe { (functions.ggml_backend_tensor_set)(tensor.pointer(), bytes.as_ptr().cast(), 0, bytes.len()) };
}

fn bytes_of(numbers: &[f32]) -> &[u8] {
    // SAFETY: any number is four readable bytes.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size_of_val(numbers)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_at_their_place_in_a_page() {
        for address in [0, 64, 1280, 1344, 4032, 123 * 64] {
            let shift = bytes_to_row_start(address);
            assert!(shift < PAGE_BYTES, "{address}");
            assert_eq!((address + shift) % PAGE_BYTES, ROW_START_IN_PAGE, "{address}");
        }
    }
}
