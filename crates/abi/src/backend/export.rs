//! Rust implementations as tables: panics are caught, errors keep their text, references are counted.

mod functions;

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use super::error::BackendError;
use super::owner::{Backend, Executable, WeightSource};
use super::step::{SlotOperation, Step};
use super::{
    BACKEND_TABLE_VERSION, BackendTable, EXECUTABLE_TABLE_VERSION, ExecutableStatistics, ExecutableTable,
    WEIGHT_SOURCE_TABLE_VERSION, WeightSourceTable,
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
            compile: functions::backend_compile,
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
            read: functions::weights_read,
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
        slot_operation: functions::executable_slot_operation,
        begin_step: functions::executable_begin_step,
        execute: functions::executable_execute,
        map: functions::executable_map,
        unmap: functions::executable_unmap,
        end_step: functions::executable_end_step,
        statistics: functions::executable_statistics,
        last_error: copy_last_error,
        retain: ExportedExecutable::retain,
        release: ExportedExecutable::release,
    })
}

#[cfg(test)]
mod tests;
