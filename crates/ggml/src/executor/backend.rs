//! A device as a backend: opens it and compiles programs for it.

use shoal_abi::backend::{Backend, BackendError, BackendImplementation, ExecutableImplementation, WeightSource};
use shoal_program::{CompileOptions, MemberProgram, ProgramError};

use crate::device::Device;
use crate::executor::executable::GgmlExecutable;
use crate::library::{Library, LoadOptions};

/// Operations of the program language that this backend runs.
pub const OPERATIONS: &[&str] = &[
    "embedding",
    "linear",
    "add",
    "multiply",
    "multiply-groups",
    "multiply-vector",
    "add-vector",
    "scale",
    "clamp",
    "elementwise",
    "rms-norm",
    "layer-norm",
    "l2-norm",
    "rotary",
    "slice",
    "concat",
    "repeat",
    "select-outputs",
    "softmax",
    "sum-groups",
    "zeros",
    "attention",
    "gated-feed-forward",
];

/// Which device to open, and how.
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    /// Where to load ggml from.
    pub library: LoadOptions,
    /// Name of the device, for instance `CPU`; the case of letters does not matter.
    pub device: String,
    /// Compute threads on a processor, the calling one included; none takes as many as the system offers this process.
    /// Members that share a machine should share its cores out: ggml's threads spin at the barriers between operations,
    /// and a thread that waits for a core makes all the others wait.
    pub threads: Option<usize>,
}

/// Opens a device as a backend.
///
/// # Errors
/// `BACKEND_LIBRARY_MISSING` or `BACKEND_DEVICE_UNAVAILABLE`.
pub fn open(options: &OpenOptions) -> Result<Backend, BackendError> {
    let device = Library::load(&options.library)?.device(&options.device)?;
    let threads = options.threads.unwrap_or_else(default_threads).max(1);
    Ok(Backend::export(GgmlBackend { device, threads }))
}

fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

struct GgmlBackend {
    device: Device,
    threads: usize,
}

impl BackendImplementation for GgmlBackend {
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError> {
        let program = MemberProgram::parse(program).map_err(|error| program_error(&error))?;
        let options: CompileOptions = serde_json::from_str(options)
            .map_err(|error| invalid(format!("the compile options cannot be read: {error}")))?;
        let executable = GgmlExecutable::compile(self.device, self.threads, program, options, weights, progress)?;
        Ok(Box::new(executable))
    }
}

pub(crate) fn program_error(error: &ProgramError) -> BackendError {
    BackendError::new(error.code.name(), error.message.clone())
}

/// An argument that the caller should not have given.
pub(crate) fn invalid(message: impl Into<String>) -> BackendError {
    BackendError::new(shoal_abi::ErrorCode::InvalidArgument.name(), message)
}
