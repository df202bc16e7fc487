//! One question to JavaScript, and how it looks there.

use std::ptr;
use std::sync::Arc;

use napi::bindgen_prelude::{Object, ToNapiValue, Uint32ArraySlice};
use napi::{Env, JsError, JsValue, sys};
use shoal_abi::backend::{SlotOperation, Step};

use super::compile_job::ScriptCompileJob;
use super::region::Region;

/// A question: which call, of which executable, with what.
pub struct Call {
    /// Name of the call, as `script-device.js` knows it.
    pub name: &'static str,
    /// Number of the executable, unique within the device.
    pub executable: u32,
    /// What the call is about.
    pub argument: Argument,
}

/// The third argument of the dispatcher.
pub enum Argument {
    /// Nothing: `undefined`.
    None,
    /// A program to compile.
    Compile(Box<ScriptCompileJob>),
    /// A slot operation: an object as in `core/src/spec/backend.ts`.
    SlotOperation(SlotOperation),
    /// A step.
    Step(StepArgument),
    /// Number of a segment.
    Segment(u32),
}

/// A step, and boundary values whose memory is new since the step before.
pub struct StepArgument {
    sequences: Vec<u32>,
    tokens: Vec<u32>,
    output_rows: u32,
    memory: Vec<(u32, Arc<Region>)>,
}

impl StepArgument {
    /// Copies a step.
    pub fn new(step: &Step<'_>, memory: Vec<(u32, Arc<Region>)>) -> Self {
        Self {
            sequences: step
                .sequences
                .iter()
                .flat_map(|one| [one.slot, one.start_position, one.token_count, one.output_rows])
                .collect(),
            tokens: step.tokens.to_vec(),
            output_rows: u32::try_from(step.output_row_count()).unwrap_or(u32::MAX),
            memory,
        }
    }

    fn into_object(self, env: &Env) -> napi::Result<Object<'_>> {
        let mut object = Object::new(env)?;
        object.set("sequences", Uint32ArraySlice::copy_from(env, &self.sequences)?)?;
        object.set("tokens", Uint32ArraySlice::copy_from(env, &self.tokens)?)?;
        object.set("outputRows", self.output_rows)?;
        let mut memory = env.create_array(0)?;
        for (value, region) in &self.memory {
            let mut entry = Object::new(env)?;
            entry.set("value", *value)?;
            entry.set("buffer", region.array_buffer(env)?)?;
            memory.insert(entry)?;
        }
        object.set("memory", memory)?;
        Ok(object)
    }
}

fn slot_operation_object(env: &Env, operation: SlotOperation) -> napi::Result<Object<'_>> {
    let mut object = Object::new(env)?;
    match operation {
        SlotOperation::Free { slot } => {
            object.set("kind", "free")?;
            object.set("slot", slot)?;
        }
        SlotOperation::Truncate { slot, length } => {
            object.set("kind", "truncate")?;
            object.set("slot", slot)?;
            object.set("length", length)?;
        }
        SlotOperation::Fork { from, to, length } => {
            object.set("kind", "fork")?;
            object.set("from", from)?;
            object.set("to", to)?;
            object.set("length", length)?;
        }
    }
    Ok(object)
}

/// An argument that cannot be made becomes an error object in its place, which the dispatcher gives back as the answer:
/// left to napi, it would end the process as an uncaught exception.
impl ToNapiValue for Argument {
    unsafe fn to_napi_value(env: sys::napi_env, argument: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: `env` is the current environment, as this function's caller promises.
        match unsafe { argument.into_value(env) } {
            Ok(value) => Ok(value),
            // SAFETY: as above.
            Err(error) => Ok(unsafe { JsError::from(error).into_value(env) }),
        }
    }
}

impl Argument {
    /// # Safety
    /// `env` is the current environment.
    unsafe fn into_value(self, env: sys::napi_env) -> napi::Result<sys::napi_value> {
        let environment = Env::from_raw(env);
        match self {
            Self::None => {
                let mut undefined = ptr::null_mut();
                // SAFETY: `env` is the current environment and the result is live.
                napi::check_status!(unsafe { sys::napi_get_undefined(env, &raw mut undefined) })?;
                Ok(undefined)
            }
            // SAFETY: `env` is the current environment.
            Self::Compile(job) => unsafe { ToNapiValue::to_napi_value(env, *job) },
            Self::SlotOperation(operation) => Ok(slot_operation_object(&environment, operation)?.raw()),
            Self::Step(step) => Ok(step.into_object(&environment)?.raw()),
            // SAFETY: `env` is the current environment.
            Self::Segment(segment) => unsafe { ToNapiValue::to_napi_value(env, segment) },
        }
    }
}
