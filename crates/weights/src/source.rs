//! The weights of one member program, read on demand.

use std::collections::BTreeMap;
use std::sync::Arc;

use shoal_abi::backend::{BackendError, WeightSourceImplementation};
use shoal_program::{MemberProgram, StorageType};

use crate::checkpoint::Checkpoint;
use crate::error::{ErrorCode, WeightError};
use crate::fill::{borrow_stored, fill_storage};
use crate::view::{View, resolve};

/// All weights of a member program, resolved against a checkpoint. Reading is thread-safe.
#[derive(Debug)]
pub struct ProgramWeights {
    checkpoint: Arc<Checkpoint>,
    weights: BTreeMap<String, Weight>,
}

#[derive(Debug)]
struct Weight {
    view: View,
    row_count: u64,
    row_elements: u64,
}

impl ProgramWeights {
    /// Finds every tensor that the program names and checks shapes; reads no weights but intermediates that cannot
    /// be expressed as views.
    ///
    /// # Errors
    /// `MODEL_TENSOR_MISSING`, `MODEL_TENSOR_SHAPE`, `MODEL_STORAGE_UNSUPPORTED` or `PROGRAM_INVALID`, with the
    /// weight's name.
    pub fn new(checkpoint: Arc<Checkpoint>, program: &MemberProgram) -> Result<Self, WeightError> {
        let mut weights = BTreeMap::new();
        for (name, weight) in &program.weights {
            let place = format!("weight '{name}'");
            let view = resolve(&checkpoint, &weight.source).map_err(|error| error.within(&place))?;
            if view.shape != weight.shape {
                let message = format!(
                    "the checkpoint gives shape {:?}, the program needs {:?}",
                    view.shape, weight.shape
                );
                return Err(WeightError::new(ErrorCode::TensorShape, message).within(place));
            }
            let (row_count, row_elements) = (weight.row_count(), weight.row_elements());
            weights.insert(
                name.clone(),
                Weight {
                    view,
                    row_count,
                    row_elements,
                },
            );
        }
        Ok(Self { checkpoint, weights })
    }

    fn weight(&self, name: &str, first_row: u64, row_count: u64) -> Result<&Weight, WeightError> {
        let invalid = |message: String| WeightError::new(ErrorCode::ProgramInvalid, message);
        let weight = self
            .weights
            .get(name)
            .ok_or_else(|| invalid(format!("weight '{name}' is not declared")))?;
        match first_row.checked_add(row_count) {
            Some(end) if end <= weight.row_count => Ok(weight),
            _ => Err(invalid(format!(
                "rows {first_row} + {row_count} of weight '{name}', which has {}",
                weight.row_count
            ))),
        }
    }

    /// Writes rows `[first_row, first_row + row_count)` in a storage type; `into` has exactly their bytes.
    ///
    /// # Errors
    /// `PROGRAM_INVALID` for rows or a length that do not fit the weight.
    pub fn read(
        &self,
        name: &str,
        first_row: u64,
        row_count: u64,
        storage: StorageType,
        into: &mut [u8],
    ) -> Result<(), WeightError> {
        let weight = self.weight(name, first_row, row_count)?;
        let elements = weight.row_elements;
        let bytes = storage.bytes(elements).and_then(|bytes| bytes.checked_mul(row_count));
        if bytes != Some(into.len() as u64) {
            let message = format!(
                "{row_count} rows of weight '{name}' with {elements} elements do not fill {} bytes of {}",
                into.len(),
                storage.name()
            );
            return Err(WeightError::new(ErrorCode::ProgramInvalid, message));
        }
        if row_count == 0 {
            return Ok(());
        }
        fill_storage(
            &self.checkpoint,
            &weight.view,
            elements,
            first_row,
            row_count,
            storage,
            into,
        )
        .map_err(|error| error.within(format_args!("weight '{name}'")))
    }

    /// The rows' bytes in the mapped file, when they lie there in one stretch exactly as wanted.
    pub fn borrow(&self, name: &str, first_row: u64, row_count: u64, storage: StorageType) -> Option<&[u8]> {
        let weight = self.weight(name, first_row, row_count).ok().filter(|_| row_count > 0)?;
        borrow_stored(&self.checkpoint, &weight.view, first_row, row_count, storage)
    }
}

impl WeightSourceImplementation for ProgramWeights {
    fn read(
        &self,
        name: &str,
        first_row: u64,
        row_count: u64,
        storage: u32,
        into: &mut [u8],
    ) -> Result<(), BackendError> {
        let Some(storage) = StorageType::from_number(storage) else {
            return Err(BackendError::new(
                "PROGRAM_INVALID",
                format!("storage number {storage} is unknown"),
            ));
        };
        Self::read(self, name, first_row, row_count, storage, into).map_err(BackendError::from)
    }
}
