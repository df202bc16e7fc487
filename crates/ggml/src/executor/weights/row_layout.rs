//! Reading rows back out of memory that rearranges them, so that a table that is looked up and multiplied is held once.
//!
//! ggml's rearranging memories move bits and invert some (the portable kernels interleave rows and flip the sign of
//! four-bit numbers, AMX packs tiles and adds sums), each type and processor its own way, and cannot give rows back. What
//! they do to a few random rows is observed here instead of written down: an element's bit is where a bit of the result
//! follows it in every sample. A layout that this does not explain completely is not used.

use std::collections::{BTreeMap, HashMap};

use shoal_abi::backend::BackendError;
use shoal_program::StorageType;

use super::load::TILE_ROWS;
use super::upload;
use crate::device::Device;
use crate::memory::BufferType;
use crate::tensor::{Arena, Tensor};

/// Samples whose bits must agree: by chance two different bits do so once in 2^64.
const SAMPLES: u32 = u64::BITS;
/// Whole tiles that must come back exactly before a layout is believed.
const PROOFS: u64 = 4;

/// Where the bits of rows lie in rearranged memory.
#[derive(Debug)]
pub(super) struct RowLayout {
    /// Bytes that [`TILE_ROWS`] rows take.
    tile_bytes: usize,
    /// Bytes from a bit of one block to the same bit of the next block of the row.
    block_stride: usize,
    /// Bytes of a block as stored.
    block_bytes: usize,
    /// How each row of a tile is put together.
    rows: Vec<RowPattern>,
}

/// How one block of a row is put together from its tile.
#[derive(Debug)]
struct RowPattern {
    /// The block without the bits of the tile: ones where bits are held inverted.
    inverted: Vec<u8>,
    copies: Vec<BitCopy>,
}

/// Some bits of one byte of the tile that belong in one byte of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BitCopy {
    /// Byte of the tile, for the row's first block.
    source: u32,
    /// Byte of the block.
    target: u16,
    /// Places that bits move down, around the byte.
    rotation: u8,
    /// The bits of the target.
    mask: u8,
}

/// A bit of rearranged memory.
#[derive(Debug, Clone, Copy)]
struct BitPlace {
    byte: usize,
    bit: usize,
    is_inverted: bool,
}

impl RowLayout {
    /// Observes how `memory` keeps rows of `whole`; none where they cannot be read back.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`, failures of the device.
    pub(super) fn observe(
        device: Device,
        memory: BufferType,
        whole: Tensor,
        storage: StorageType,
    ) -> Result<Option<Self>, BackendError> {
        let [row_elements, row_count, ..] = whole.shape();
        // Fewer rows than a tile's might be kept another way.
        if !memory.is_rearranging_processor_memory() || !row_count.is_multiple_of(TILE_ROWS) {
            return Ok(None);
        }
        let arena = Arena::new(device.library, 1, 0)?;
        let sample = arena.tensor(whole.element_type(), &[row_elements, TILE_ROWS])?;
        let tile_bytes = memory.content_bytes(sample);
        let is_made_of_tiles = memory.content_bytes(whole) == row_count / TILE_ROWS * tile_bytes;
        if !is_made_of_tiles || device.repacking_buffer_type(storage, row_elements, TILE_ROWS)? != Some(memory) {
            return Ok(None);
        }
        let buffer = memory.allocate(tile_bytes)?;
        buffer.place(sample, 0)?;
        let sampler = Sampler {
            device,
            sample,
            tile_bytes,
            row_bytes: sample.row_bytes(),
            block_bytes: storage.block_bytes() as usize,
        };
        let layout = sampler.places().and_then(|places| sampler.layout(&places));
        Ok(layout.filter(|layout| sampler.proves(layout)))
    }

    /// Copies a row out of the rearranged tensor, whole blocks as they were stored.
    pub(super) fn copy_row(&self, rearranged: &[u8], row: usize, into: &mut [u8]) {
        let tile = &rearranged[row / TILE_ROWS * self.tile_bytes..][..self.tile_bytes];
        let pattern = &self.rows[row % TILE_ROWS];
        for (block, target) in into.chunks_exact_mut(self.block_bytes).enumerate() {
            let tile = &tile[block * self.block_stride..];
            target.copy_from_slice(&pattern.inverted);
            for copy in &pattern.copies {
                target[usize::from(copy.target)] ^=
                    tile[copy.source as usize].rotate_right(u32::from(copy.rotation)) & copy.mask;
            }
        }
    }
}

