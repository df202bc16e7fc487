//! The C functions of exported tables.

use std::ffi::c_void;

use super::{
    ExecutableImplementation, ExportedBackend, ExportedExecutable, ExportedWeights, call, export_executable, lock, text,
};
use crate::backend::error::BackendError;
use crate::backend::owner::WeightSource;
use crate::backend::step::{SlotOperation, Step};
use crate::backend::{
    ExecutableStatistics, ExecutableTable, ProgressFunction, SlotOperationView, StepView, WeightSourceTable,
};
use crate::{ErrorCode, Status};

pub(super) unsafe extern "C" fn backend_compile(
    context: *mut c_void,
    program: *const u8,
    program_length: usize,
    options: *const u8,
    options_length: usize,
    weights: *const WeightSourceTable,
    progress: ProgressFunction,
    progress_context: *mut c_void,
    executable: *mut *const ExecutableTable,
) -> Status {
    call(|| {
        if executable.is_null() {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                "the result's address is null",
            ));
        }
        // SAFETY: the caller of the table gives readable text.
        let program = unsafe { text("the program", program, program_length)? };
        // SAFETY: as above.
        let options = unsafe { text("the options", options, options_length)? };
        // SAFETY: the caller gives a table that is valid during the call; this takes a reference of its own.
        let weights = unsafe { WeightSource::retain_table(weights)? };
        let mut report = |loaded: u64, total: u64| match progress {
            // SAFETY: the caller's function with the caller's context.
            Some(function) => unsafe { function(progress_context, loaded, total) == 0 },
            None => true,
        };
        // SAFETY: the context is one of `Backend::export`.
        let object = unsafe { ExportedBackend::object(context) };
        let implementation = lock(object)?.compile(program, options, &weights, &mut report)?;
        // SAFETY: checked for null; the caller gives room for one address.
        unsafe { *executable = export_executable(implementation) };
        Ok(())
    })
}

/// Runs `body` on the executable behind `context`.
///
/// # Safety
/// `context` is one of `export_executable`.
unsafe fn with_executable(
    context: *mut c_void,
    body: impl FnOnce(&mut dyn ExecutableImplementation) -> Result<(), BackendError>,
) -> Status {
    call(|| {
        // SAFETY: promised by the caller.
        let object = unsafe { ExportedExecutable::object(context) };
        body(lock(object)?.as_mut())
    })
}

pub(super) unsafe extern "C" fn executable_slot_operation(
    context: *mut c_void,
    operation: *const SlotOperationView,
) -> Status {
    // SAFETY: the context belongs to this table, the operation is a live value of the caller.
    unsafe {
        with_executable(context, |object| {
            let operation = operation
                .as_ref()
                .copied()
                .and_then(SlotOperation::from_view)
                .ok_or_else(|| {
                    BackendError::new(
                        ErrorCode::InvalidArgument.name(),
                        "a slot operation is null or of unknown kind",
                    )
                })?;
            object.slot_operation(operation)
        })
    }
}

pub(super) unsafe extern "C" fn executable_begin_step(context: *mut c_void, step: *const StepView) -> Status {
    let invalid = || {
        BackendError::new(
            ErrorCode::InvalidArgument.name(),
            "the step is null or its counts disagree",
        )
    };
    // SAFETY: the context belongs to this table, the step and its slices are live values of the caller.
    unsafe {
        with_executable(context, |object| {
            let view = step.as_ref().ok_or_else(invalid)?;
            let sequences = slice(view.sequences, view.sequence_count).ok_or_else(invalid)?;
            let tokens = slice(view.tokens, view.token_count).ok_or_else(invalid)?;
            let total: u64 = sequences.iter().map(|sequence| u64::from(sequence.token_count)).sum();
            if total != tokens.len() as u64 || sequences.iter().any(|one| one.output_rows > one.token_count) {
                return Err(invalid());
            }
            object.begin_step(&Step {
                number: view.step,
                sequences,
                tokens,
            })
        })
    }
}

/// # Safety
/// `pointer` is null or points to `count` values that live as long as the result is used.
unsafe fn slice<'call, T>(pointer: *const T, count: u32) -> Option<&'call [T]> {
    match count {
        0 => Some(&[]),
        _ if pointer.is_null() || !pointer.is_aligned() => None,
        // SAFETY: promised by the caller.
        _ => Some(unsafe { std::slice::from_raw_parts(pointer, count as usize) }),
    }
}

pub(super) unsafe extern "C" fn executable_execute(context: *mut c_void, segment: u32) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, |object| object.execute(segment)) }
}

pub(super) unsafe extern "C" fn executable_map(
    context: *mut c_void,
    value: u32,
    pointer: *mut *mut f32,
    length: *mut usize,
) -> Status {
    // SAFETY: the context belongs to this table, the results are checked for null.
    unsafe {
        with_executable(context, |object| {
            if pointer.is_null() || length.is_null() {
                return Err(BackendError::new(
                    ErrorCode::InvalidArgument.name(),
                    "a result's address is null",
                ));
            }
            let mapped = object.map(value)?;
            *pointer = mapped.as_ptr().cast();
            *length = mapped.len();
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn executable_unmap(context: *mut c_void, value: u32) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, |object| object.unmap(value)) }
}

pub(super) unsafe extern "C" fn executable_end_step(context: *mut c_void) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, ExecutableImplementation::end_step) }
}

pub(super) unsafe extern "C" fn executable_statistics(
    context: *mut c_void,
    statistics: *mut ExecutableStatistics,
) -> Status {
    // SAFETY: the context belongs to this table, the result is checked for null.
    unsafe {
        with_executable(context, |object| {
            let target = statistics
                .as_mut()
                .ok_or_else(|| BackendError::new(ErrorCode::InvalidArgument.name(), "the result's address is null"))?;
            *target = object.statistics();
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn weights_read(
    context: *mut c_void,
    name: *const u8,
    name_length: usize,
    first_row: u64,
    row_count: u64,
    storage: u32,
    into: *mut u8,
    into_length: usize,
) -> Status {
    call(|| {
        // SAFETY: the caller of the table gives readable text.
        let name = unsafe { text("the weight's name", name, name_length)? };
        if into.is_null() {
            return Err(BackendError::new(
                ErrorCode::InvalidArgument.name(),
                "the target's address is null",
            ));
        }
        // SAFETY: the caller gives `into_length` bytes that are its own during the call.
        let into = unsafe { std::slice::from_raw_parts_mut(into, into_length) };
        // SAFETY: the context is one of `WeightSource::export`.
        unsafe { ExportedWeights::object(context) }.read(name, first_row, row_count, storage, into)
    })
}
