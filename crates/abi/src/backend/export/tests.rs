//! Tables that go round: a Rust implementation behind a table behind an owner.

use super::*;
use crate::backend::StepSequenceView;

struct Doubler {
    value: Vec<f32>,
    dropped: std::sync::Arc<AtomicUsize>,
}

impl Drop for Doubler {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl ExecutableImplementation for Doubler {
    fn slot_operation(&mut self, _operation: SlotOperation) -> Result<(), BackendError> {
        Err(BackendError::new("PROGRAM_INVALID", "no: slots"))
    }
    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        self.value = step.tokens.iter().map(|token| *token as f32).collect();
        Ok(())
    }
    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        assert_eq!(segment, 0, "only one segment");
        self.value.iter_mut().for_each(|value| *value *= 2.0);
        Ok(())
    }
    fn map(&mut self, _value: u32) -> Result<NonNull<[f32]>, BackendError> {
        Ok(NonNull::from(self.value.as_mut_slice()))
    }
    fn unmap(&mut self, _value: u32) -> Result<(), BackendError> {
        Ok(())
    }
    fn end_step(&mut self) -> Result<(), BackendError> {
        Ok(())
    }
    fn statistics(&self) -> ExecutableStatistics {
        ExecutableStatistics {
            steps: 3,
            ..ExecutableStatistics::default()
        }
    }
}

fn doubler() -> (Executable, std::sync::Arc<AtomicUsize>) {
    let dropped = std::sync::Arc::new(AtomicUsize::new(0));
    let implementation = Doubler {
        value: Vec::new(),
        dropped: dropped.clone(),
    };
    (Executable::export(Box::new(implementation)), dropped)
}

#[test]
fn a_step_goes_through_the_table() {
    let (mut executable, dropped) = doubler();
    let sequences = [StepSequenceView {
        slot: 0,
        start_position: 0,
        token_count: 2,
        output_rows: 1,
    }];
    let step = Step {
        number: 1,
        sequences: &sequences,
        tokens: &[3, 4],
    };
    executable.begin_step(&step).unwrap();
    executable.execute(0).unwrap();
    assert_eq!(executable.with_value(0, |rows| rows.to_vec()).unwrap(), [6.0, 8.0]);
    executable.end_step().unwrap();
    assert_eq!(executable.statistics().unwrap().steps, 3);
    let wrong = Step { tokens: &[3], ..step };
    assert_eq!(
        executable.begin_step(&wrong).unwrap_err().code,
        "INTERNAL_INVALID_ARGUMENT"
    );
    // SAFETY: the table of a live executable.
    let second = unsafe { Executable::retain_table(executable.table()).unwrap() };
    drop(executable);
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    drop(second);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn errors_keep_their_code_and_panics_lock_the_object_out() {
    let (mut executable, _) = doubler();
    let error = executable.slot_operation(SlotOperation::Free { slot: 0 }).unwrap_err();
    assert_eq!(error, BackendError::new("PROGRAM_INVALID", "no: slots"));
    assert_eq!(executable.execute(7).unwrap_err().code, "INTERNAL_PANIC");
    assert_eq!(executable.execute(0).unwrap_err().code, "INTERNAL_PANIC");
}

#[test]
fn a_table_of_another_version_is_refused_by_name() {
    let (executable, _) = doubler();
    // SAFETY: a live table.
    let mut foreign = unsafe { *executable.table() };
    foreign.version = 99;
    // SAFETY: a readable table; the check fails before anything is called.
    let error = unsafe { Executable::from_table(&raw const foreign).unwrap_err() };
    assert_eq!(error.code, "PLUGIN_VERSION_MISMATCH");
    assert!(error.message.contains("99"), "{error}");
    // SAFETY: null is allowed.
    assert!(unsafe { Backend::from_table(std::ptr::null()) }.is_err());
}
