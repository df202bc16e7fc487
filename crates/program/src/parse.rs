//! The way in for foreign bytes.

use crate::{ErrorCode, MemberProgram, PROGRAM_VERSION, ProgramError};

/// Bounds on a program; far above what any model needs, far below what would hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramLimits {
    /// Bytes of JSON.
    pub bytes: usize,
    /// Operations over all segments.
    pub operations: usize,
    /// Weights, values and states together.
    pub names: usize,
    /// Depth and number of nodes of one weight expression.
    pub expression_nodes: usize,
    /// Columns of a value, elements of an axis.
    pub width: u64,
    /// Members of a stage.
    pub members: u32,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            operations: 1 << 20,
            names: 1 << 20,
            expression_nodes: 65_536,
            width: 1 << 32,
            members: 1024,
        }
    }
}

/// Read first, so that a program of another version is refused as such and not by its first unknown field.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionOnly {
    program_version: u32,
}

impl MemberProgram {
    /// Reads and validates a program under the default limits.
    ///
    /// # Errors
    /// `PLUGIN_VERSION_MISMATCH` for another language version, `PROGRAM_OPERATION_UNSUPPORTED` for an unknown
    /// operation, else `PROGRAM_INVALID` with the place.
    pub fn parse(json: &str) -> Result<Self, ProgramError> {
        Self::parse_within(json, &ProgramLimits::default())
    }

    /// Reads and validates a program.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_within(json: &str, limits: &ProgramLimits) -> Result<Self, ProgramError> {
        if json.len() > limits.bytes {
            return Err(ProgramError::invalid(format!(
                "the program has {} bytes of JSON, the limit is {}",
                json.len(),
                limits.bytes
            )));
        }
        let unreadable =
            |error: serde_json::Error| ProgramError::invalid(format!("the program cannot be read: {error}"));
        let version: VersionOnly = serde_json::from_str(json).map_err(unreadable)?;
        if version.program_version != PROGRAM_VERSION {
            return Err(ProgramError::new(
                ErrorCode::VersionMismatch,
                format!(
                    "the program has language version {}, this engine runs version {PROGRAM_VERSION}",
                    version.program_version
                ),
            ));
        }
        let program: Self = serde_json::from_str(json).map_err(unreadable)?;
        program.validate(limits)?;
        Ok(program)
    }

    /// The program as JSON, as [`Self::parse`] reads it.
    ///
    /// # Errors
    /// A number that JSON cannot hold (an infinity or not a number).
    pub fn to_json(&self) -> Result<String, ProgramError> {
        serde_json::to_string(self).map_err(|error| ProgramError::invalid(format!("cannot be written: {error}")))
    }
}
