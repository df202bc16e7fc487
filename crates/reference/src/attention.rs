//! Attention over stored rows, one query head at a time.

/// The key and value rows of one sequence in one layer, position after position.
#[derive(Debug, Clone, Default)]
pub(crate) struct StateRows {
    pub(crate) key_width: usize,
    pub(crate) value_width: usize,
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

impl StateRows {
    pub(crate) fn truncate(&mut self, length: usize) {
        self.keys.truncate(length * self.key_width);
        self.values.truncate(length * self.value_width);
    }

    /// Memory of the rows that are stored.
    pub(crate) fn bytes(&self) -> usize {
        (self.keys.len() + self.values.len()) * size_of::<f32>()
    }
}

/// The sizes of an attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttentionShape {
    pub(crate) head_size: usize,
    pub(crate) value_head_size: usize,
    pub(crate) scale: f64,
    pub(crate) window: Option<u64>,
}

/// Attends from one row at `position` over the stored rows up to it; `sinks` has one logit per query head.
pub(crate) fn attend(
    shape: AttentionShape,
    query: &[f32],
    state: &StateRows,
    position: usize,
    sinks: Option<&[f32]>,
) -> Vec<f32> {
    let query_heads = query.len() / shape.head_size;
    let key_heads = state.key_width / shape.head_size;
    let first = shape
        .window
        .map_or(0, |window| (position + 1).saturating_sub(window as usize));
    let mut output = Vec::with_capacity(query_heads * shape.value_head_size);
    for head in 0..query_heads {
        let key_head = head / (query_heads / key_heads);
        let query = &query[head * shape.head_size..(head + 1) * shape.head_size];
        let mut scores: Vec<f64> = (first..=position)
            .map(|visible| {
                let start = visible * state.key_width + key_head * shape.head_size;
                let key = &state.keys[start..start + shape.head_size];
                let products = query
                    .iter()
                    .zip(key)
                    .map(|(query, key)| f64::from(*query) * f64::from(*key));
                products.sum::<f64>() * shape.scale
            })
            .collect();
        let sink = sinks.and_then(|sinks| sinks.get(head)).map(|sink| f64::from(*sink));
        let largest = scores.iter().copied().chain(sink).fold(f64::NEG_INFINITY, f64::max);
        scores.iter_mut().for_each(|score| *score = (*score - largest).exp());
        let total = scores.iter().sum::<f64>() + sink.map_or(0.0, |sink| (sink - largest).exp());
        for column in 0..shape.value_head_size {
            let value = |visible: usize| {
                let start = visible * state.value_width + key_head * shape.value_head_size;
                f64::from(state.values[start + column])
            };
            let sum: f64 = (first..=position)
                .zip(&scores)
                .map(|(visible, score)| score * value(visible))
                .sum();
            output.push((sum / total) as f32);
        }
    }
    output
}
