//! Safe owners of tables that another library filled: references are counted, statuses become errors.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::{
    BACKEND_TABLE_VERSION, BackendTable, EXECUTABLE_TABLE_VERSION, ExecutableStatistics, ExecutableTable,
    LastErrorFunction, StepView, WEIGHT_SOURCE_TABLE_VERSION, WeightSourceTable,
};
use crate::{ErrorCode, Status};

pub use super::error::BackendError;
pub use super::step::{SlotOperation, Step};

/// Longest error text that is taken from another library.
const LARGEST_ERROR_BYTES: usize = 16 * 1024;

/// Fetches the text behind a failed status, on the thread that saw it.
fn last_error(status: Status, function: LastErrorFunction, context: *mut c_void) -> BackendError {
    let mut text = vec![0_u8; 512];
    for _ in 0..2 {
        // SAFETY: the table's contract: writes at most `capacity` bytes and returns the whole length.
        let length = unsafe { function(context, text.as_mut_ptr(), text.len()) };
        if length > text.len() && text.len() < LARGEST_ERROR_BYTES {
            text.resize(length.min(LARGEST_ERROR_BYTES), 0);
            continue;
        }
        text.truncate(length);
        break;
    }
    BackendError::parse(status, &String::from_utf8_lossy(&text))
}

fn check(name: &str, table: *const c_void, size: usize, version: u32) -> Result<(), BackendError> {
    if table.is_null() || !table.cast::<u64>().is_aligned() {
        return Err(BackendError::new(
            ErrorCode::InvalidArgument.name(),
            format!("the {name} table's address is null or misaligned"),
        ));
    }
    // SAFETY: every table begins with these two numbers; the caller promised that a table is there.
    let (found_size, found_version) = unsafe { (*table.cast::<u32>(), *table.cast::<u32>().add(1)) };
    if found_version != version || (found_size as usize) < size {
        return Err(BackendError::new(
            ErrorCode::VersionMismatch.name(),
            format!(
                "the {name} table has version {found_version} and {found_size} bytes, this program uses version \
                 {version} with {size} bytes: install releases that belong together"
            ),
        ));
    }
    Ok(())
}

