//! ggml, loaded once per process.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{
    Base, GGML_LOG_LEVEL_CONT, GGML_LOG_LEVEL_WARN, Loaded, Options, Registration, Rejected, ggml_log_level, load,
};

use crate::device::Device;

/// Where to load ggml from, and which variant of its CPU library.
pub type LoadOptions = Options;

/// The loaded library. It lives as long as the process, because its threads and tables do.
pub struct Library {
    loaded: Loaded,
}

impl fmt::Debug for Library {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Library").field(&self.loaded.directory).finish()
    }
}

/// The one library of this process, once loaded.
static LOADED: Mutex<Option<&'static Library>> = Mutex::new(None);

impl Library {
    /// Loads ggml, or returns what was loaded before.
    ///
    /// A process holds one ggml: a second call with another folder or CPU variant is an error, since two copies would
    /// resolve each other's symbols.
    ///
    /// # Errors
    /// `BACKEND_LIBRARY_MISSING` with the folders or libraries that were tried; `BACKEND_DEVICE_UNAVAILABLE` when the
    /// process holds another one.
    pub fn load(options: &LoadOptions) -> Result<&'static Self, BackendError> {
        let mut slot = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = *slot {
            library.check_same(options)?;
            return Ok(library);
        }
        let loaded = load(options).map_err(|error| BackendError::new("BACKEND_LIBRARY_MISSING", error.to_string()))?;
        // SAFETY: the callback is a plain function without state; time must be initialised before backends measure it.
        unsafe {
            (loaded.base.ggml_log_set)(Some(log), std::ptr::null_mut());
            (loaded.base.ggml_time_init)();
        }
        let library: &'static Self = Box::leak(Box::new(Self { loaded }));
        *slot = Some(library);
        Ok(library)
    }

    fn check_same(&self, options: &LoadOptions) -> Result<(), BackendError> {
        let same_directory = options
            .directory
            .as_ref()
            .is_none_or(|directory| same_file(directory, &self.loaded.directory));
        let same_variant = options
            .cpu_variant
            .as_ref()
            .is_none_or(|variant| self.loaded.registrations[0].name == format!("ggml-cpu-{variant}"));
        if same_directory && same_variant {
            return Ok(());
        }
        Err(unavailable(format!(
            "this process already uses {} from {}; start another process for another one",
            self.loaded.registrations[0].name,
            self.loaded.directory.display()
        )))
    }

    /// Every device of every loaded backend library, the processor first.
    pub fn devices(&'static self) -> Vec<Device> {
        self.loaded
            .registrations
            .iter()
            .flat_map(|registration| Device::all_of(self, registration))
            .collect()
    }

    /// The device with this name (`CPU`, `Vulkan0` …), whatever the case of its letters.
    ///
    /// # Errors
    /// `BACKEND_DEVICE_UNAVAILABLE` with the names there are, and why the other libraries are not in use.
    pub fn device(&'static self, name: &str) -> Result<Device, BackendError> {
        let devices = self.devices();
        if let Some(device) = devices.iter().find(|device| device.name().eq_ignore_ascii_case(name)) {
            return Ok(*device);
        }
        let names: Vec<String> = devices.iter().map(Device::name).collect();
        let mut message = format!("there is no device {name}; there is {}", names.join(", "));
        for Rejected { name, reason } in self.rejected() {
            message.push_str(&format!("; {name}: {reason}"));
        }
        Err(unavailable(message))
    }

    /// The backend libraries in use, the processor's first, for instance `ggml-cpu-zen4`.
    pub fn registrations(&self) -> &[Registration] {
        &self.loaded.registrations
    }

    /// The backend libraries that are there but not in use, with the reasons.
    pub fn rejected(&self) -> &[Rejected] {
        &self.loaded.rejected
    }

    /// The folder that the libraries came from.
    pub fn directory(&self) -> &Path {
        &self.loaded.directory
    }

    /// ggml's version, for instance `0.26.0`.
    pub fn version(&self) -> String {
        // SAFETY: a static string.
        unsafe { text((self.functions().ggml_version)()) }
    }

    pub(crate) fn functions(&self) -> &Base {
        &self.loaded.base
    }
}

fn unavailable(message: String) -> BackendError {
    BackendError::new(ErrorCode::BackendDeviceUnavailable.name(), message)
}

fn same_file(left: &Path, right: &Path) -> bool {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    canonical(left) == canonical(right)
}

/// Copies a C string; null is empty.
///
/// # Safety
/// `pointer` is null or a C string that lives during the call.
pub(crate) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: not null, and a C string by the caller's word.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Lets warnings and errors of ggml through to standard error; the rest is of use to ggml's developers only.
unsafe extern "C" fn log(level: ggml_log_level, message: *const c_char, _: *mut c_void) {
    if level >= GGML_LOG_LEVEL_WARN && level != GGML_LOG_LEVEL_CONT {
        // SAFETY: ggml hands over a C string.
        eprint!("ggml: {}", unsafe { text(message) });
    }
}
