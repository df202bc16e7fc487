//! A compile as JavaScript sees it: the program, its weights, and where the outcome goes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::Float32ArraySlice;
use napi_derive::napi;
use shoal_abi::backend::{BackendError, STORAGE_F32, WeightSource};

use super::port::{Port, parse_error};
use crate::error::{Code, Failure, border};

/// What the compiling thread and JavaScript both see of a compile.
pub struct CompileProgress {
    /// Bytes of F32 weights that were read.
    pub read_bytes: AtomicU64,
    /// The caller has given up.
    pub is_aborted: AtomicBool,
}

/// One compile that is to be settled by `resolve` or `reject`; one that is forgotten fails.
#[napi]
pub struct ScriptCompileJob {
    port: Arc<Port>,
    question: u64,
    program: String,
    options: String,
    weights: Mutex<Option<Arc<WeightSource>>>,
    progress: Arc<CompileProgress>,
}

impl ScriptCompileJob {
    /// A job that answers `question` of `port`.
    pub fn new(
        port: Arc<Port>,
        question: u64,
        program: &str,
        options: &str,
        weights: WeightSource,
        progress: Arc<CompileProgress>,
    ) -> Self {
        Self {
            port,
            question,
            program: program.to_owned(),
            options: options.to_owned(),
            weights: Mutex::new(Some(Arc::new(weights))),
            progress,
        }
    }

    fn weights(&self) -> Result<Arc<WeightSource>, Failure> {
        let weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        weights
            .clone()
            .ok_or_else(|| Failure::new("ENGINE_ABORTED", "the weights were released with their executable"))
    }
}

#[napi]
impl ScriptCompileJob {
    /// The member program as JSON.
    #[napi(getter)]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// `CompileOptions` as JSON.
    #[napi(getter)]
    pub fn options(&self) -> &str {
        &self.options
    }

    /// Writes rows of a weight, converted to F32, into `into`, which has exactly their size.
    #[napi]
    pub fn read_weight(
        &self,
        name: String,
        first_row: f64,
        row_count: f64,
        mut into: Float32ArraySlice<'_>,
    ) -> napi::Result<(), Code> {
        border(|| {
            if self.progress.is_aborted.load(Ordering::Relaxed) {
                return Err(Failure::new("ABORTED", "the load was given up"));
            }
            let (first_row, row_count) = (index("first row", first_row)?, index("row count", row_count)?);
            // SAFETY: JavaScript is waiting in this very call, so that nothing else touches its array.
            let numbers = unsafe { into.as_mut() };
            let byte_length = size_of_val(numbers);
            // SAFETY: numbers and bytes are both plain memory; the borrow covers the whole range.
            let bytes = unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u8>(), byte_length) };
            self.weights()?.read(&name, first_row, row_count, STORAGE_F32, bytes)?;
            self.progress
                .read_bytes
                .fetch_add(byte_length as u64, Ordering::Relaxed);
            Ok(())
        })
    }

    /// The executable is ready.
    #[napi]
    pub fn resolve(&self) {
        self.port.answer(self.question, Ok(()));
    }

    /// The compile failed; `text` is `CODE: message`.
    #[napi]
    pub fn reject(&self, text: String) {
        self.port.answer(self.question, Err(parse_error(&text)));
    }

    /// Lets go of the weights; reading fails from here on.
    #[napi]
    pub fn release(&self) {
        self.weights.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for ScriptCompileJob {
    fn drop(&mut self) {
        let forgotten = BackendError::failed("the script device never said how its compile ended");
        self.port.answer(self.question, Err(forgotten));
    }
}

fn index(what: &str, number: f64) -> Result<u64, Failure> {
    /// 2^53: larger doubles skip integers.
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && (0.0..=LARGEST_EXACT).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Failure::argument(format!(
            "the {what} must be a whole number from 0, got {number}"
        )))
    }
}
