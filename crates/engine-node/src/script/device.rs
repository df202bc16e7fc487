//! The backend side: compiles by asking JavaScript to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use shoal_abi::ErrorCode;
use shoal_abi::backend::{BackendError, BackendImplementation, ExecutableImplementation, WeightSource};
use shoal_program::{CompileOptions, MemberProgram, StorageType};

use super::call::{Argument, Call};
use super::compile_job::{CompileProgress, ScriptCompileJob};
use super::executable::ScriptExecutable;
use super::port::{AnsweredBy, Port, too_slow};

/// A device in JavaScript behind a port.
pub struct ScriptDevice {
    port: Arc<Port>,
    last_executable: u32,
}

impl ScriptDevice {
    /// The device at the other end of `port`.
    pub fn new(port: Arc<Port>) -> Self {
        Self {
            port,
            last_executable: 0,
        }
    }
}

impl BackendImplementation for ScriptDevice {
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError> {
        let parsed = MemberProgram::parse(program)
            .map_err(|error| BackendError::new(error.code.name(), error.message.clone()))?;
        let sizes: CompileOptions = serde_json::from_str(options).map_err(|error| {
            BackendError::new(
                ErrorCode::InvalidArgument.name(),
                format!("the compile options cannot be read: {error}"),
            )
        })?;
        // SAFETY: a live table of the caller; this takes a reference of its own, because JavaScript reads later.
        let weights = unsafe { WeightSource::retain_table(weights.table())? };
        self.last_executable += 1;
        let executable = self.last_executable;
        let state = Arc::new(CompileProgress {
            read_bytes: AtomicU64::new(0),
            is_aborted: AtomicBool::new(false),
        });
        let question = self.port.open();
        let job = ScriptCompileJob::new(
            self.port.clone(),
            question.number(),
            program,
            options,
            weights,
            state.clone(),
        );
        let call = Call {
            name: "compile",
            executable,
            argument: Argument::Compile(Box::new(job)),
        };
        self.port.send(&question, call, AnsweredBy::Job);

        let total_bytes = weight_bytes(&parsed);
        let allowed = self.port.timeouts.compile;
        let mut seen = (0, Instant::now());
        let outcome = self.port.wait(&question, || {
            let read_bytes = state.read_bytes.load(Ordering::Relaxed).min(total_bytes);
            if read_bytes != seen.0 {
                seen = (read_bytes, Instant::now());
            }
            if !progress(read_bytes, total_bytes) {
                return Err(BackendError::new("ABORTED", "the load was given up"));
            }
            match seen.1.elapsed() < allowed {
                true => Ok(()),
                false => Err(too_slow("compile", allowed)),
            }
        });
        let outcome = outcome.and_then(|answer| answer);
        if outcome.is_err() {
            state.is_aborted.store(true, Ordering::Relaxed);
            self.port.tell(Call {
                name: "release",
                executable,
                argument: Argument::None,
            });
        }
        outcome?;
        progress(total_bytes, total_bytes);
        Ok(Box::new(ScriptExecutable::new(
            self.port.clone(),
            executable,
            &parsed,
            sizes,
            total_bytes,
        )))
    }
}

/// Bytes of all weights as F32, the form in which JavaScript reads them.
fn weight_bytes(program: &MemberProgram) -> u64 {
    program
        .weights
        .values()
        .filter_map(|weight| StorageType::F32.bytes(weight.row_count().checked_mul(weight.row_elements())?))
        .fold(0, u64::saturating_add)
}
