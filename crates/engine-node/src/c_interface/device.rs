//! Devices in C: those of ggml, and tables that the caller filled.

use std::ffi::c_char;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoal_abi::Status;
use shoal_abi::backend::{Backend, BackendTable};

use super::border::{ErrorText, border, copy_whole, quiet_border, read, write};
use crate::device;
use crate::error::Failure;
use crate::fabric::read_json;
use crate::numbered::Numbered;
use crate::probe;

/// An open device.
pub type Device = u64;

/// Calls on one backend never overlap.
pub struct OpenDevice {
    backend: Mutex<Backend>,
}

impl OpenDevice {
    fn backend(&self) -> MutexGuard<'_, Backend> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device for one more user.
    pub fn share(&self) -> Result<Backend, Failure> {
        // SAFETY: the table is live, because this object holds a reference.
        Ok(unsafe { Backend::retain_table(self.backend().table())? })
    }
}

static DEVICES: Numbered<OpenDevice> = Numbered::new();

/// The device with a number.
pub fn device_of(number: Device) -> Result<Arc<OpenDevice>, Failure> {
    DEVICES.get(number).ok_or_else(|| {
        let message = format!("there is no open device with the number {number}");
        Failure::new("BACKEND_DEVICE_UNAVAILABLE", message)
    })
}

/// Looks at the processor and writes what it finds as JSON: `CpuProperties` of `index.d.ts`, or
/// `{"unavailable": "CODE: message"}`. An absent library is no failure of this function.
///
/// `directory` is the folder of ggml's libraries, of length 0 for where they are found by default. A process loads ggml
/// once: the folder of the first call, or of the first device, is that of all later ones.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_probe_cpu(
    directory: *const c_char,
    directory_length: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        let directory = unsafe { read("directory", directory, directory_length)? };
        let found = probe::probe((!directory.is_empty()).then(|| directory.to_owned()));
        let json = match &found {
            Ok(properties) => serde_json::to_string(properties),
            Err(unavailable) => serde_json::to_string(unavailable),
        };
        let json = json.map_err(|error| Failure::new("INTERNAL", error.to_string()))?;
        // SAFETY: as above.
        unsafe { copy_whole("the description of the processor", &json, buffer, capacity, length) }
    })
}

/// Opens a device of ggml. `options` is the JSON of `GgmlDeviceOptions`: `{"device": "cpu", "threads": 4,
/// "libraryDirectory": "…"}`, of which only `device` is needed.
///
/// # Safety
/// Pointers are null or valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_device_open(
    options: *const c_char,
    options_length: usize,
    device: *mut Device,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        let options = unsafe { read("options of the device", options, options_length)? };
        let backend = device::open(read_json("options of the device", options)?)?;
        // SAFETY: as above.
        unsafe { keep(backend, device) }
    })
}

/// Makes a device of a `ShoalBackendTable` that the caller, or another library, filled: a backend of one's own. The
/// device holds a reference of its own until it is closed and no member uses it.
///
/// # Safety
/// `table` is null or the address of a live table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shoal_device_import(
    table: *const BackendTable,
    device: *mut Device,
    error: *mut c_char,
    error_capacity: usize,
) -> Status {
    // SAFETY: the caller's promise, here and for all pointers below.
    let error = unsafe { ErrorText::new(error, error_capacity) };
    border(error, || {
        // SAFETY: as above.
        unsafe { keep(Backend::retain_table(table)?, device) }
    })
}

/// # Safety
/// `device` is null or points to a writable number.
unsafe fn keep(backend: Backend, device: *mut Device) -> Result<(), Failure> {
    let number = DEVICES.insert(Arc::new(OpenDevice {
        backend: Mutex::new(backend),
    }));
    // SAFETY: passed on to the caller.
    unsafe { write("device", device, number) }.inspect_err(|_| drop(DEVICES.remove(number)))
}

/// The table of a device, for calls without an engine; null when it is not open. Valid until the device is closed.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_device_table(device: Device) -> *const BackendTable {
    device_of(device).map_or(ptr::null(), |device| device.backend().table())
}

/// Gives a device up; a member that uses it keeps it until the member closes. Closing twice does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn shoal_device_close(device: Device) {
    quiet_border(|| drop(DEVICES.remove(device)));
}
