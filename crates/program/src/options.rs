//! What a compile is asked for beside the program.

use serde::{Deserialize, Serialize};

/// Element type of key-value rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateStorage {
    /// IEEE 16-bit floating point.
    F16,
    /// IEEE 32-bit floating point.
    F32,
}

/// Sizes that an executable is compiled for, as `CompileOptions` in `core/src/spec/backend.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CompileOptions {
    /// Sequences that can be resident at once.
    pub slot_count: u32,
    /// Longest sequence, in positions.
    pub context_length: u32,
    /// Element type of key-value rows.
    pub state_storage: StateStorage,
    /// Most rows of one step.
    pub maximum_step_tokens: u32,
}
