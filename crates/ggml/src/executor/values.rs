//! Places of the values that cross a segment's border.
//!
//! Every such value has one fixed place for the life of the executable, wide enough for the largest step. Two values
//! share a place when the last segment that needs the one comes before the first that needs the other.

use std::collections::BTreeMap;

use shoal_abi::backend::BackendError;
use shoal_program::{Communication, MemberProgram, ProgramInput, ValueRows};

use crate::memory::{BufferType, Region};

/// Places begin at multiples of this: a cache line, and more than any device asks for.
const ALIGNMENT: usize = 256;

/// One value's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Columns.
    pub width: usize,
    /// Which rows of a step it has.
    pub rows: ValueRows,
    /// Offset in bytes into the buffer.
    pub offset: usize,
}

/// The values that cross a segment's border, with their memory.
#[derive(Debug)]
pub(crate) struct Values {
    pub region: Region,
    places: BTreeMap<String, Place>,
}

impl Values {
    /// Plans the places for steps of up to `rows` rows, and allocates them.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn new(buffer_type: BufferType, program: &MemberProgram, rows: usize) -> Result<Self, BackendError> {
        let (places, bytes) = plan(program, rows);
        Ok(Self {
            region: Region::new(buffer_type, bytes)?,
            places,
        })
    }

    /// The place of a value, if it crosses a border.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        self.places.get(name).copied()
    }
}

/// First and last segment that a value is needed in.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: usize,
    last: usize,
}

fn plan(program: &MemberProgram, rows: usize) -> (BTreeMap<String, Place>, usize) {
    let mut crossing: Vec<(&str, Span)> = spans(program)
        .into_iter()
        .filter(|(name, span)| span.last > span.first || is_boundary(program, name))
        .collect();
    crossing.sort_by_key(|(_, span)| (span.first, span.last));

    // Slots of memory: bytes, and the last segment that needs the present content.
    let mut slots: Vec<(usize, usize)> = Vec::new();
    let mut chosen: Vec<(&str, usize)> = Vec::new();
    for (name, span) in crossing {
        let Some(value) = program.values.get(name) else {
            continue;
        };
        let bytes = (value.width as usize * rows * size_of::<f32>()).next_multiple_of(ALIGNMENT);
        // The free slot that wastes least, else the largest free one, which grows.
        let free = slots.iter().enumerate().filter(|(_, (_, last))| *last < span.first);
        let fitting = free
            .clone()
            .filter(|(_, (size, _))| *size >= bytes)
            .min_by_key(|(_, (size, _))| *size);
        let slot = fitting
            .or_else(|| free.max_by_key(|(_, (size, _))| *size))
            .map(|(index, _)| index);
        let slot = slot.unwrap_or_else(|| {
            slots.push((0, 0));
            slots.len() - 1
        });
        slots[slot] = (slots[slot].0.max(bytes), span.last);
        chosen.push((name, slot));
    }

    let mut offsets = Vec::with_capacity(slots.len());
    let mut end = 0;
    for (bytes, _) in &slots {
        offsets.push(end);
        end += bytes;
    }
    let places = chosen.into_iter().filter_map(|(name, slot)| {
        let value = program.values.get(name)?;
        let place = Place {
            width: value.width as usize,
            rows: value.rows,
            offset: offsets[slot],
        };
        Some((name.to_owned(), place))
    });
    (places.collect(), end)
}

fn is_boundary(program: &MemberProgram, name: &str) -> bool {
    program.boundary_values.iter().any(|value| value == name)
}

/// Where each value is defined and last used; what the driver reads at the end is used after the last segment.
fn spans(program: &MemberProgram) -> BTreeMap<&str, Span> {
    let mut spans: BTreeMap<&str, Span> = BTreeMap::new();
    if let ProgramInput::Hidden { value, .. } = &program.input {
        spans.insert(value, Span { first: 0, last: 0 });
    }
    for (index, segment) in program.segments.iter().enumerate() {
        for operation in &segment.operations {
            for name in operation.inputs() {
                if let Some(span) = spans.get_mut(name) {
                    span.last = index;
                }
            }
            if let Some(output) = operation.output() {
                spans.insert(
                    output,
                    Span {
                        first: index,
                        last: index,
                    },
                );
            }
        }
        match &segment.communication {
            Some(Communication::AllGather { output, .. }) => {
                spans.insert(
                    output,
                    Span {
                        first: index,
                        last: index,
                    },
                );
            }
            Some(Communication::AllReduceSum { .. }) | None => {}
        }
    }
    if let Some(span) = spans.get_mut(program.output.value()) {
        span.last = program.segments.len();
    }
    spans
}
