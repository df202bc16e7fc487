//! What a program must fulfil before anything is allocated for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::ProgramLimits;
use crate::width::Scope;
use crate::{
    Communication, ErrorCode, MemberOutput, MemberProgram, MemberState, MemberValue, MemberWeight, Operation,
    ProgramError, ProgramInput, StorageType, ValueRows, WeightExpression, WeightRole,
};

impl MemberProgram {
    /// Checks that values are defined before use and once, that sizes agree with weights, states and declarations,
    /// that everything communicated is a boundary value, and that all sizes are within bounds.
    ///
    /// # Errors
    /// `PROGRAM_OPERATION_UNSUPPORTED` for an unknown operation, else `PROGRAM_INVALID`; the message names the place.
    pub fn validate(&self, limits: &ProgramLimits) -> Result<(), ProgramError> {
        self.check_bounds(limits)?;
        for (name, weight) in &self.weights {
            check_weight(weight, limits).map_err(|error| error.within(format_args!("weight '{name}'")))?;
        }
        for (name, state) in &self.states {
            check_state(state, limits).map_err(|error| error.within(format_args!("state '{name}'")))?;
        }
        let mut scope = Scope {
            program: self,
            defined: BTreeMap::new(),
        };
        if let ProgramInput::Hidden { value, width } = &self.input {
            let rows = ValueRows::Tokens;
            scope
                .define(value, MemberValue { width: *width, rows })
                .map_err(|error| error.within("input"))?;
            self.require_boundary(value)?;
        }
        for (index, segment) in self.segments.iter().enumerate() {
            for operation in &segment.operations {
                let place = || format!("segment {index}, operation '{}'", operation.name());
                define_output(&mut scope, operation).map_err(|error| error.within(place()))?;
            }
            if let Some(communication) = &segment.communication {
                self.check_communication(&mut scope, communication)
                    .map_err(|error| error.within(format_args!("segment {index}, communication")))?;
            }
        }
        self.check_output(&scope)?;
        for name in &self.boundary_values {
            if !scope.defined.contains_key(name.as_str()) {
                return Err(ProgramError::invalid(format!(
                    "boundary value '{name}' is never defined"
                )));
            }
        }
        Ok(())
    }

    fn check_bounds(&self, limits: &ProgramLimits) -> Result<(), ProgramError> {
        let operations: usize = self.segments.iter().map(|segment| segment.operations.len()).sum();
        let names = self.values.len() + self.weights.len() + self.states.len();
        let counts = [
            ("operations", operations, limits.operations),
            ("segments", self.segments.len(), limits.operations),
            ("names", names, limits.names),
            ("boundary values", self.boundary_values.len(), limits.names),
        ];
        for (what, found, limit) in counts {
            if found > limit {
                return Err(ProgramError::invalid(format!("{found} {what}, the limit is {limit}")));
            }
        }
        if self.segments.is_empty() {
            return Err(ProgramError::invalid("the program has no segments"));
        }
        if self.member_count == 0 || self.member_count > limits.members || self.member >= self.member_count {
            return Err(ProgramError::invalid(format!(
                "member {} of {}",
                self.member, self.member_count
            )));
        }
        for (name, value) in &self.values {
            if value.width == 0 || value.width > limits.width {
                return Err(ProgramError::invalid(format!(
                    "value '{name}' has {} columns",
                    value.width
                )));
            }
        }
        let distinct: BTreeSet<&String> = self.boundary_values.iter().collect();
        if distinct.len() != self.boundary_values.len() {
            return Err(ProgramError::invalid("a boundary value is listed twice"));
        }
        Ok(())
    }

    fn require_boundary(&self, value: &str) -> Result<(), ProgramError> {
        match self.boundary_index(value) {
            Some(_) => Ok(()),
            None => Err(ProgramError::invalid(format!(
                "value '{value}' reaches the driver but is no boundary value"
            ))),
        }
    }

    fn check_communication<'program>(
        &'program self,
        scope: &mut Scope<'program>,
        communication: &'program Communication,
    ) -> Result<(), ProgramError> {
        match communication {
            Communication::AllReduceSum { value } => {
                self.require_boundary(value)?;
                match scope.defined.contains_key(value.as_str()) {
                    true => Ok(()),
                    false => Err(ProgramError::invalid(format!(
                        "value '{value}' is reduced before it is defined"
                    ))),
                }
            }
            Communication::AllGather { value, output, widths } => {
                if widths.len() != self.member_count as usize {
                    return Err(ProgramError::invalid(format!(
                        "{} widths are gathered from {} members",
                        widths.len(),
                        self.member_count
                    )));
                }
                let own_width = widths.get(self.member as usize).copied().unwrap_or(0);
                let rows = match scope.defined.get(value.as_str()) {
                    Some(found) if found.width == own_width => {
                        self.require_boundary(value)?;
                        Some(found.rows)
                    }
                    // A member without columns has no value to send.
                    None if own_width == 0 => None,
                    _ => {
                        return Err(ProgramError::invalid(format!(
                            "value '{value}' has not the {own_width} own columns"
                        )));
                    }
                };
                let total = widths.iter().try_fold(0_u64, |sum, width| sum.checked_add(*width));
                let width = total.ok_or_else(|| ProgramError::invalid("the gathered width overflows"))?;
                let rows = rows.or_else(|| self.values.get(output).map(|value| value.rows));
                self.require_boundary(output)?;
                let rows = rows.unwrap_or(ValueRows::Tokens);
                scope.define(output, MemberValue { width, rows })
            }
        }
    }

    fn check_output(&self, scope: &Scope<'_>) -> Result<(), ProgramError> {
        let (value, rows, width) = match &self.output {
            MemberOutput::Hidden { value } => (value, ValueRows::Tokens, None),
            MemberOutput::Logits {
                value,
                vocabulary_range,
                vocabulary_size,
            } => {
                if vocabulary_range.0 > vocabulary_range.1 || vocabulary_range.1 > *vocabulary_size {
                    return Err(ProgramError::invalid(format!(
                        "vocabulary entries [{}, {}) of {vocabulary_size} do not exist",
                        vocabulary_range.0, vocabulary_range.1
                    )));
                }
                if vocabulary_range.length() == 0 {
                    return Ok(());
                }
                (value, ValueRows::Outputs, Some(vocabulary_range.length()))
            }
        };
        let Some(found) = scope.defined.get(value.as_str()) else {
            return Err(ProgramError::invalid(format!("output '{value}' is never defined")));
        };
        if found.rows != rows || width.is_some_and(|width| width != found.width) {
            return Err(ProgramError::invalid(format!(
                "output '{value}' has {} columns by {:?}",
                found.width, found.rows
            )));
        }
        self.require_boundary(value)
    }
}