macro_rules! owner {
    ($(#[$documentation:meta])* $owner:ident, $table:ident, $version:ident, $name:literal) => {
        $(#[$documentation])*
        #[derive(Debug)]
        pub struct $owner {
            table: NonNull<$table>,
        }

        // SAFETY: the tables' rules allow calls from different threads one after the other.
        unsafe impl Send for $owner {}

        impl $owner {
            /// Takes over the one reference that the table was handed out with.
            ///
            /// # Safety
            /// `table` is null or points to a table that stays valid for as long as its context is referenced.
            ///
            /// # Errors
            /// A null address, or a table of another version.
            pub unsafe fn from_table(table: *const $table) -> Result<Self, BackendError> {
                check($name, table.cast(), size_of::<$table>(), $version)?;
                match NonNull::new(table.cast_mut()) {
                    Some(table) => Ok(Self { table }),
                    None => Err(BackendError::new(ErrorCode::InvalidArgument.name(), "null table")),
                }
            }

            /// Like [`Self::from_table`], with a reference of its own: the caller keeps the one it has.
            ///
            /// # Safety
            /// As for [`Self::from_table`].
            ///
            /// # Errors
            /// As for [`Self::from_table`].
            pub unsafe fn retain_table(table: *const $table) -> Result<Self, BackendError> {
                // SAFETY: passed on to the caller.
                let owner = unsafe { Self::from_table(table)? };
                let functions = owner.functions();
                // SAFETY: the context is alive, its caller holds a reference.
                unsafe { (functions.retain)(functions.context) };
                Ok(owner)
            }

            /// The table, valid for as long as this owner.
            pub fn table(&self) -> *const $table {
                self.table.as_ptr()
            }

            fn functions(&self) -> &$table {
                // SAFETY: the table is valid while this owner holds a reference.
                unsafe { self.table.as_ref() }
            }

            fn result(&self, status: Status) -> Result<(), BackendError> {
                if status == Status::OK {
                    return Ok(());
                }
                let functions = self.functions();
                Err(last_error(status, functions.last_error, functions.context))
            }
        }

        impl Drop for $owner {
            fn drop(&mut self) {
                let functions = self.functions();
                let (release, context) = (functions.release, functions.context);
                // SAFETY: this owner's own reference, given back once.
                unsafe { release(context) };
            }
        }
    };
}

owner! {
    /// A device that was opened.
    Backend, BackendTable, BACKEND_TABLE_VERSION, "backend"
}

owner! {
    /// A compiled member program.
    Executable, ExecutableTable, EXECUTABLE_TABLE_VERSION, "executable"
}

owner! {
    /// The weights of a member program.
    WeightSource, WeightSourceTable, WEIGHT_SOURCE_TABLE_VERSION, "weight source"
}

// SAFETY: `read` may be called from several threads at once by the table's rules, and errors are per thread.
unsafe impl Sync for WeightSource {}

impl WeightSource {
    /// Writes rows of a weight in a storage type (`STORAGE_…`); `into` has exactly the rows' bytes.
    ///
    /// # Errors
    /// `MODEL_…` or `PROGRAM_…` errors of the source.
    pub fn read(
        &self,
        name: &str,
        first_row: u64,
        row_count: u64,
        storage: u32,
        into: &mut [u8],
    ) -> Result<(), BackendError> {
        let functions = self.functions();
        // SAFETY: pointers and lengths describe live slices; the source writes within `into`.
        let status = unsafe {
            (functions.read)(
                functions.context,
                name.as_ptr(),
                name.len(),
                first_row,
                row_count,
                storage,
                into.as_mut_ptr(),
                into.len(),
            )
        };
        self.result(status)
    }
}

/// Hands the calls of a C progress function to a Rust closure.
unsafe extern "C" fn progress_trampoline(context: *mut c_void, loaded_bytes: u64, total_bytes: u64) -> i32 {
    crate::border::guard_or(1, || {
        // SAFETY: `context` is the address of the reference that `Backend::compile` holds during the call.
        let progress = unsafe { &mut *context.cast::<&mut dyn FnMut(u64, u64) -> bool>() };
        i32::from(!progress(loaded_bytes, total_bytes))
    })
}

impl Backend {
    /// Compiles a member program (JSON) under `CompileOptions` (JSON), reading all its weights.
    ///
    /// `progress(loaded_bytes, total_bytes)` returns false to stop, which ends the compile with `ABORTED`.
    ///
    /// # Errors
    /// `PROGRAM_…`, `MODEL_…` and `BACKEND_…` errors of the backend.
    pub fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        mut progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Executable, BackendError> {
        let functions = *self.functions();
        let mut executable: *const ExecutableTable = std::ptr::null();
        // SAFETY: pointers and lengths describe live values; the progress context outlives the call.
        let status = unsafe {
            (functions.compile)(
                functions.context,
                program.as_ptr(),
                program.len(),
                options.as_ptr(),
                options.len(),
                weights.table(),
                Some(progress_trampoline),
                (&raw mut progress).cast(),
                &raw mut executable,
            )
        };
        self.result(status)?;
        // SAFETY: after success the backend wrote a table that holds one reference for us.
        unsafe { Executable::from_table(executable) }
    }
}

impl Executable {
    /// Changes a slot's state, between steps.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        let functions = self.functions();
        let view = operation.view();
        // SAFETY: the view lives during the call.
        let status = unsafe { (functions.slot_operation)(functions.context, &raw const view) };
        self.result(status)
    }

    /// Starts a step.
    ///
    /// # Errors
    /// Those of the backend, and `INTERNAL_INVALID_ARGUMENT` when counts do not agree.
    pub fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        let total: u64 = step
            .sequences
            .iter()
            .map(|sequence| u64::from(sequence.token_count))
            .sum();
        let (Ok(sequence_count), Ok(token_count)) =
            (u32::try_from(step.sequences.len()), u32::try_from(step.tokens.len()))
        else {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                "the step is too large",
            ));
        };
        if total != u64::from(token_count) {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                format!("step {} has {token_count} tokens, its sequences {total}", step.number),
            ));
        }
        let view = StepView {
            step: step.number,
            sequence_count,
            token_count,
            output_row_count: u32::try_from(step.output_row_count()).unwrap_or(u32::MAX),
            reserved: 0,
            sequences: step.sequences.as_ptr(),
            tokens: step.tokens.as_ptr(),
        };
        let functions = self.functions();
        // SAFETY: the view and its slices live during the call.
        let status = unsafe { (functions.begin_step)(functions.context, &raw const view) };
        self.result(status)
    }

    /// Runs one segment.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        let functions = self.functions();
        // SAFETY: plain numbers.
        let status = unsafe { (functions.execute)(functions.context, segment) };
        self.result(status)
    }

    /// The address of a boundary value's rows; the caller pairs it with [`Self::unmap`].
    ///
    /// # Errors
    /// Those of the backend.
    pub fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        let functions = self.functions();
        let (mut pointer, mut length) = (std::ptr::null_mut::<f32>(), 0_usize);
        // SAFETY: both results are live.
        let status = unsafe { (functions.map)(functions.context, value, &raw mut pointer, &raw mut length) };
        self.result(status)?;
        let pointer = match NonNull::new(pointer) {
            Some(pointer) => pointer,
            None if length == 0 => NonNull::dangling(),
            None => {
                return Err(BackendError::failed(format!(
                    "the backend mapped value {value} to null"
                )));
            }
        };
        Ok(NonNull::slice_from_raw_parts(pointer, length))
    }

    /// Ends the use of a mapped value.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn unmap(&mut self, value: u32) -> Result<(), BackendError> {
        let functions = self.functions();
        // SAFETY: plain numbers.
        let status = unsafe { (functions.unmap)(functions.context, value) };
        self.result(status)
    }

    /// Maps a boundary value for the length of `body`.
    ///
    /// # Errors
    /// Those of the backend; the result of `body` comes back otherwise.
    pub fn with_value<T>(&mut self, value: u32, body: impl FnOnce(&mut [f32]) -> T) -> Result<T, BackendError> {
        let mut mapped = self.map(value)?;
        // SAFETY: the table's contract: this many numbers, ours alone until `unmap`.
        let result = body(unsafe { mapped.as_mut() });
        self.unmap(value)?;
        Ok(result)
    }

    /// Maps two different boundary values for the length of `body`.
    ///
    /// # Errors
    /// Those of the backend, and `INTERNAL_INVALID_ARGUMENT` for the same value twice.
    pub fn with_two_values<T>(
        &mut self,
        first: u32,
        second: u32,
        body: impl FnOnce(&mut [f32], &mut [f32]) -> T,
    ) -> Result<T, BackendError> {
        if first == second {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                "one value was mapped twice",
            ));
        }
        let mut first_mapped = self.map(first)?;
        let mut second_mapped = self.map(second)?;
        // SAFETY: different values do not overlap by the table's contract; both are ours alone until `unmap`.
        let result = unsafe { body(first_mapped.as_mut(), second_mapped.as_mut()) };
        self.unmap(second)?;
        self.unmap(first)?;
        Ok(result)
    }

    /// Ends the step.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn end_step(&mut self) -> Result<(), BackendError> {
        let functions = self.functions();
        // SAFETY: no arguments but the context.
        let status = unsafe { (functions.end_step)(functions.context) };
        self.result(status)
    }

    /// The counters.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn statistics(&self) -> Result<ExecutableStatistics, BackendError> {
        let functions = self.functions();
        let mut statistics = ExecutableStatistics::default();
        // SAFETY: the result is live.
        let status = unsafe { (functions.statistics)(functions.context, &raw mut statistics) };
        self.result(status)?;
        Ok(statistics)
    }
}
