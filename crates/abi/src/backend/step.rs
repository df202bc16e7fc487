//! Steps and slot operations on the Rust side of the tables.

use super::{SLOT_FORK, SLOT_FREE, SLOT_TRUNCATE, SlotOperationView, StepSequenceView};

/// A change of a slot's stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotOperation {
    /// Forget everything in the slot.
    Free {
        /// The slot.
        slot: u32,
    },
    /// Keep only the first `length` positions.
    Truncate {
        /// The slot.
        slot: u32,
        /// Positions that stay.
        length: u32,
    },
    /// Copy the first `length` positions of `from` over whatever `to` held.
    Fork {
        /// The slot that is read.
        from: u32,
        /// The slot that is written.
        to: u32,
        /// Positions that are copied.
        length: u32,
    },
}

impl SlotOperation {
    /// The form that crosses the table.
    pub fn view(self) -> SlotOperationView {
        let (kind, slot, target, length) = match self {
            Self::Free { slot } => (SLOT_FREE, slot, 0, 0),
            Self::Truncate { slot, length } => (SLOT_TRUNCATE, slot, 0, length),
            Self::Fork { from, to, length } => (SLOT_FORK, from, to, length),
        };
        SlotOperationView {
            kind,
            slot,
            target,
            length,
        }
    }

    /// The operation of a view, or nothing for a kind that this build does not know.
    pub fn from_view(view: SlotOperationView) -> Option<Self> {
        match view.kind {
            SLOT_FREE => Some(Self::Free { slot: view.slot }),
            SLOT_TRUNCATE => Some(Self::Truncate {
                slot: view.slot,
                length: view.length,
            }),
            SLOT_FORK => Some(Self::Fork {
                from: view.slot,
                to: view.target,
                length: view.length,
            }),
            _ => None,
        }
    }
}

/// One forward pass over a batch, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Step<'step> {
    /// Number of the step.
    pub number: u64,
    /// The sequences, in the order of their rows.
    pub sequences: &'step [StepSequenceView],
    /// Token ids of all sequences, one after the other.
    pub tokens: &'step [u32],
}

impl Step<'_> {
    /// Rows of logits that the step asks for.
    pub fn output_row_count(&self) -> usize {
        self.sequences
            .iter()
            .map(|sequence| sequence.output_rows as usize)
            .sum()
    }
}
