//! Rust implementations as tables: panics are caught, errors keep their text, references are counted.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::owner::{Backend, BackendError, Executable, SlotOperation, Step, WeightSource};
use super::{
    BACKEND_TABLE_VERSION, BackendTable, EXECUTABLE_TABLE_VERSION, ExecutableStatistics, ExecutableTable,
    ProgressFunction, SlotOperationView, StepView, WEIGHT_SOURCE_TABLE_VERSION, WeightSourceTable,
};
use crate::border::{guard, guard_or};
use crate::{ErrorCode, Status};

/// A device, in Rust.
pub trait BackendImplementation: Send + 'static {
    /// Compiles a member program; see [`Backend::compile`]. `progress` returns false when the caller wants to stop.
    ///
    /// # Errors
    /// With the code that fits: `PROGRAM_…`, `MODEL_…`, `BACKEND_…`, or `ABORTED`.
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError>;
}

/// A compiled member program, in Rust; the calls are those of [`ExecutableTable`].
pub trait ExecutableImplementation: Send + 'static {
    /// Changes a slot's state.
    ///
    /// # Errors
    /// An unknown slot, a position that is not stored.
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError>;
    /// Starts a step; counts agree already.
    ///
    /// # Errors
    /// A step that is larger than was compiled for, a slot that does not hold the positions before.
    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError>;
    /// Runs one segment to its end.
    ///
    /// # Errors
    /// Failures of the device.
    fn execute(&mut self, segment: u32) -> Result<(), BackendError>;
    /// Storage of a boundary value in this step. It must stay where it is until `unmap` or `end_step`, whatever other
    /// values are mapped in between, and different values must not overlap.
    ///
    /// # Errors
    /// An unknown value, no step.
    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError>;
    /// Ends the use of a mapped value.
    ///
    /// # Errors
    /// Failures of the device.
    fn unmap(&mut self, value: u32) -> Result<(), BackendError>;
    /// Ends the step.
    ///
    /// # Errors
    /// Failures of the device.
    fn end_step(&mut self) -> Result<(), BackendError>;
    /// The counters.
    fn statistics(&self) -> ExecutableStatistics;
}

/// Weights, in Rust.
pub trait WeightSourceImplementation: Send + Sync + 'static {
    /// Writes rows of a weight; see [`WeightSource::read`].
    ///
    /// # Errors
    /// `MODEL_…` and `PROGRAM_…` errors.
    fn read(
        &self,
        name: &str,
        first_row: u64,
        row_count: u64,
        storage: u32,
        into: &mut [u8],
    ) -> Result<(), BackendError>;
}

thread_local! {
    /// The calling thread's last error of any object of this library, as `last_error` gives it.
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

fn fail(error: &BackendError) -> Status {
    LAST_ERROR.with_borrow_mut(|text| *text = error.to_string());
    error.status()
}

fn status(result: Result<(), BackendError>) -> Status {
    match result {
        Ok(()) => Status::OK,
        Err(error) => fail(&error),
    }
}

/// Runs a table function's body; a panic leaves a text that says so.
fn call(body: impl FnOnce() -> Result<(), BackendError>) -> Status {
    let result = guard(|| status(body()));
    if result == ErrorCode::Panic.into() {
        LAST_ERROR.with_borrow_mut(|text| {
            *text = format!(
                "{}: a panic was caught in the library; its object is not usable",
                ErrorCode::Panic
            );
        });
    }
    result
}

unsafe extern "C" fn copy_last_error(_context: *mut c_void, text: *mut u8, capacity: usize) -> usize {
    guard_or(0, || {
        LAST_ERROR.with_borrow(|last| {
            let count = last.len().min(capacity);
            if !text.is_null() {
                // SAFETY: the caller gives `capacity` writable bytes; both ranges are at least `count` long.
                unsafe { std::ptr::copy_nonoverlapping(last.as_ptr(), text, count) };
            }
            last.len()
        })
    })
}

/// What a context points to: the table, the count and the object.
struct Exported<Table, Object> {
    references: AtomicUsize,
    table: Table,
    object: Object,
}

impl<Table, Object> Exported<Table, Object> {
    /// Allocates the context and lets `make` fill the table with its address.
    fn allocate(object: Object, make: impl FnOnce(*mut c_void) -> Table) -> *const Table
    where
        Table: Copy,
    {
        let mut memory: Box<std::mem::MaybeUninit<Self>> = Box::new_uninit();
        let context = memory.as_mut_ptr();
        memory.write(Self {
            references: AtomicUsize::new(1),
            table: make(context.cast()),
            object,
        });
        let context: *mut Self = Box::into_raw(memory).cast();
        // SAFETY: just written; the table lives as long as the context.
        unsafe { &raw const (*context).table }
    }

    unsafe extern "C" fn retain(context: *mut c_void) {
        // SAFETY: the caller holds a reference, so the context is alive.
        let exported = unsafe { &*context.cast::<Self>() };
        exported.references.fetch_add(1, Ordering::Relaxed);
    }

    unsafe extern "C" fn release(context: *mut c_void) {
        // SAFETY: the caller gives back a reference that it holds, so the context is alive.
        let exported = unsafe { &*context.cast::<Self>() };
        if exported.references.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: that was the last reference; the box was made by `allocate`.
            guard_or((), || drop(unsafe { Box::from_raw(context.cast::<Self>()) }));
        }
    }

    /// # Safety
    /// `context` came from `allocate` of this very type and is referenced during the call.
    unsafe fn object<'call>(context: *mut c_void) -> &'call Object {
        // SAFETY: promised by the caller.
        unsafe { &(*context.cast::<Self>()).object }
    }
}

