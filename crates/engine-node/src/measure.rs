//! Timing a device of ggml.

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use shoal_engine::{
    EngineError, MeasureOptions, MeasuredAttention, MeasuredRates, measure_attention, measure_operation_overhead,
    measure_rates,
};
use shoal_program::StorageType;

use crate::device::{GgmlDeviceOptions, open};
use crate::error::{Code, Failure, border};
use crate::fabric::read_json;
use crate::member::LoadAbort;
use crate::promise;

/// What JavaScript asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    device: GgmlDeviceOptions,
    storage_types: Vec<StorageType>,
    /// Whether to measure one core beside all of them.
    one_core: bool,
    weight_bytes: f64,
    /// For the rounds of each figure.
    duration_milliseconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    rates: Vec<Rate>,
    operation_overhead_microseconds: f64,
    attention: Vec<Attention>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attention {
    head_size: u64,
    #[serde(flatten)]
    outcome: Outcome<MeasuredAttention>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rate {
    storage: StorageType,
    #[serde(flatten)]
    all_cores: Outcome<MeasuredRates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_core: Option<Outcome<MeasuredRates>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<Figures> {
    Measured(Figures),
    Failed { failure: String },
}

impl<Figures> Outcome<Figures> {
    /// A storage type, or an operation, that cannot be measured says nothing of the others.
    ///
    /// # Errors
    /// `ABORTED`.
    fn of(measured: Result<Figures, EngineError>) -> Result<Self, EngineError> {
        match measured {
            Ok(figures) => Ok(Self::Measured(figures)),
            Err(error) if error.code == "ABORTED" => Err(error),
            Err(error) => Ok(Self::Failed {
                failure: error.to_string(),
            }),
        }
    }
}

/// Times a device on a thread of its own and returns a promise of the report as JSON.
#[napi(ts_return_type = "Promise<string>")]
pub fn measure_ggml_device<'env>(
    env: &'env Env,
    order_json: String,
    abort: &LoadAbort,
) -> napi::Result<Object<'env>, Code> {
    border(|| {
        let order: Order = read_json("order to measure a device", &order_json)?;
        let abort = abort.flag();
        promise::spawn(
            env,
            "shoal-measure",
            move || measure(order, &mut || !abort.is_raised()),
            |_env, report| Ok(report),
        )
    })
}

/// Sizes of heads that attention is timed with: what others take lies on the line through them.
const HEAD_SIZES: [u64; 2] = [64, 128];

fn measure(order: Order, go_on: &mut dyn FnMut() -> bool) -> Result<String, Failure> {
    let duration = Duration::from_secs_f64((order.duration_milliseconds / 1e3).clamp(0.0, 60.0));
    let one_core = GgmlDeviceOptions {
        threads: Some(1),
        device: order.device.device.clone(),
        library_directory: order.device.library_directory.clone(),
    };
    let mut all = open(order.device)?;
    let mut one = if order.one_core { Some(open(one_core)?) } else { None };
    let overhead = measure_operation_overhead(&mut all, duration, go_on)?;
    let attention = HEAD_SIZES
        .iter()
        .map(|&head_size| {
            let outcome = Outcome::of(measure_attention(&mut all, head_size, duration, go_on))?;
            Ok::<_, EngineError>(Attention { head_size, outcome })
        })
        .collect::<Result<_, _>>()?;
    let mut rates = Vec::with_capacity(order.storage_types.len());
    for storage in order.storage_types {
        let options = MeasureOptions {
            storage,
            weight_bytes: order.weight_bytes.max(0.0) as u64,
            duration,
        };
        let mut outcome = |backend| Outcome::of(measure_rates(backend, options, go_on));
        rates.push(Rate {
            storage,
            all_cores: outcome(&mut all)?,
            one_core: one.as_mut().map(outcome).transpose()?,
        });
    }
    let report = Report {
        rates,
        operation_overhead_microseconds: overhead * 1e6,
        attention,
    };
    serde_json::to_string(&report).map_err(|error| Failure::new("INTERNAL", format!("report: {error}")))
}
