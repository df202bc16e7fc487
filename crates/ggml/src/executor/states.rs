//! Keys and values of past positions: rows of slots, one slot a sequence, all slots equally long.

use std::collections::BTreeMap;
use std::ffi::c_void;

use shoal_abi::backend::BackendError;
use shoal_program::{CompileOptions, MemberProgram, MemberState};

use crate::device::Device;
use crate::executor::backend::invalid;
use crate::memory::{Buffer, BufferType};
use crate::storage::state_type;
use crate::tensor::{Arena, Tensor};

/// Attention reads whole multiples of this many positions, so that a graph serves that many decode steps; positions
/// beyond the sequence's end are masked. It is also what ggml's attention kernels like to have.
pub(crate) const POSITION_GRANULARITY: usize = 256;

/// The rows of one key-value state: each [columns, slots · stride].
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyValue {
    pub keys: Tensor,
    pub values: Tensor,
}

/// All states of a program.
#[derive(Debug)]
pub(crate) struct States {
    key_values: BTreeMap<String, KeyValue>,
    buffer: Buffer,
    // Holds the descriptions that the tensors point to.
    _arena: Arena,
    device: Device,
    slot_count: usize,
    stride: usize,
    /// Positions stored in each slot.
    lengths: Vec<usize>,
}

impl States {
    /// Allocates every state for all slots, zeroed.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`, `BACKEND_UNSUPPORTED` for a kind of state that attention does not read.
    pub(crate) fn new(
        device: Device,
        buffer_type: BufferType,
        program: &MemberProgram,
        options: &CompileOptions,
    ) -> Result<Self, BackendError> {
        let slot_count = options.slot_count as usize;
        let stride = (options.context_length as usize).next_multiple_of(POSITION_GRANULARITY);
        let arena = Arena::new(device.library, 2 * program.states.len(), 0)?;
        let element_type = state_type(options.state_storage);
        let mut key_values = BTreeMap::new();
        for (name, state) in &program.states {
            let MemberState::KeyValue {
                key_width, value_width, ..
            } = state
            else {
                return Err(BackendError::new(
                    "PROGRAM_OPERATION_UNSUPPORTED",
                    format!("state '{name}' is of a kind that the ggml backend does not keep yet"),
                ));
            };
            let rows = slot_count * stride;
            let keys = arena.tensor(element_type, &[*key_width as usize, rows])?;
            let values = arena.tensor(element_type, &[*value_width as usize, rows])?;
            key_values.insert(name.clone(), KeyValue { keys, values });
        }
        let tensors = || key_values.values().flat_map(|state| [state.keys, state.values]);
        let bytes: usize = tensors().map(|tensor| buffer_type.tensor_bytes(tensor)).sum();
        let buffer = buffer_type.allocate_zeroed(bytes.max(1))?;
        let mut offset = 0;
        for tensor in tensors() {
            buffer.place(tensor, offset)?;
            offset += buffer_type.tensor_bytes(tensor);
        }
        let lengths = vec![0; slot_count];
        Ok(Self {
            key_values,
            buffer,
            _arena: arena,
            device,
            slot_count,
            stride,
            lengths,
        })
    }

    pub(crate) fn key_value(&self, name: &str) -> Option<KeyValue> {
        self.key_values.get(name).copied()
    }

    /// Rows from one slot to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Positions stored in a slot.
    ///
    /// # Errors
    /// `INTERNAL_INVALID_ARGUMENT` for a slot that was not compiled for.
    pub(crate) fn length(&self, slot: u32) -> Result<usize, BackendError> {
        self.lengths.get(slot as usize).copied().ok_or_else(|| {
            invalid(format!(
                "slot {slot} does not exist; this executable was compiled for {}",
                self.slot_count
            ))
        })
    }

    /// Forgets all positions from `length` on.
    ///
    /// # Errors
    /// As [`Self::length`], and for positions that are not stored.
    pub(crate) fn truncate(&mut self, slot: u32, length: usize) -> Result<(), BackendError> {
        let stored = self.length(slot)?;
        if length > stored {
            return Err(invalid(format!(
                "slot {slot} holds {stored} positions, it cannot keep {length}"
            )));
        }
        self.lengths[slot as usize] = length;
        Ok(())
    }

    /// Notes that positions up to `length` were written.
    pub(crate) fn extend(&mut self, slot: u32, length: usize) {
        if let Some(stored) = self.lengths.get_mut(slot as usize) {
            *stored = length;
        }
    }

    /// Copies the first `length` positions of one slot over another's.
    ///
    /// # Errors
    /// As [`Self::truncate`].
    pub(crate) fn fork(&mut self, from: u32, to: u32, length: usize) -> Result<(), BackendError> {
        let stored = self.length(from)?;
        self.length(to)?;
        if length > stored {
            return Err(invalid(format!(
                "slot {from} holds {stored} positions, {length} cannot be copied"
            )));
        }
        if from != to && length > 0 {
            for state in self.key_values.values() {
                self.copy_rows(state.keys, from, to, length);
                self.copy_rows(state.values, from, to, length);
            }
        }
        self.lengths[to as usize] = length;
        Ok(())
    }

    fn copy_rows(&self, tensor: Tensor, from: u32, to: u32, count: usize) {
        let functions = self.device.library.functions();
        let row_bytes = tensor.row_bytes();
        let offset = |slot: u32| slot as usize * self.stride * row_bytes;
        let bytes = count * row_bytes;
        if self.buffer.is_host() {
            // SAFETY: both ranges lie inside the tensor, because slots and count were checked; slots differ.
            unsafe {
                let base = tensor.data().cast::<u8>();
                std::ptr::copy_nonoverlapping(base.add(offset(from)), base.add(offset(to)), bytes);
            }
            return;
        }
        let mut rows = vec![0_u8; bytes];
        // SAFETY: as above; the vector has as many bytes.
        unsafe {
            let data = rows.as_mut_ptr().cast::<c_void>();
            (functions.ggml_backend_tensor_get)(tensor.pointer(), data, offset(from), bytes);
            (functions.ggml_backend_tensor_set)(tensor.pointer(), data, offset(to), bytes);
        }
    }
}
