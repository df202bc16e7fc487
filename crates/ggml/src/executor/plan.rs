//! Graphs for the shapes of steps, kept for reuse.

use shoal_abi::backend::{BackendError, Step};

use crate::executor::states::POSITION_GRANULARITY;
use crate::graph::Graph;
use crate::tensor::Arena;

/// What the graphs of a step depend on; everything else of a step is input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepShape {
    /// Positions that attention looks at, a multiple of [`POSITION_GRANULARITY`].
    pub positions: usize,
    /// Slot and rows of each sequence.
    pub sequences: Vec<(u32, usize)>,
    /// Rows whose outputs are wanted.
    pub output_rows: usize,
}

/// Sequences in neighbouring slots with equally many rows, which one attention serves together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Row of the step at which it begins.
    pub first_row: usize,
    /// Slot of its first sequence.
    pub first_slot: u32,
    /// Rows of each sequence.
    pub token_count: usize,
    /// Sequences.
    pub sequence_count: usize,
}

impl StepShape {
    /// The shape of a step whose longest sequence fits `stride` positions.
    pub(crate) fn of(step: &Step<'_>, stride: usize) -> Self {
        let longest = step
            .sequences
            .iter()
            .map(|sequence| sequence.start_position + sequence.token_count)
            .max();
        Self {
            positions: (longest.unwrap_or(0) as usize)
                .next_multiple_of(POSITION_GRANULARITY)
                .min(stride),
            sequences: step
                .sequences
                .iter()
                .map(|item| (item.slot, item.token_count as usize))
                .collect(),
            output_rows: step.output_row_count(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.sequences.iter().map(|(_, rows)| rows).sum()
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut row = 0;
        for &(slot, token_count) in &self.sequences {
            match runs.last_mut() {
                Some(run)
                    if run.token_count == token_count
                        && u64::from(run.first_slot) + run.sequence_count as u64 == u64::from(slot) =>
                {
                    run.sequence_count += 1;
                }
                _ => runs.push(Run {
                    first_row: row,
                    first_slot: slot,
                    token_count,
                    sequence_count: 1,
                }),
            }
            row += token_count;
        }
        runs
    }
}

/// The graphs of one shape: one for each segment, none for a segment without work.
#[derive(Debug)]
pub(crate) struct StepPlan {
    pub shape: StepShape,
    pub graphs: Vec<Option<SegmentGraph>>,
}

/// One segment's graph with the arena that holds it.
#[derive(Debug)]
pub(crate) struct SegmentGraph {
    pub graph: Graph,
    pub _arena: Arena,
}

/// The plans that were used last.
#[derive(Debug, Default)]
pub(crate) struct PlanCache {
    /// The most recently used one comes last.
    plans: Vec<StepPlan>,
}

impl PlanCache {
    /// Enough for a mix of decode batches and prompts; a plan of 16 layers holds a few megabytes of descriptions.
    const CAPACITY: usize = 16;

    /// Puts the plan of this shape last and returns it, if there is one.
    pub(crate) fn find(&mut self, shape: &StepShape) -> Option<&StepPlan> {
        let index = self.plans.iter().rposition(|plan| plan.shape == *shape)?;
        let last = self.plans.len() - 1;
        if index != last {
            self.plans[index..].rotate_left(1);
        }
        self.plans.last()
    }

    /// The plan that was found or added last.
    pub(crate) fn current(&self) -> Result<&StepPlan, BackendError> {
        self.plans
            .last()
            .ok_or_else(|| BackendError::failed("there is no plan for this step"))
    }

    pub(crate) fn add(&mut self, plan: StepPlan) {
        if self.plans.len() >= Self::CAPACITY {
            self.plans.remove(0);
        }
        self.plans.push(plan);
    }

    pub(crate) fn clear(&mut self) {
        self.plans.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_slots_with_equal_rows_run_together() {
        let shape = StepShape {
            positions: 256,
            sequences: vec![(0, 1), (1, 1), (3, 1), (4, 2), (5, 2)],
            output_rows: 5,
        };
        let run = |first_row, first_slot, token_count, sequence_count| Run {
            first_row,
            first_slot,
            token_count,
            sequence_count,
        };
        assert_eq!(shape.runs(), vec![run(0, 0, 1, 2), run(2, 3, 1, 1), run(3, 4, 2, 2)]);
        assert_eq!(shape.rows(), 7);
    }

    #[test]
    fn the_least_recently_used_plan_goes_first() {
        let plan = |slot| StepPlan {
            shape: StepShape {
                positions: 256,
                sequences: vec![(slot, 1)],
                output_rows: 1,
            },
            graphs: Vec::new(),
        };
        let mut cache = PlanCache::default();
        for slot in 0..PlanCache::CAPACITY as u32 {
            cache.add(plan(slot));
        }
        assert!(cache.find(&plan(0).shape).is_some());
        assert_eq!(cache.current().unwrap().shape, plan(0).shape);
        cache.add(plan(1000));
        assert!(cache.find(&plan(1).shape).is_none());
        assert!(cache.find(&plan(0).shape).is_some());
    }
}
