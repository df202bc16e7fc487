//! Tables that are held rearranged only: a step's rows are put back together before it runs, in the form they were stored
//! in, so that the graph reads the same bytes as from a plain table.

use std::collections::BTreeMap;

use shoal_abi::backend::BackendError;
use shoal_ggml_sys::GGML_TYPE_I32;

use super::row_layout::{RowLayout, rearranged_bytes};
use crate::memory::{BufferType, Region};
use crate::tensor::{Arena, Tensor};

/// Places begin at multiples of this.
const ALIGNMENT: usize = 256;

/// Rows of a step, of every such table, at fixed places.
#[derive(Debug)]
pub(super) struct Lookups {
    region: Region,
    tables: BTreeMap<String, Table>,
    /// Reused, so that a step allocates nothing.
    scratch: Vec<u8>,
}

/// One table and where its rows of a step go.
#[derive(Debug)]
pub(super) struct Table {
    rearranged: Tensor,
    /// Bytes that `rearranged` takes.
    bytes: usize,
    layout: RowLayout,
    /// Place of the step's rows in the region.
    offset: usize,
}

/// A table that is to be looked up: its name, its tensor, the bytes that this takes, and how rows lie in it.
pub(super) type RearrangedTable = (String, Tensor, usize, RowLayout);

impl Lookups {
    /// Places for steps of up to `rows` rows.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(super) fn new(memory: BufferType, tables: Vec<RearrangedTable>, rows: usize) -> Result<Self, BackendError> {
        // The numbers 0, 1, … of the step's rows come first.
        let mut end = (rows * size_of::<i32>()).next_multiple_of(ALIGNMENT);
        let tables: BTreeMap<String, Table> = tables
            .into_iter()
            .map(|(name, rearranged, bytes, layout)| {
                let offset = end;
                end += (rows * rearranged.row_bytes()).next_multiple_of(ALIGNMENT);
                let table = Table {
                    rearranged,
                    bytes,
                    layout,
                    offset,
                };
                (name, table)
            })
            .collect();
        let region = Region::new(memory, if tables.is_empty() { 0 } else { end })?;
        if !tables.is_empty() {
            let numbers: Vec<i32> = (0..).take(rows).collect();
            region.write(0, &numbers)?;
        }
        Ok(Self {
            region,
            tables,
            scratch: Vec::new(),
        })
    }

    /// Puts the rows of a step in their places; tokens were checked against the tables' sizes.
    ///
    /// # Errors
    /// Failures of the device.
    pub(super) fn gather(&mut self, tokens: &[u32]) -> Result<(), BackendError> {
        for table in self.tables.values() {
            let row_bytes = table.rearranged.row_bytes();
            self.scratch.resize(tokens.len() * row_bytes, 0);
            for (token, row) in tokens.iter().zip(self.scratch.chunks_exact_mut(row_bytes)) {
                table.copy_row(*token as usize, row);
            }
            self.region.write(table.offset, &self.scratch)?;
        }
        Ok(())
    }

    /// A table of the step's rows, and their numbers in it; none for a table that is held plainly.
    ///
    /// # Errors
    /// A full arena, failures of the device.
    pub(super) fn step_table(
        &self,
        name: &str,
        rows: usize,
        arena: &Arena,
    ) -> Result<Option<(Tensor, Tensor)>, BackendError> {
        let Some(table) = self.tables.get(name) else {
            return Ok(None);
        };
        let values = arena.tensor(table.rearranged.element_type(), &[table.rearranged.shape()[0], rows])?;
        self.region.buffer.place(values, table.offset)?;
        let numbers = arena.tensor(GGML_TYPE_I32, &[rows])?;
        self.region.buffer.place(numbers, 0)?;
        Ok(Some((values, numbers)))
    }

    /// A table, if it is held rearranged only.
    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }
}

impl Table {
    /// Copies a row as it was stored.
    pub(super) fn copy_row(&self, row: usize, into: &mut [u8]) {
        let rearranged = rearranged_bytes(&self.rearranged, self.bytes);
        self.layout.copy_row(rearranged, row, into);
    }
}
