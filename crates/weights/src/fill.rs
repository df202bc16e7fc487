//! Copies rows of a view out: as bytes where they are stored as wanted, else through F32.

use std::ops::Range;

use shoal_program::StorageType;

use crate::checkpoint::Checkpoint;
use crate::error::{ErrorCode, WeightError};
use crate::quantize::{decode_row, encode_row};
use crate::view::{Piece, Source, View};

/// Elements of the largest block of any storage type.
const LARGEST_BLOCK: usize = 256;

/// A run of neighbouring elements of one piece: where it starts in the source and in the output, and how long it is.
struct Run {
    source: u64,
    /// Elements of the source from one to the next.
    stride: u64,
    output: usize,
    length: usize,
}

/// Calls `visit` for every run of `piece` in rows `[first_row, first_row + row_count)` of a view of this shape.
fn for_each_run(
    shape: &[u64],
    piece: &Piece,
    first_row: u64,
    row_count: u64,
    mut visit: impl FnMut(Run) -> Result<(), WeightError>,
) -> Result<(), WeightError> {
    let axes = shape.len();
    let mut output_strides = vec![1_u64; axes];
    for axis in (1..axes).rev() {
        output_strides[axis - 1] = output_strides[axis] * shape[axis];
    }
    // The rows of the piece that were asked for.
    let (mut base, mut box_shape, mut box_offsets) = (piece.base, piece.shape.clone(), piece.offsets.clone());
    if axes > 0 {
        let first = box_offsets[0].max(first_row);
        let last = (box_offsets[0] + box_shape[0]).min(first_row + row_count);
        if first >= last {
            return Ok(());
        }
        base += (first - box_offsets[0]) * piece.strides[0];
        box_shape[0] = last - first;
        box_offsets[0] = first - first_row;
    }
    let output_base: u64 = box_offsets
        .iter()
        .zip(&output_strides)
        .map(|(offset, stride)| offset * stride)
        .sum();

    // Trailing axes that are contiguous on both sides become one run.
    let (mut run_axes, mut length) = (0, 1_u64);
    for axis in (0..axes).rev() {
        if piece.strides[axis] != length && box_shape[axis] != 1 || output_strides[axis] != length {
            break;
        }
        length *= box_shape[axis];
        run_axes += 1;
    }
    // Nothing contiguous: the last axis with its stride.
    let (outer, stride) = match (run_axes, axes) {
        (0, 0) => (0, 1),
        (0, _) => {
            length = box_shape[axes - 1];
            (axes - 1, piece.strides[axes - 1])
        }
        _ => (axes - run_axes, 1),
    };
    let mut index = vec![0_u64; outer];
    loop {
        let offset = |strides: &[u64]| -> u64 { index.iter().zip(strides).map(|(index, stride)| index * stride).sum() };
        visit(Run {
            source: base + offset(&piece.strides),
            stride,
            output: (output_base + offset(&output_strides)) as usize,
            length: length as usize,
        })?;
        // Count up like an odometer, the last axis first.
        let Some(axis) = (0..outer).rev().find(|axis| index[*axis] + 1 < box_shape[*axis]) else {
            return Ok(());
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Writes rows as F32; `output` has exactly their elements.
pub(crate) fn fill_f32(
    checkpoint: &Checkpoint,
    view: &View,
    first_row: u64,
    row_count: u64,
    output: &mut [f32],
) -> Result<(), WeightError> {
    for piece in &view.pieces {
        let read = reader(checkpoint, piece)?;
        for_each_run(&view.shape, piece, first_row, row_count, |run| {
            let target = output
                .get_mut(run.output..run.output + run.length)
                .ok_or_else(out_of_range)?;
            read(&run, target)?;
            for storage in &piece.roundings {
                round_in_place(target, *storage);
            }
            Ok(())
        })?;
    }
    Ok(())
}

type Reader<'source> = Box<dyn Fn(&Run, &mut [f32]) -> Result<(), WeightError> + 'source>;

/// How elements of a piece's source are read as F32.
fn reader<'source>(checkpoint: &'source Checkpoint, piece: &'source Piece) -> Result<Reader<'source>, WeightError> {
    Ok(match &piece.source {
        Source::Evaluated(elements) => Box::new(move |run, target| {
            let picked = elements.get(run.source as usize..).ok_or_else(out_of_range)?;
            for (value, element) in target.iter_mut().zip(picked.iter().step_by(run.stride.max(1) as usize)) {
                *value = *element;
            }
            Ok(())
        }),
        Source::Stored { name, storage } => {
            let bytes = checkpoint.tensor(name)?.bytes();
            let storage = *storage;
            Box::new(move |run, target| {
                if let (1, Some(range)) = (run.stride, byte_range(run.source, target.len() as u64, storage)) {
                    decode_row(bytes.get(range).ok_or_else(out_of_range)?, storage, target);
                    return Ok(());
                }
                decode_scattered(bytes, storage, run, target)
            })
        }
    })
}

/// Bytes of elements that are whole blocks.
fn byte_range(first: u64, count: u64, storage: StorageType) -> Option<Range<usize>> {
    let start = storage.bytes(first)?;
    let end = start.checked_add(storage.bytes(count)?)?;
    Some(start as usize..end as usize)
}

/// Elements that do not lie next to each other, or begin inside a block.
fn decode_scattered(bytes: &[u8], storage: StorageType, run: &Run, target: &mut [f32]) -> Result<(), WeightError> {
    let (elements, block_bytes) = (storage.block_elements(), storage.block_bytes());
    let mut block = [0.0_f32; LARGEST_BLOCK];
    let mut decoded = None;
    for (index, value) in (0_u64..).zip(target) {
        let element = run.source + index * run.stride;
        let number = element / elements;
        if decoded != Some(number) {
            let start = (number * block_bytes) as usize;
            let stored = bytes
                .get(start..start + block_bytes as usize)
                .ok_or_else(out_of_range)?;
            decode_row(stored, storage, &mut block[..elements as usize]);
            decoded = Some(number);
        }
        *value = block[(element % elements) as usize];
    }
    Ok(())
}

fn round_in_place(values: &mut [f32], storage: StorageType) {
    let mut bytes = [0_u8; 4];
    for value in values {
        encode_row(std::slice::from_ref(value), storage, &mut bytes);
        decode_row(&bytes, storage, std::slice::from_mut(value));
    }
}

/// Writes rows in a storage type; `output` has exactly their bytes, `row_elements` is the length of a row.
pub(crate) fn fill_storage(
    checkpoint: &Checkpoint,
    view: &View,
    row_elements: u64,
    first_row: u64,
    row_count: u64,
    storage: StorageType,
    output: &mut [u8],
) -> Result<(), WeightError> {
    if is_stored_as(view, storage) {
        if !consists_of_blocks(view, storage) {
            return Err(cut_block(storage));
        }
        return copy_stored(checkpoint, view, first_row, row_count, storage, output);
    }
    let row_bytes = storage.bytes(row_elements).ok_or_else(out_of_range)? as usize;
    // A few rows at a time: the F32 rows stay in the cache between decoding and encoding.
    let batch = (16_384 / row_elements.max(1)).clamp(1, row_count.max(1));
    // A vector is one row whatever its length, so the view's axis 0 is not what rows count.
    let is_vector = view.shape.len() < 2;
    let mut rows = vec![0.0_f32; (batch * row_elements) as usize];
    let mut done = 0;
    while done < row_count {
        let count = batch.min(row_count - done);
        let target = rows
            .get_mut(..(count * row_elements) as usize)
            .ok_or_else(out_of_range)?;
        match is_vector {
            true => fill_f32(checkpoint, view, 0, row_elements, target)?,
            false => fill_f32(checkpoint, view, first_row + done, count, target)?,
        }
        let start = done as usize * row_bytes;
        let bytes = output
            .get_mut(start..start + count as usize * row_bytes)
            .ok_or_else(out_of_range)?;
        for (row, bytes) in target
            .chunks_exact(row_elements as usize)
            .zip(bytes.chunks_exact_mut(row_bytes))
        {
            encode_row(row, storage, bytes);
        }
        done += count;
    }
    Ok(())
}

/// Whether every element is stored in exactly the wanted bytes.
fn is_stored_as(view: &View, wanted: StorageType) -> bool {
    view.pieces.iter().all(|piece| {
        matches!(piece.source, Source::Stored { storage, .. } if storage == wanted)
            && piece.roundings.iter().all(|rounding| *rounding == wanted)
    })
}

/// Whether every piece begins and ends at blocks, and rows are made of blocks as they lie.
fn consists_of_blocks(view: &View, storage: StorageType) -> bool {
    let block = storage.block_elements();
    if block == 1 {
        return true;
    }
    let is_whole = |elements: &u64| elements.is_multiple_of(block);
    let rows_are_whole = view.shape.last().is_some_and(is_whole);
    rows_are_whole
        && view.pieces.iter().all(|piece| {
            let ends = [piece.shape.last(), piece.offsets.last()];
            let outer = piece.strides.split_last().map_or(&[][..], |(_, outer)| outer);
            piece.strides.last() == Some(&1)
                && is_whole(&piece.base)
                && ends.into_iter().flatten().all(is_whole)
                && outer.iter().all(is_whole)
        })
}

fn cut_block(storage: StorageType) -> WeightError {
    WeightError::new(
        ErrorCode::StorageBlock,
        format!(
            "it is stored in blocks of {} elements of {}, and this part of it cuts through blocks",
            storage.block_elements(),
            storage.name()
        ),
    )
}

fn copy_stored(
    checkpoint: &Checkpoint,
    view: &View,
    first_row: u64,
    row_count: u64,
    storage: StorageType,
    output: &mut [u8],
) -> Result<(), WeightError> {
    let (first_row, row_count) = match view.shape.as_slice() {
        [length] => (0, *length),
        _ => (first_row, row_count),
    };
    let width = storage.block_bytes() as usize;
    for piece in &view.pieces {
        let Source::Stored { name, .. } = &piece.source else {
            continue;
        };
        let bytes = checkpoint.tensor(name)?.bytes();
        for_each_run(&view.shape, piece, first_row, row_count, |run| {
            let target = byte_range(run.output as u64, run.length as u64, storage);
            let target = target
                .and_then(|range| output.get_mut(range))
                .ok_or_else(out_of_range)?;
            if run.stride == 1 {
                let source = byte_range(run.source, run.length as u64, storage);
                let source = source.and_then(|range| bytes.get(range)).ok_or_else(out_of_range)?;
                target.copy_from_slice(source);
                return Ok(());
            }
            // Only types without blocks get here.
            let start = run.source as usize * width;
            for (index, target) in target.chunks_exact_mut(width).enumerate() {
                let start = start + index * run.stride as usize * width;
                target.copy_from_slice(bytes.get(start..start + width).ok_or_else(out_of_range)?);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The bytes of rows that lie in one stretch of the file exactly as wanted, if they do.
pub(crate) fn borrow_stored<'checkpoint>(
    checkpoint: &'checkpoint Checkpoint,
    view: &View,
    first_row: u64,
    row_count: u64,
    storage: StorageType,
) -> Option<&'checkpoint [u8]> {
    let [piece] = view.pieces.as_slice() else { return None };
    let Source::Stored { name, .. } = &piece.source else {
        return None;
    };
    if !is_stored_as(view, storage) || piece.shape != view.shape || !consists_of_blocks(view, storage) {
        return None;
    }
    let (first_row, row_count) = match view.shape.as_slice() {
        [length] => (0, *length),
        _ => (first_row, row_count),
    };
    let mut runs = Vec::new();
    for_each_run(&view.shape, piece, first_row, row_count, |run| {
        if runs.is_empty() {
            runs.push(run);
            return Ok(());
        }
        Err(out_of_range())
    })
    .ok()?;
    let [run] = runs.as_slice() else { return None };
    let bytes = checkpoint.tensor(name).ok()?.bytes();
    let range = byte_range(run.source, run.length as u64, storage).filter(|_| run.stride == 1)?;
    bytes.get(range)
}

fn out_of_range() -> WeightError {
    WeightError::new(ErrorCode::ProgramInvalid, "a read goes beyond a weight")
}
