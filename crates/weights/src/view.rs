//! Weight expressions in normal form: boxes of the result, each a strided view of one stored tensor.
//!
//! All expressions but two keep this form without touching data. A reshape of something that is not contiguous, and a
//! conversion to a block format, are evaluated once into F32 and become a source of their own.

use std::sync::Arc;

use shoal_program::{StorageType, WeightExpression};

use crate::checkpoint::Checkpoint;
use crate::error::{ErrorCode, WeightError};
use crate::fill::fill_f32;
use crate::quantize::{decode_row, encode_row};
use crate::safetensors::ElementType;

/// Elements of one evaluated intermediate: 16 GiB of F32.
const MOST_EVALUATED_ELEMENTS: u64 = 4 << 30;

/// Where a piece takes its elements from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A tensor of the checkpoint, by name.
    Stored { name: Arc<str>, storage: StorageType },
    /// An intermediate.
    Evaluated(Arc<[f32]>),
}

/// A box of the result and the strided view that fills it. All vectors have one entry per axis.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// First index of the box in the result.
    pub(crate) offsets: Vec<u64>,
    pub(crate) shape: Vec<u64>,
    pub(crate) source: Source,
    /// Element of the source at the box's first index.
    pub(crate) base: u64,
    /// Elements of the source from one index to the next.
    pub(crate) strides: Vec<u64>,
    /// Types that elements are rounded to on the way, in order.
    pub(crate) roundings: Vec<StorageType>,
}

/// An expression in normal form. Every element lies in exactly one piece.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) shape: Vec<u64>,
    pub(crate) pieces: Vec<Piece>,
}

pub(crate) fn resolve(checkpoint: &Checkpoint, expression: &WeightExpression) -> Result<View, WeightError> {
    match expression {
        WeightExpression::Tensor { name } => stored(checkpoint, name),
        WeightExpression::Slice { input, axis, range } => {
            let mut view = resolve(checkpoint, input)?;
            let size = axis_size(&view, *axis)?;
            if range.0 > range.1 || range.1 > size {
                return Err(wrong(format!("slice [{}, {}) of an axis of {size}", range.0, range.1)));
            }
            view.shape[*axis] = range.length();
            view.pieces.retain_mut(|piece| {
                let first = piece.offsets[*axis].max(range.0);
                let last = (piece.offsets[*axis] + piece.shape[*axis]).min(range.1);
                piece.base += first.saturating_sub(piece.offsets[*axis]) * piece.strides[*axis];
                piece.offsets[*axis] = first.saturating_sub(range.0);
                piece.shape[*axis] = last.saturating_sub(first);
                first < last
            });
            Ok(view)
        }
        WeightExpression::Stride {
            input,
            axis,
            start,
            step,
        } => {
            let mut view = resolve(checkpoint, input)?;
            let size = axis_size(&view, *axis)?;
            if *step == 0 || *start >= size {
                return Err(wrong(format!(
                    "elements {start}, {start} + {step}, … of an axis of {size}"
                )));
            }
            // Indices of the result whose element lies before `position`.
            let before = |position: u64| position.saturating_sub(*start).div_ceil(*step);
            view.shape[*axis] = before(size);
            view.pieces.retain_mut(|piece| {
                let (offset, length) = (piece.offsets[*axis], piece.shape[*axis]);
                let (first, last) = (before(offset), before(offset + length));
                if first < last {
                    piece.base += (start + first * step - offset) * piece.strides[*axis];
                }
                piece.offsets[*axis] = first;
                piece.shape[*axis] = last - first;
                piece.strides[*axis] = piece.strides[*axis].saturating_mul(*step);
                first < last
            });
            Ok(view)
        }
        WeightExpression::Transpose { input } => {
            let view = resolve(checkpoint, input)?;
            let axes = view.shape.len();
            if axes < 2 {
                return Err(wrong(format!("a transposition of shape {:?}", view.shape)));
            }
            let mut order: Vec<usize> = (0..axes).collect();
            order.swap(axes - 1, axes - 2);
            Ok(permute(view, &order))
        }
        WeightExpression::Permute { input, order } => {
            let view = resolve(checkpoint, input)?;
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if !sorted.iter().copied().eq(0..view.shape.len()) {
                return Err(wrong(format!("axes {order:?} of shape {:?}", view.shape)));
            }
            Ok(permute(view, order))
        }
        WeightExpression::Concat { inputs, axis } => {
            let views = inputs.iter().map(|input| resolve(checkpoint, input));
            concat(views, *axis)
        }
        WeightExpression::Stack { inputs } => {
            let views = inputs.iter().map(|input| {
                let mut view = resolve(checkpoint, input)?;
                view.shape.insert(0, 1);
                for piece in &mut view.pieces {
                    piece.offsets.insert(0, 0);
                    piece.shape.insert(0, 1);
                    piece.strides.insert(0, 0);
                }
                Ok(view)
            });
            concat(views, 0)
        }
        WeightExpression::Reshape { input, shape } => {
            let view = resolve(checkpoint, input)?;
            if element_count(shape) != element_count(&view.shape) || element_count(shape).is_none() {
                return Err(wrong(format!("shape {:?} becomes {shape:?}", view.shape)));
            }
            reshape(checkpoint, view, shape)
        }
        WeightExpression::Convert { input, to } => {
            let mut view = resolve(checkpoint, input)?;
            if !to.is_quantized() {
                view.pieces.iter_mut().for_each(|piece| piece.roundings.push(*to));
                return Ok(view);
            }
            let mut elements = evaluate(checkpoint, &view)?;
            let row = view.shape.last().copied().unwrap_or(1);
            let bytes = to
                .bytes(row)
                .ok_or_else(|| wrong(format!("rows of {row} are not whole blocks of {to:?}")))?;
            let mut encoded = vec![0; bytes as usize];
            for row in elements.chunks_exact_mut(row.max(1) as usize) {
                encode_row(row, *to, &mut encoded);
                decode_row(&encoded, *to, row);
            }
            Ok(evaluated(elements, view.shape))
        }
    }
}

