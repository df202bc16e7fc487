//! Compiling: weights are read whole, as F32.

use std::collections::BTreeMap;

use shoal_abi::backend::{
    BackendError, BackendImplementation, ExecutableImplementation, ExecutableStatistics, WeightSource,
};
use shoal_program::{CompileOptions, MemberProgram};
use shoal_weights::decode_row;

use crate::executable::ReferenceExecutable;

/// A device that computes in plain Rust.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceBackend;

impl BackendImplementation for ReferenceBackend {
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError> {
        let program =
            MemberProgram::parse(program).map_err(|error| BackendError::new(error.code.name(), error.message))?;
        let options: CompileOptions = serde_json::from_str(options)
            .map_err(|error| BackendError::new("ARGUMENT_INVALID", format!("compile options: {error}")))?;
        let mut loaded = BTreeMap::new();
        let sizes = program
            .weights
            .values()
            .map(|weight| weight.row_count() * weight.row_elements() * 4);
        let (mut done, total): (u64, u64) = (0, sizes.sum());
        for (name, weight) in &program.weights {
            let (rows, width) = (weight.row_count(), weight.row_elements());
            let Some(row_bytes) = weight.storage.bytes(width) else {
                let message = format!(
                    "rows of weight '{name}' are no whole blocks of {}",
                    weight.storage.name()
                );
                return Err(BackendError::new("PROGRAM_STORAGE_BLOCK", message));
            };
            // Read as they are stored, then computed with as numbers.
            let mut bytes = vec![0; (rows * row_bytes) as usize];
            weights.read(name, 0, rows, weight.storage.number(), &mut bytes)?;
            let mut elements = vec![0.0; (rows * width) as usize];
            for (row, stored) in elements
                .chunks_exact_mut(width as usize)
                .zip(bytes.chunks_exact(row_bytes as usize))
            {
                decode_row(stored, weight.storage, row);
            }
            done += rows * width * 4;
            loaded.insert(name.clone(), elements);
            if !progress(done, total) {
                return Err(BackendError::new("ABORTED", "the compile was stopped"));
            }
        }
        let statistics = ExecutableStatistics {
            weight_bytes: total,
            ..ExecutableStatistics::default()
        };
        Ok(Box::new(ReferenceExecutable::new(program, options, loaded, statistics)))
    }
}