fn define_output<'program>(scope: &mut Scope<'program>, operation: &'program Operation) -> Result<(), ProgramError> {
    let Some(output) = operation.output() else {
        // A known name ends here when its fields could not be read.
        return Err(match KNOWN_OPERATIONS.contains(&operation.name()) {
            true => ProgramError::invalid("a field is missing or has another type than the language says"),
            false => ProgramError::new(
                ErrorCode::OperationUnsupported,
                format!("this engine does not know the operation '{}'", operation.name()),
            ),
        });
    };
    let value = scope.infer(operation)?;
    scope.define(output, value)
}

const KNOWN_OPERATIONS: &[&str] = &[
    "embedding",
    "linear",
    "add",
    "multiply",
    "multiply-groups",
    "multiply-vector",
    "add-vector",
    "scale",
    "clamp",
    "elementwise",
    "rms-norm",
    "layer-norm",
    "l2-norm",
    "rotary",
    "slice",
    "concat",
    "repeat",
    "select-outputs",
    "softmax",
    "sum-groups",
    "zeros",
    "attention",
    "gated-feed-forward",
];

fn check_weight(weight: &MemberWeight, limits: &ProgramLimits) -> Result<(), ProgramError> {
    if weight.shape.is_empty() || weight.shape.len() > 4 {
        return Err(ProgramError::invalid(format!(
            "{} axes; 1 to 4 are supported",
            weight.shape.len()
        )));
    }
    let elements = weight
        .shape
        .iter()
        .try_fold(1_u64, |product, size| product.checked_mul(*size));
    if weight.shape.iter().any(|size| *size == 0 || *size > limits.width) || elements.is_none() {
        return Err(ProgramError::invalid(format!(
            "shape {:?} is empty or too large",
            weight.shape
        )));
    }
    if weight.role == WeightRole::Vector && weight.storage != StorageType::F32 {
        return Err(ProgramError::invalid(format!(
            "a vector is kept in f32, not in {}",
            weight.storage.name()
        )));
    }
    if weight.storage.bytes(weight.row_elements()).is_none() {
        return Err(ProgramError::invalid(format!(
            "rows of {} elements are not whole blocks of {}",
            weight.row_elements(),
            weight.storage.name()
        )));
    }
    let mut nodes = 0;
    check_expression(&weight.source, &mut nodes, limits)
}

fn check_expression(
    expression: &WeightExpression,
    nodes: &mut usize,
    limits: &ProgramLimits,
) -> Result<(), ProgramError> {
    *nodes += 1;
    if *nodes > limits.expression_nodes {
        return Err(ProgramError::invalid(format!(
            "more than {} parts",
            limits.expression_nodes
        )));
    }
    match expression {
        WeightExpression::Tensor { .. } => Ok(()),
        WeightExpression::Concat { inputs, .. } | WeightExpression::Stack { inputs } => {
            if inputs.is_empty() {
                return Err(ProgramError::invalid("nothing is joined"));
            }
            inputs
                .iter()
                .try_for_each(|input| check_expression(input, nodes, limits))
        }
        WeightExpression::Stride { step: 0, .. } => Err(ProgramError::invalid("a stride of 0")),
        WeightExpression::Slice { input, .. }
        | WeightExpression::Stride { input, .. }
        | WeightExpression::Transpose { input }
        | WeightExpression::Permute { input, .. }
        | WeightExpression::Reshape { input, .. }
        | WeightExpression::Convert { input, .. } => check_expression(input, nodes, limits),
    }
}

fn check_state(state: &MemberState, limits: &ProgramLimits) -> Result<(), ProgramError> {
    let sizes = match state {
        MemberState::KeyValue {
            key_width, value_width, ..
        } => vec![*key_width, *value_width],
        MemberState::Latent { width, .. } => vec![*width],
        MemberState::Recurrent { shape, .. } => shape.clone(),
    };
    let elements = sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
    match sizes.is_empty() || sizes.iter().any(|size| *size == 0 || *size > limits.width) || elements.is_none() {
        true => Err(ProgramError::invalid(format!("sizes {sizes:?} are empty or too large"))),
        false => Ok(()),
    }
}