fn wrong(message: impl Into<String>) -> WeightError {
    WeightError::new(ErrorCode::ProgramInvalid, message)
}

fn element_count(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))
}

fn axis_size(view: &View, axis: usize) -> Result<u64, WeightError> {
    let size = view.shape.get(axis).copied();
    size.ok_or_else(|| wrong(format!("axis {axis} of shape {:?} does not exist", view.shape)))
}

fn row_major_strides(shape: &[u64]) -> Vec<u64> {
    let mut strides = vec![1_u64; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

fn whole(shape: Vec<u64>, source: Source) -> View {
    let piece = Piece {
        offsets: vec![0; shape.len()],
        strides: row_major_strides(&shape),
        shape: shape.clone(),
        source,
        base: 0,
        roundings: Vec::new(),
    };
    let pieces = if shape.contains(&0) { Vec::new() } else { vec![piece] };
    View { shape, pieces }
}

fn stored(checkpoint: &Checkpoint, name: &str) -> Result<View, WeightError> {
    resolve_tensor(checkpoint, name).map(|(view, _)| view)
}

/// A whole tensor, and how it is stored.
pub(crate) fn resolve_tensor(checkpoint: &Checkpoint, name: &str) -> Result<(View, StorageType), WeightError> {
    let tensor = checkpoint.tensor(name)?;
    match tensor.element_type {
        ElementType::Float(storage) => {
            let source = Source::Stored {
                name: name.into(),
                storage: *storage,
            };
            Ok((whole(tensor.shape.to_vec(), source), *storage))
        }
        ElementType::Other(found) => Err(WeightError::new(
            ErrorCode::StorageUnsupported,
            format!(
                "tensor '{name}' of {} is stored as {found}",
                checkpoint.directory().display()
            ),
        )),
    }
}

fn evaluated(elements: Vec<f32>, shape: Vec<u64>) -> View {
    whole(shape, Source::Evaluated(elements.into()))
}

fn permute(view: View, order: &[usize]) -> View {
    let pick = |values: &[u64]| -> Vec<u64> { order.iter().map(|axis| values[*axis]).collect() };
    let pieces = view.pieces.into_iter().map(|piece| Piece {
        offsets: pick(&piece.offsets),
        shape: pick(&piece.shape),
        strides: pick(&piece.strides),
        ..piece
    });
    View {
        pieces: pieces.collect(),
        shape: pick(&view.shape),
    }
}

fn concat(views: impl Iterator<Item = Result<View, WeightError>>, axis: usize) -> Result<View, WeightError> {
    let mut joined: Option<View> = None;
    for view in views {
        let mut view = view?;
        let size = axis_size(&view, axis)?;
        let Some(whole) = &mut joined else {
            joined = Some(view);
            continue;
        };
        let mut expected = whole.shape.clone();
        if let Some(entry) = expected.get_mut(axis) {
            *entry = size;
        }
        if expected != view.shape {
            return Err(wrong(format!(
                "shapes {:?} and {:?} are joined along axis {axis}",
                whole.shape, view.shape
            )));
        }
        let offset = whole.shape[axis];
        whole.shape[axis] = offset
            .checked_add(size)
            .ok_or_else(|| wrong("a joined axis overflows"))?;
        view.pieces.iter_mut().for_each(|piece| piece.offsets[axis] += offset);
        whole.pieces.append(&mut view.pieces);
    }
    joined.ok_or_else(|| wrong("nothing is joined"))
}

fn reshape(checkpoint: &Checkpoint, view: View, shape: &[u64]) -> Result<View, WeightError> {
    if let [piece] = view.pieces.as_slice()
        && piece.shape == view.shape
        && is_contiguous(piece)
    {
        let piece = Piece {
            offsets: vec![0; shape.len()],
            shape: shape.to_vec(),
            strides: row_major_strides(shape),
            ..piece.clone()
        };
        return Ok(View {
            shape: shape.to_vec(),
            pieces: vec![piece],
        });
    }
    let elements = evaluate(checkpoint, &view)?;
    Ok(evaluated(elements, shape.to_vec()))
}

fn is_contiguous(piece: &Piece) -> bool {
    let natural = row_major_strides(&piece.shape);
    // The stride of an axis of one element is never used.
    piece
        .shape
        .iter()
        .zip(&piece.strides)
        .zip(&natural)
        .all(|((size, stride), natural)| *size == 1 || stride == natural)
}

fn evaluate(checkpoint: &Checkpoint, view: &View) -> Result<Vec<f32>, WeightError> {
    let elements = element_count(&view.shape).filter(|count| *count <= MOST_EVALUATED_ELEMENTS);
    let elements = elements.ok_or_else(|| wrong(format!("an intermediate of shape {:?} is too large", view.shape)))?;
    let mut output = vec![0.0; elements as usize];
    let rows = view.shape.first().copied().unwrap_or(1);
    fill_f32(checkpoint, view, 0, rows, &mut output)?;
    Ok(output)
}