/// The bytes of a tensor in rearranging memory of the processor.
pub(super) fn rearranged_bytes(tensor: &Tensor, bytes: usize) -> &[u8] {
    // SAFETY: the tensor was placed in processor's memory with at least as many bytes, which were written; the borrow of
    // the handle is as short as the use.
    unsafe { std::slice::from_raw_parts(tensor.data().cast::<u8>(), bytes) }
}

/// A tile that random rows are put into.
struct Sampler {
    device: Device,
    sample: Tensor,
    tile_bytes: usize,
    row_bytes: usize,
    block_bytes: usize,
}

impl Sampler {
    /// The tile as the memory keeps these rows.
    fn rearranged(&self, rows: &[u8]) -> &[u8] {
        // SAFETY: the sample is placed in memory of this many bytes, which nobody else uses. Bytes that the memory only
        // pads with are defined by this.
        unsafe { self.sample.data().cast::<u8>().write_bytes(0, self.tile_bytes) };
        upload(self.device, self.sample, rows);
        rearranged_bytes(&self.sample, self.tile_bytes)
    }

    /// Where the bits of the first two blocks of every row lie: row after row, block after block.
    fn places(&self) -> Option<Vec<BitPlace>> {
        let sampled_bytes = self.row_bytes.min(2 * self.block_bytes);
        let mut rows = vec![0_u8; TILE_ROWS * self.row_bytes];
        let empty = self.rearranged(&rows).to_vec();
        let mut wanted = vec![0_u64; TILE_ROWS * sampled_bytes * 8];
        // Only bytes that a sample changed.
        let mut found: BTreeMap<usize, [u64; 8]> = BTreeMap::new();
        for sample in 0..SAMPLES {
            let mut random = Random(u64::from(sample) + 1);
            for (row, signatures) in rows
                .chunks_exact_mut(self.row_bytes)
                .zip(wanted.chunks_exact_mut(sampled_bytes * 8))
            {
                for (byte, signatures) in row.iter_mut().zip(signatures.chunks_exact_mut(8)) {
                    *byte = random.byte();
                    add_bits(signatures, *byte, sample);
                }
            }
            for (place, (byte, before)) in self.rearranged(&rows).iter().zip(&empty).enumerate() {
                if byte != before {
                    add_bits(found.entry(place).or_default(), byte ^ before, sample);
                }
            }
        }
        let mut places: HashMap<u64, BitPlace> = HashMap::new();
        for (byte, signatures) in found {
            for (bit, signature) in signatures.into_iter().enumerate() {
                let is_inverted = empty[byte] >> bit & 1 == 1;
                // A bit may be held several times, as the sign of a number is.
                places.entry(signature).or_insert(BitPlace { byte, bit, is_inverted });
            }
        }
        wanted.iter().map(|signature| places.get(signature).copied()).collect()
    }

    /// The layout that continues what the first two blocks show, if they are alike.
    fn layout(&self, places: &[BitPlace]) -> Option<RowLayout> {
        let (block_bits, blocks) = (self.block_bytes * 8, self.row_bytes / self.block_bytes);
        let sampled_blocks = blocks.min(2);
        let mut block_stride = 0;
        let mut rows = Vec::with_capacity(TILE_ROWS);
        for (index, row) in places.chunks_exact(block_bits * sampled_blocks).enumerate() {
            let (first, second) = row.split_at(block_bits);
            if let (0, Some(second)) = (index, second.first()) {
                block_stride = second.byte.checked_sub(first[0].byte)?;
            }
            let is_alike = first.iter().zip(second).all(|(first, second)| {
                second.byte == first.byte + block_stride
                    && second.bit == first.bit
                    && second.is_inverted == first.is_inverted
            });
            let last_byte = first.iter().map(|place| place.byte).max()? + (blocks - 1) * block_stride;
            if !is_alike || last_byte >= self.tile_bytes {
                return None;
            }
            rows.push(RowPattern::of(first));
        }
        Some(RowLayout {
            tile_bytes: self.tile_bytes,
            block_stride,
            block_bytes: self.block_bytes,
            rows,
        })
    }