/// Locks an object that only one thread calls at a time; one that panicked stays locked out.
fn lock<T: ?Sized>(object: &Mutex<T>) -> Result<std::sync::MutexGuard<'_, T>, BackendError> {
    object.lock().map_err(|_| {
        BackendError::new(
            ErrorCode::Panic.name(),
            "the object panicked in an earlier call and is not usable any more",
        )
    })
}

unsafe fn text<'call>(name: &str, pointer: *const u8, length: usize) -> Result<&'call str, BackendError> {
    if pointer.is_null() {
        return Err(BackendError::new(
            ErrorCode::InvalidArgument.name(),
            format!("{name} is null"),
        ));
    }
    // SAFETY: the caller of the table gives `length` readable bytes.
    std::str::from_utf8(unsafe { std::slice::from_raw_parts(pointer, length) })
        .map_err(|_| BackendError::new(ErrorCode::InvalidArgument.name(), format!("{name} is not UTF-8")))
}

type ExportedBackend = Exported<BackendTable, Mutex<Box<dyn BackendImplementation>>>;
type ExportedExecutable = Exported<ExecutableTable, Mutex<Box<dyn ExecutableImplementation>>>;
type ExportedWeights = Exported<WeightSourceTable, Box<dyn WeightSourceImplementation>>;

impl Backend {
    /// Offers a Rust device as a table and holds its first reference.
    pub fn export(implementation: impl BackendImplementation) -> Self {
        let object: Mutex<Box<dyn BackendImplementation>> = Mutex::new(Box::new(implementation));
        let table = ExportedBackend::allocate(object, |context| BackendTable {
            size: size_of::<BackendTable>() as u32,
            version: BACKEND_TABLE_VERSION,
            context,
            compile: backend_compile,
            last_error: copy_last_error,
            retain: ExportedBackend::retain,
            release: ExportedBackend::release,
        });
        own(table, |table| {
            // SAFETY: the table was just made and holds one reference.
            unsafe { Self::from_table(table) }
        })
    }
}

impl Executable {
    /// Offers a Rust executable as a table and holds its first reference.
    pub fn export(implementation: Box<dyn ExecutableImplementation>) -> Self {
        own(export_executable(implementation), |table| {
            // SAFETY: the table was just made and holds one reference.
            unsafe { Self::from_table(table) }
        })
    }
}

impl WeightSource {
    /// Offers a Rust weight source as a table and holds its first reference.
    pub fn export(implementation: impl WeightSourceImplementation) -> Self {
        let object: Box<dyn WeightSourceImplementation> = Box::new(implementation);
        let table = ExportedWeights::allocate(object, |context| WeightSourceTable {
            size: size_of::<WeightSourceTable>() as u32,
            version: WEIGHT_SOURCE_TABLE_VERSION,
            context,
            read: weights_read,
            last_error: copy_last_error,
            retain: ExportedWeights::retain,
            release: ExportedWeights::release,
        });
        own(table, |table| {
            // SAFETY: the table was just made and holds one reference.
            unsafe { Self::from_table(table) }
        })
    }
}

/// Takes over a table of this very build, whose check cannot fail.
fn own<Table, Owner>(table: *const Table, take: impl FnOnce(*const Table) -> Result<Owner, BackendError>) -> Owner {
    match take(table) {
        Ok(owner) => owner,
        Err(error) => unreachable!("a table of this build fails its own check: {error}"),
    }
}

fn export_executable(implementation: Box<dyn ExecutableImplementation>) -> *const ExecutableTable {
    ExportedExecutable::allocate(Mutex::new(implementation), |context| ExecutableTable {
        size: size_of::<ExecutableTable>() as u32,
        version: EXECUTABLE_TABLE_VERSION,
        context,
        slot_operation: executable_slot_operation,
        begin_step: executable_begin_step,
        execute: executable_execute,
        map: executable_map,
        unmap: executable_unmap,
        end_step: executable_end_step,
        statistics: executable_statistics,
        last_error: copy_last_error,
        retain: ExportedExecutable::retain,
        release: ExportedExecutable::release,
    })
}

