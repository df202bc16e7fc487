//! A compiled member program: weights, states and graphs on one device.

use std::ptr::NonNull;
use std::time::Instant;

use shoal_abi::backend::{
    BackendError, ExecutableImplementation, ExecutableStatistics, SlotOperation, Step, StepSequenceView, WeightSource,
};
use shoal_program::{CompileOptions, MemberProgram, Operation, ValueRows};

use crate::device::Device;
use crate::executor::backend::invalid;
use crate::executor::inputs::Inputs;
use crate::executor::lower::{Parts, build};
use crate::executor::plan::{PlanCache, StepPlan, StepShape};
use crate::executor::states::States;
use crate::executor::values::{Place, Values};
use crate::executor::weights::Weights;
use crate::graph::{GraphAllocator, Session};

/// See the module's documentation. Fields are dropped in order: graphs before the memory that they point to, all
/// before the session.
pub(crate) struct GgmlExecutable {
    plans: PlanCache,
    allocator: GraphAllocator,
    weights: Weights,
    states: States,
    values: Values,
    inputs: Inputs,
    program: MemberProgram,
    options: CompileOptions,
    /// Token ids must be below this; none where no embedding is looked up here.
    vocabulary: Option<u32>,
    step: Option<RunningStep>,
    /// Copies of mapped values, by index, where the processor cannot use the device's memory.
    staging: Vec<Vec<f32>>,
    statistics: ExecutableStatistics,
    session: Session,
}

/// The step between `begin_step` and `end_step`.
struct RunningStep {
    number: u64,
    sequences: Vec<StepSequenceView>,
    rows: usize,
    output_rows: usize,
    /// The segment that must come next.
    next_segment: usize,
}

