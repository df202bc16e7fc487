//! Measuring works on any backend's table, of any storage type, and can be given up.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use shoal_abi::backend::Backend;
use shoal_engine::{MeasureOptions, measure_attention, measure_operation_overhead, measure_rates};
use shoal_ggml::executor::{OpenOptions, open};
use shoal_program::StorageType;
use shoal_reference::ReferenceBackend;

fn cpu() -> Backend {
    open(&OpenOptions {
        device: "CPU".to_owned(),
        threads: Some(1),
        ..OpenOptions::default()
    })
    .unwrap()
}

fn options(storage: StorageType) -> MeasureOptions {
    MeasureOptions {
        storage,
        weight_bytes: 1,
        duration: Duration::ZERO,
    }
}

#[test]
fn every_storage_type_has_rates() {
    let mut backend = cpu();
    for storage in StorageType::ALL {
        let rates = measure_rates(&mut backend, options(storage), &mut || true).unwrap();
        assert!(rates.decode_bytes_per_second > 1e6, "{storage:?}: {rates:?}");
        assert!(rates.prefill_operations_per_second > 1e6, "{storage:?}: {rates:?}");
        assert!(rates.decode_bytes_per_second < 1e15, "{storage:?}: {rates:?}");
        assert!(rates.prefill_operations_per_second < 1e18, "{storage:?}: {rates:?}");
    }
}

#[test]
fn an_operation_costs_something() {
    let seconds = measure_operation_overhead(&mut cpu(), Duration::ZERO, &mut || true).unwrap();
    assert!(seconds > 0.0 && seconds < 1.0, "{seconds}");
}

#[test]
fn attention_has_rates() {
    for head_size in [64, 128] {
        let rates = measure_attention(&mut cpu(), head_size, Duration::ZERO, &mut || true).unwrap();
        for rate in [rates.decode_operations_per_second, rates.prefill_operations_per_second] {
            assert!(rate > 1e6 && rate < 1e15, "{rates:?}");
        }
    }
}

#[test]
fn a_backend_of_another_kind_is_measured_through_its_table() {
    let mut backend = Backend::export(ReferenceBackend);
    let seconds = measure_operation_overhead(&mut backend, Duration::ZERO, &mut || true).unwrap();
    assert!(seconds > 0.0, "{seconds}");
}

#[test]
fn a_measurement_can_be_given_up() {
    let mut calls = 0;
    let error = measure_rates(&mut cpu(), options(StorageType::F32), &mut || {
        calls += 1;
        calls < 3
    })
    .unwrap_err();
    assert_eq!(error.code, "ABORTED");
}
