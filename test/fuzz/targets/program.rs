//! Member programs and compile options. What parsing accepts must survive being written and read again, and must run:
//! a backend relies on what validation promises, so the plain one compiles and steps every small enough program.
//!
//! The input is the program's JSON, and after a zero byte the options' JSON (none: fixed ones).

#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_abi::backend::{
    Backend, BackendError, Executable, SlotOperation, Step, StepSequenceView, WeightSource, WeightSourceImplementation,
};
use shoal_program::{
    Communication, CompileOptions, ErrorCode, MemberProgram, ProgramInput, ProgramLimits, StateStorage,
};
use shoal_reference::ReferenceBackend;

/// Weights that are all zero but for a few, so that nothing depends on a checkpoint.
struct Patterned;

impl WeightSourceImplementation for Patterned {
    fn read(&self, _name: &str, _first: u64, _count: u64, _storage: u32, into: &mut [u8]) -> Result<(), BackendError> {
        into.fill(0);
        for element in into.chunks_exact_mut(4).step_by(3) {
            element.copy_from_slice(&0.5_f32.to_le_bytes());
        }
        Ok(())
    }
}

fn options_of(text: &str) -> CompileOptions {
    let fixed = CompileOptions {
        slot_count: 2,
        context_length: 16,
        state_storage: StateStorage::F32,
        maximum_step_tokens: 4,
    };
    let Ok(options) = serde_json::from_str::<CompileOptions>(text) else {
        return fixed;
    };
    let written = serde_json::to_string(&options).expect("options are plain numbers");
    assert_eq!(serde_json::from_str::<CompileOptions>(&written).ok(), Some(options));
    // The engine refuses sizes of 0, and plans bound the rest.
    CompileOptions {
        slot_count: options.slot_count.clamp(1, 4),
        context_length: options.context_length.clamp(1, 64),
        maximum_step_tokens: options.maximum_step_tokens.clamp(1, 8),
        ..options
    }
}

/// Whether a program can be run without waiting for it.
fn is_small(program: &MemberProgram) -> bool {
    let elements = |shape: &[u64]| shape.iter().product::<u64>();
    let weights = program
        .weights
        .values()
        .map(|weight| elements(&weight.shape))
        .try_fold(0_u64, u64::checked_add);
    let columns = program
        .values
        .values()
        .map(|value| value.width)
        .try_fold(0_u64, u64::checked_add);
    let operations: usize = program.segments.iter().map(|segment| segment.operations.len()).sum();
    weights.is_some_and(|sum| sum <= 1 << 16) && columns.is_some_and(|sum| sum <= 1 << 13) && operations <= 64
}

fn step(program: &MemberProgram, json: &str, options: &CompileOptions) -> Result<(), BackendError> {
    let options_json = serde_json::to_string(options).expect("options are plain numbers");
    let mut backend = Backend::export(ReferenceBackend);
    let source = WeightSource::export(Patterned);
    let mut executable = backend.compile(json, &options_json, &source, &mut |_, _| true)?;
    let token_count = options.maximum_step_tokens.min(options.context_length).min(2);
    for number in 1..=2 {
        let start_position = (number as u32 - 1) * token_count;
        if start_position + token_count > options.context_length {
            break;
        }
        let sequence = StepSequenceView {
            slot: 0,
            start_position,
            token_count,
            output_rows: 1,
        };
        let tokens = vec![0; token_count as usize];
        executable.begin_step(&Step {
            number,
            sequences: &[sequence],
            tokens: &tokens,
        })?;
        // As the driver does: what comes from elsewhere is written before it is used.
        let fill = |executable: &mut Executable, name: &str| match program.boundary_index(name) {
            Some(value) => executable.with_value(value, |rows| rows.fill(0.25)),
            None => Ok(()),
        };
        if let ProgramInput::Hidden { value, .. } = &program.input {
            fill(&mut executable, value)?;
        }
        for (index, segment) in program.segments.iter().enumerate() {
            executable.execute(index as u32)?;
            match &segment.communication {
                Some(Communication::AllReduceSum { value }) => fill(&mut executable, value)?,
                Some(Communication::AllGather { output, .. }) => fill(&mut executable, output)?,
                None => {}
            }
        }
        for value in 0..program.boundary_values.len() {
            executable.with_value(value as u32, |rows| std::hint::black_box(rows.len()))?;
        }
        executable.end_step()?;
    }
    executable.slot_operation(SlotOperation::Free { slot: 0 })
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (json, options) = text.split_once('\0').unwrap_or((text, ""));
    let limits = ProgramLimits {
        expression_nodes: 256,
        ..ProgramLimits::default()
    };
    let program = match MemberProgram::parse_within(json, &limits) {
        Ok(program) => program,
        Err(error) => {
            let known = [
                ErrorCode::Invalid,
                ErrorCode::OperationUnsupported,
                ErrorCode::VersionMismatch,
            ];
            assert!(known.contains(&error.code), "{error}");
            return;
        }
    };
    let written = program.to_json().expect("what was read can be written");
    assert_eq!(MemberProgram::parse_within(&written, &limits).as_ref(), Ok(&program));
    let options = options_of(options);
    if is_small(&program)
        && let Err(error) = step(&program, json, &options)
    {
        // Known names that the plain backend does not run are named as such.
        assert_eq!(error.code, "PROGRAM_OPERATION_UNSUPPORTED", "{}", error.message);
    }
});