impl GgmlExecutable {
    /// Loads the weights, allocates state and memory for the largest step.
    ///
    /// # Errors
    /// Those of the parts; see [`Weights::load`], [`States::new`] and [`build`].
    pub(crate) fn compile(
        device: Device,
        threads: usize,
        program: MemberProgram,
        options: CompileOptions,
        source: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Self, BackendError> {
        check_options(&options)?;
        let memory = device.default_buffer_type()?;
        let rows = options.maximum_step_tokens as usize;
        let session = Session::open(device, threads)?;
        let states = States::new(device, memory, &program, &options)?;
        let values = Values::new(memory, &program, rows)?;
        let inputs = Inputs::new(memory, &program, rows, states.stride())?;
        let allocator = GraphAllocator::new(device, memory)?;
        let weights = Weights::load(device, threads, &program, rows, source, progress)?;
        let statistics = ExecutableStatistics {
            weight_bytes: weights.bytes() as u64,
            state_bytes: states.bytes() as u64,
            ..ExecutableStatistics::default()
        };
        let mut executable = Self {
            plans: PlanCache::default(),
            allocator,
            weights,
            states,
            values,
            inputs,
            vocabulary: vocabulary(&program),
            staging: vec![Vec::new(); program.boundary_values.len()],
            program,
            options,
            step: None,
            statistics,
            session,
        };
        executable.reserve()?;
        Ok(executable)
    }

    /// Builds the largest step once: memory for intermediate results is found now or the compile fails, and shapes that
    /// ggml cannot take show here and not in the middle of a request.
    fn reserve(&mut self) -> Result<(), BackendError> {
        let longest = self.options.maximum_step_tokens.min(self.options.context_length) as usize;
        let shape = StepShape {
            positions: self.states.stride(),
            sequences: vec![(0, longest)],
            output_rows: 1,
        };
        self.plan(&shape)
    }

    /// Makes the plan of this shape the current one, building it where it is not kept.
    fn plan(&mut self, shape: &StepShape) -> Result<(), BackendError> {
        if self.plans.find(shape).is_some() {
            return Ok(());
        }
        // The allocator's memory moves when it grows, which takes the place of every graph before, those of this very
        // plan included; it never shrinks, so that the second attempt stays where it is.
        for _ in 0..3 {
            let bytes = self.allocator.bytes();
            let plan = self.build_plan(shape)?;
            if self.allocator.bytes() == bytes || plan.graphs.iter().flatten().count() == 0 {
                self.plans.add(plan);
                return Ok(());
            }
            self.plans.clear();
        }
        Err(BackendError::failed("memory for intermediate results does not settle"))
    }

    fn build_plan(&mut self, shape: &StepShape) -> Result<StepPlan, BackendError> {
        let parts = Parts {
            library: self.session.device().library,
            program: &self.program,
            weights: &self.weights,
            states: &self.states,
            values: &self.values,
            inputs: &self.inputs,
        };
        let mut graphs = Vec::with_capacity(self.program.segments.len());
        for segment in &self.program.segments {
            let graph = build(parts, segment, shape)?;
            if let Some(graph) = &graph {
                self.allocator.place(graph.graph)?;
            }
            graphs.push(graph);
        }
        Ok(StepPlan {
            shape: shape.clone(),
            graphs,
        })
    }

    fn check_step(&self, step: &Step<'_>) -> Result<(), BackendError> {
        if step.tokens.is_empty() || step.tokens.len() > self.options.maximum_step_tokens as usize {
            return Err(invalid(format!(
                "step {} has {} tokens, this executable was compiled for 1 to {}",
                step.number,
                step.tokens.len(),
                self.options.maximum_step_tokens
            )));
        }
        let mut seen = Vec::with_capacity(step.sequences.len());
        for sequence in step.sequences {
            self.check_sequence(step.number, sequence)?;
            if seen.contains(&sequence.slot) {
                return Err(invalid(format!(
                    "step {} names slot {} twice",
                    step.number, sequence.slot
                )));
            }
            seen.push(sequence.slot);
        }
        let limit = self.vocabulary.unwrap_or(u32::MAX);
        if let Some(token) = step.tokens.iter().find(|token| **token >= limit) {
            return Err(invalid(format!(
                "step {} has token {token}, the vocabulary has {limit} entries",
                step.number
            )));
        }
        Ok(())
    }

    fn check_sequence(&self, step: u64, sequence: &StepSequenceView) -> Result<(), BackendError> {
        let stored = self.states.length(sequence.slot)?;
        let end = u64::from(sequence.start_position) + u64::from(sequence.token_count);
        if sequence.token_count == 0 || sequence.output_rows > sequence.token_count {
            return Err(invalid(format!(
                "step {step}, slot {}: {} tokens cannot give {} output rows",
                sequence.slot, sequence.token_count, sequence.output_rows
            )));
        }
        // A program without states keeps no positions, and needs none.
        if sequence.start_position as usize > stored {
            return Err(invalid(format!(
                "step {step}, slot {}: position {} does not follow the {stored} stored ones",
                sequence.slot, sequence.start_position
            )));
        }
        if end > u64::from(self.options.context_length) {
            return Err(invalid(format!(
                "step {step}, slot {}: position {} is beyond the context of {}",
                sequence.slot,
                end - 1,
                self.options.context_length
            )));
        }
        Ok(())
    }

    fn running(&self) -> Result<&RunningStep, BackendError> {
        self.step.as_ref().ok_or_else(|| invalid("no step has begun"))
    }

    fn boundary(&self, value: u32) -> Result<(Place, usize), BackendError> {
        let step = self.running()?;
        let name = self.program.boundary_values.get(value as usize);
        let name = name.ok_or_else(|| invalid(format!("there is no boundary value {value}")))?;
        let place = self
            .values
            .place(name)
            .ok_or_else(|| invalid(format!("value '{name}' has no place")))?;
        let rows = match place.rows {
            ValueRows::Tokens => step.rows,
            ValueRows::Outputs => step.output_rows,
        };
        Ok((place, rows * place.width))
    }
}

impl ExecutableImplementation for GgmlExecutable {
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        if let Some(step) = &self.step {
            return Err(invalid(format!("slots do not change inside step {}", step.number)));
        }
        match operation {
            SlotOperation::Free { slot } => self.states.truncate(slot, 0),
            SlotOperation::Truncate { slot, length } => self.states.truncate(slot, length as usize),
            SlotOperation::Fork { from, to, length } => self.states.fork(from, to, length as usize),
        }
    }

    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        if let Some(running) = &self.step {
            return Err(invalid(format!(
                "step {} begins inside step {}",
                step.number, running.number
            )));
        }
        self.check_step(step)?;
        let shape = StepShape::of(step, self.states.stride());
        self.plan(&shape)?;
        self.inputs.write(step, &shape, self.states.stride())?;
        self.weights.gather(step.tokens)?;
        self.statistics.steps += 1;
        self.step = Some(RunningStep {
            number: step.number,
            sequences: step.sequences.to_vec(),
            rows: step.tokens.len(),
            output_rows: shape.output_rows,
            next_segment: 0,
        });
        Ok(())
    }

    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        let expected = self.running()?.next_segment;
        if segment as usize != expected || expected >= self.program.segments.len() {
            return Err(invalid(format!(
                "segment {segment} was ordered, segment {expected} comes next"
            )));
        }
        let started = Instant::now();
        if let Some(graph) = self
            .plans
            .current()?
            .graphs
            .get(segment as usize)
            .and_then(Option::as_ref)
        {
            self.session.compute(graph.graph)?;
        }
        self.statistics.compute_nanoseconds += u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some(step) = &mut self.step {
            step.next_segment += 1;
        }
        Ok(())
    }

    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        let (place, length) = self.boundary(value)?;
        if length == 0 {
            return Ok(NonNull::slice_from_raw_parts(NonNull::dangling(), 0));
        }
        if let Some(address) = self.values.region.host_address(place.offset) {
            return Ok(NonNull::slice_from_raw_parts(address.cast(), length));
        }
        let staging = &mut self.staging[value as usize];
        staging.resize(length, 0.0);
        self.values.region.read(place.offset, staging)?;
        Ok(NonNull::from(staging.as_mut_slice()))
    }

    fn unmap(&mut self, value: u32) -> Result<(), BackendError> {
        let (place, length) = self.boundary(value)?;
        if length == 0 || self.values.region.host_address(place.offset).is_some() {
            return Ok(());
        }
        self.values.region.write(place.offset, &self.staging[value as usize])
    }

    fn end_step(&mut self) -> Result<(), BackendError> {
        let Some(step) = self.step.take() else {
            return Ok(());
        };
        // A step that did not run to its end leaves rows that nobody may rely on.
        if step.next_segment == self.program.segments.len() {
            for sequence in &step.sequences {
                self.states
                    .extend(sequence.slot, (sequence.start_position + sequence.token_count) as usize);
            }
        }
        Ok(())
    }

    fn statistics(&self) -> ExecutableStatistics {
        self.statistics
    }
}

/// Bounds that keep every product of sizes far from overflow; memory runs out long before.
fn check_options(options: &CompileOptions) -> Result<(), BackendError> {
    for (name, number, limit) in [
        ("slotCount", options.slot_count, 1 << 20),
        ("contextLength", options.context_length, 1 << 28),
        ("maximumStepTokens", options.maximum_step_tokens, 1 << 20),
    ] {
        if number == 0 || number > limit {
            return Err(invalid(format!("{name} is {number}, it must be from 1 to {limit}")));
        }
    }
    Ok(())
}

/// Entries of the smallest table that tokens are looked up in.
fn vocabulary(program: &MemberProgram) -> Option<u32> {
    let operations = program.segments.iter().flat_map(|segment| &segment.operations);
    let tables = operations.filter_map(|operation| match operation {
        Operation::Embedding { weight, .. } => program.weights.get(weight),
        _ => None,
    });
    tables
        .map(|weight| u32::try_from(weight.row_count()).unwrap_or(u32::MAX))
        .min()
}
