//! Writing a checkpoint anew in other storage types.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use serde::Deserialize;
use shoal_program::StorageType;
use shoal_weights::{Checkpoint, Conversion, WeightError, convert_checkpoint};

use crate::error::{Code, Failure, border};
use crate::fabric::read_json;
use crate::member::LoadAbort;
use crate::promise;

/// Progress is reported this often at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// What JavaScript asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    model_directory: PathBuf,
    output_file: PathBuf,
    tensors: Vec<Tensor>,
    threads: Option<usize>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    storage: Option<StorageType>,
}

/// Writes a safetensors file on threads of its own and returns a promise of its end.
#[napi(ts_return_type = "Promise<void>")]
pub fn write_converted_checkpoint<'env>(
    env: &'env Env,
    order_json: String,
    on_progress: Function<'_, Vec<f64>, ()>,
    abort: &LoadAbort,
) -> napi::Result<Object<'env>, Code> {
    border(|| {
        let order: Order = read_json("order to convert a checkpoint", &order_json)?;
        let abort = abort.flag();
        let callback = on_progress
            .build_threadsafe_function::<Vec<f64>>()
            .build_callback(|context| Ok(context.value))?;
        let mut last: Option<Instant> = None;
        let mut progress = move |written: u64, total: u64| {
            let is_early = last.is_some_and(|last| last.elapsed() < PROGRESS_INTERVAL);
            if !is_early || written >= total {
                last = Some(Instant::now());
                callback.call(
                    vec![written as f64, total as f64],
                    ThreadsafeFunctionCallMode::NonBlocking,
                );
            }
            !abort.is_raised()
        };
        promise::spawn(
            env,
            "shoal-convert",
            move || {
                let conversions: Vec<Conversion> = order
                    .tensors
                    .into_iter()
                    .map(|Tensor { name, storage }| Conversion { tensor: name, storage })
                    .collect();
                let threads = order
                    .threads
                    .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
                let checkpoint = Checkpoint::open(&order.model_directory)?;
                convert_checkpoint(&checkpoint, &conversions, threads, &order.output_file, &mut progress)?;
                Ok(())
            },
            |_env, ()| Ok(()),
        )
    })
}

impl From<WeightError> for Failure {
    fn from(error: WeightError) -> Self {
        Self::new(error.code.name(), error.message)
    }
}
