//! Attention over the slots' stored keys and values.

use shoal_program::Operation;

use super::{Builder, Result, invalid, unsupported};
use crate::tensor::Tensor;

impl<'build> Builder<'build> {
    /// Appends the step's keys and values to the state, then lets each row attend to what is visible to it.
    pub(super) fn attention(&mut self, operation: &'build Operation) -> Result<Tensor> {
        let Operation::Attention {
            query,
            key,
            value,
            state,
            head_size,
            value_head_size,
            scale,
            window,
            sinks,
            ..
        } = operation
        else {
            return Err(unsupported(operation));
        };
        let arena = self.arena;
        let head_size = *head_size as usize;
        let value_head_size = value_head_size.map_or(head_size, |size| size as usize);
        let window = window.map(|positions| positions as usize);
        let (query, key, value) = (self.value(query)?, self.value(key)?, self.value(value)?);
        let stored = self
            .parts
            .states
            .key_value(state)
            .ok_or_else(|| invalid(format!("no state '{state}'")))?;
        let sinks = sinks.as_ref().map(|name| self.vector(name)).transpose()?;

        let rows = self.inputs.state_rows()?;
        self.graph.append(arena, arena.set_rows(stored.keys, key, rows)?);
        self.graph.append(arena, arena.set_rows(stored.values, value, rows)?);

        let key_heads = stored.keys.shape()[0] / head_size;
        let heads = query.shape()[0] / head_size;
        let positions = self.shape.positions;
        let mut joined: Option<Tensor> = None;
        for run in self.shape.runs() {
            let (tokens, sequences) = (run.token_count, run.sequence_count);
            let row_bytes = query.row_bytes();
            let queries = arena.view(
                query,
                [head_size, tokens, heads, sequences],
                [row_bytes, head_size * query.strides()[0], tokens * row_bytes],
                run.first_row * row_bytes,
            )?;
            let slots = |tensor: Tensor, size: usize| {
                let row_bytes = tensor.row_bytes();
                let slot_bytes = self.parts.states.stride() * row_bytes;
                arena.view(
                    tensor,
                    [size, positions, key_heads, sequences],
                    [row_bytes, size * tensor.strides()[0], slot_bytes],
                    run.first_slot as usize * slot_bytes,
                )
            };
            let (keys, values) = (slots(stored.keys, head_size)?, slots(stored.values, value_head_size)?);
            let mask = self.inputs.mask(window, &run)?;
            let result = arena.flash_attention(queries, keys, values, mask, sinks, *scale as f32)?;
            let result = arena.reshape(result, [value_head_size * heads, tokens * sequences, 1, 1])?;
            joined = Some(match joined {
                Some(before) => arena.concat(before, result, 1)?,
                None => result,
            });
        }
        joined.ok_or_else(|| invalid("attention without sequences"))
    }
}