unsafe extern "C" fn backend_compile(
    context: *mut c_void,
    program: *const u8,
    program_length: usize,
    options: *const u8,
    options_length: usize,
    weights: *const WeightSourceTable,
    progress: Option<ProgressFunction>,
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

unsafe extern "C" fn executable_slot_operation(context: *mut c_void, operation: *const SlotOperationView) -> Status {
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

unsafe extern "C" fn executable_begin_step(context: *mut c_void, step: *const StepView) -> Status {
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

unsafe extern "C" fn executable_execute(context: *mut c_void, segment: u32) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, |object| object.execute(segment)) }
}

unsafe extern "C" fn executable_map(
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

unsafe extern "C" fn executable_unmap(context: *mut c_void, value: u32) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, |object| object.unmap(value)) }
}

unsafe extern "C" fn executable_end_step(context: *mut c_void) -> Status {
    // SAFETY: the context belongs to this table.
    unsafe { with_executable(context, ExecutableImplementation::end_step) }
}

unsafe extern "C" fn executable_statistics(context: *mut c_void, statistics: *mut ExecutableStatistics) -> Status {
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

unsafe extern "C" fn weights_read(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::StepSequenceView;

    struct Doubler {
        value: Vec<f32>,
        dropped: std::sync::Arc<AtomicUsize>,
    }

    impl Drop for Doubler {
        fn drop(&mut self) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl ExecutableImplementation for Doubler {
        fn slot_operation(&mut self, _operation: SlotOperation) -> Result<(), BackendError> {
            Err(BackendError::new("PROGRAM_INVALID", "no: slots"))
        }
        fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
            self.value = step.tokens.iter().map(|token| *token as f32).collect();
            Ok(())
        }
        fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
            assert_eq!(segment, 0, "only one segment");
            self.value.iter_mut().for_each(|value| *value *= 2.0);
            Ok(())
        }
        fn map(&mut self, _value: u32) -> Result<NonNull<[f32]>, BackendError> {
            Ok(NonNull::from(self.value.as_mut_slice()))
        }
        fn unmap(&mut self, _value: u32) -> Result<(), BackendError> {
            Ok(())
        }
        fn end_step(&mut self) -> Result<(), BackendError> {
            Ok(())
        }
        fn statistics(&self) -> ExecutableStatistics {
            ExecutableStatistics {
                steps: 3,
                ..ExecutableStatistics::default()
            }
        }
    }

    fn doubler() -> (Executable, std::sync::Arc<AtomicUsize>) {
        let dropped = std::sync::Arc::new(AtomicUsize::new(0));
        let implementation = Doubler {
            value: Vec::new(),
            dropped: dropped.clone(),
        };
        (Executable::export(Box::new(implementation)), dropped)
    }

    #[test]
    fn a_step_goes_through_the_table() {
        let (mut executable, dropped) = doubler();
        let sequences = [StepSequenceView {
            slot: 0,
            start_position: 0,
            token_count: 2,
            output_rows: 1,
        }];
        let step = Step {
            number: 1,
            sequences: &sequences,
            tokens: &[3, 4],
        };
        executable.begin_step(&step).unwrap();
        executable.execute(0).unwrap();
        assert_eq!(executable.with_value(0, |rows| rows.to_vec()).unwrap(), [6.0, 8.0]);
        executable.end_step().unwrap();
        assert_eq!(executable.statistics().unwrap().steps, 3);
        let wrong = Step { tokens: &[3], ..step };
        assert_eq!(
            executable.begin_step(&wrong).unwrap_err().code,
            "INTERNAL_INVALID_ARGUMENT"
        );
        // SAFETY: the table of a live executable.
        let second = unsafe { Executable::retain_table(executable.table()).unwrap() };
        drop(executable);
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        drop(second);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn errors_keep_their_code_and_panics_lock_the_object_out() {
        let (mut executable, _) = doubler();
        let error = executable.slot_operation(SlotOperation::Free { slot: 0 }).unwrap_err();
        assert_eq!(error, BackendError::new("PROGRAM_INVALID", "no: slots"));
        assert_eq!(executable.execute(7).unwrap_err().code, "INTERNAL_PANIC");
        assert_eq!(executable.execute(0).unwrap_err().code, "INTERNAL_PANIC");
    }

    #[test]
    fn a_table_of_another_version_is_refused_by_name() {
        let (executable, _) = doubler();
        // SAFETY: a live table.
        let mut foreign = unsafe { *executable.table() };
        foreign.version = 99;
        // SAFETY: a readable table; the check fails before anything is called.
        let error = unsafe { Executable::from_table(&raw const foreign).unwrap_err() };
        assert_eq!(error.code, "PLUGIN_VERSION_MISMATCH");
        assert!(error.message.contains("99"), "{error}");
        // SAFETY: null is allowed.
        assert!(unsafe { Backend::from_table(std::ptr::null()) }.is_err());
    }
}