    /// Whether whole tiles of random rows come back bit by bit.
    fn proves(&self, layout: &RowLayout) -> bool {
        let mut row = vec![0_u8; self.row_bytes];
        (0..PROOFS).all(|proof| {
            let mut random = Random(1000 + proof);
            let rows: Vec<u8> = (0..TILE_ROWS * self.row_bytes).map(|_| random.byte()).collect();
            let rearranged = self.rearranged(&rows);
            rows.chunks_exact(self.row_bytes).enumerate().all(|(index, expected)| {
                layout.copy_row(rearranged, index, &mut row);
                row == expected
            })
        })
    }
}

impl RowPattern {
    /// Joins bits that move together.
    fn of(places: &[BitPlace]) -> Self {
        let mut inverted = vec![0_u8; places.len() / 8];
        let mut copies: Vec<BitCopy> = Vec::new();
        for (target, bits) in places.chunks_exact(8).enumerate() {
            let first_copy = copies.len();
            for (bit, place) in bits.iter().enumerate() {
                let (source, rotation) = (place.byte as u32, ((place.bit + 8 - bit) % 8) as u8);
                let joined = copies[first_copy..]
                    .iter_mut()
                    .find(|copy| copy.source == source && copy.rotation == rotation);
                match joined {
                    Some(copy) => copy.mask |= 1 << bit,
                    None => copies.push(BitCopy {
                        source,
                        target: target as u16,
                        rotation,
                        mask: 1 << bit,
                    }),
                }
                inverted[target] |= u8::from(place.is_inverted) << bit;
            }
        }
        Self { inverted, copies }
    }
}

/// Puts each bit of a byte into its signature, at the place of the sample.
fn add_bits(signatures: &mut [u64], byte: u8, sample: u32) {
    for (bit, signature) in signatures.iter_mut().enumerate() {
        *signature |= u64::from(byte >> bit & 1) << sample;
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same samples on every machine.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;
    use crate::storage::weight_type;

    /// In every type that this processor's kernels rearrange, of a tensor that the layout was not observed on. Types with
    /// scales of their own bits may be beyond observation on processors that nobody has tried; they are held twice there.
    #[test]
    fn rows_come_back_from_rearranged_memory() {
        const INPUTS: usize = 1024;
        const OUTPUTS: usize = 5 * TILE_ROWS;
        let library = Library::load(&Default::default()).unwrap();
        let device = library.device("CPU").unwrap();
        for storage in StorageType::ALL {
            let Some(memory) = device.repacking_buffer_type(storage, INPUTS, OUTPUTS).unwrap() else {
                continue;
            };
            let arena = Arena::new(library, 1, 0).unwrap();
            let whole = arena.tensor(weight_type(storage), &[INPUTS, OUTPUTS]).unwrap();
            let layout = RowLayout::observe(device, memory, whole, storage).unwrap();
            let Some(layout) = layout else {
                let is_plain_permutation = matches!(storage, StorageType::Q4_0 | StorageType::Q8_0);
                assert!(
                    !is_plain_permutation && !cfg!(target_arch = "x86_64"),
                    "{storage:?} in {memory:?}"
                );
                continue;
            };
            let buffer = memory.allocate(memory.tensor_bytes(whole)).unwrap();
            buffer.place(whole, 0).unwrap();
            let mut random = Random(77);
            let rows: Vec<u8> = (0..whole.bytes()).map(|_| random.byte()).collect();
            upload(device, whole, &rows);
            let bytes = rearranged_bytes(&whole, memory.content_bytes(whole));
            let mut row = vec![0; whole.row_bytes()];
            for (index, expected) in rows.chunks_exact(whole.row_bytes()).enumerate() {
                layout.copy_row(bytes, index, &mut row);
                assert_eq!(row, expected, "{storage:?} in {memory:?}, row {index}");
            }
        }
    }

    #[test]
    fn a_number_of_rows_that_fills_no_tiles_is_left_alone() {
        let library = Library::load(&Default::default()).unwrap();
        let device = library.device("CPU").unwrap();
        let memory = device.default_buffer_type().unwrap();
        let arena = Arena::new(library, 2, 0).unwrap();
        for rows in [TILE_ROWS, TILE_ROWS + 32] {
            let whole = arena.tensor(weight_type(StorageType::Q4_0), &[256, rows]).unwrap();
            let memory = match device.repacking_buffer_type(StorageType::Q4_0, 256, rows).unwrap() {
                Some(rearranging) if rows != TILE_ROWS => rearranging,
                _ => memory,
            };
            let layout = RowLayout::observe(device, memory, whole, StorageType::Q4_0).unwrap();
            assert!(layout.is_none(), "{rows} rows in {memory:?}");
        }
    }
}
