//! Memory that native threads and JavaScript share: the rows of one boundary value.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::ArrayBuffer;
use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;

/// F32 storage that never moves. It lives until the last of its users is gone, be it a `Float32Array` that JavaScript
/// kept: a late write after a timeout goes to memory that nobody reads, never to memory of somebody else.
pub struct Region {
    cells: Box<[UnsafeCell<f32>]>,
}

// SAFETY: the cells are plain numbers; the calls of a device never overlap, so that one side at a time uses them, and
// the queue between the threads orders their accesses.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Zeroed storage for `length` numbers.
    pub fn allocate(length: usize) -> Result<Arc<Self>, BackendError> {
        let mut cells = Vec::new();
        cells.try_reserve_exact(length).map_err(|_| {
            BackendError::new(
                ErrorCode::BackendOutOfMemory.name(),
                format!("no memory for a boundary value of {length} numbers"),
            )
        })?;
        cells.resize_with(length, || UnsafeCell::new(0.0));
        Ok(Arc::new(Self {
            cells: cells.into_boxed_slice(),
        }))
    }

    /// Numbers that fit.
    pub fn capacity(&self) -> usize {
        self.cells.len()
    }

    /// The first `length` numbers, `length` cut at the capacity.
    pub fn numbers(&self, length: usize) -> NonNull<[f32]> {
        let first = NonNull::from(&*self.cells).cast::<f32>();
        NonNull::slice_from_raw_parts(first, length.min(self.cells.len()))
    }

    /// The memory as an `ArrayBuffer` that keeps the region alive.
    pub fn array_buffer<'env>(self: &Arc<Self>, env: &'env Env) -> napi::Result<ArrayBuffer<'env>> {
        let bytes = self.numbers(usize::MAX);
        let pointer = bytes.cast::<u8>().as_ptr();
        // SAFETY: the region is alive until the finalizer drops this reference, and its memory never moves.
        let buffer = unsafe {
            ArrayBuffer::from_external(
                env,
                pointer,
                bytes.len() * size_of::<f32>(),
                self.clone(),
                |_env, region| {
                    drop(region);
                },
            )?
        };
        if !std::ptr::eq(buffer.as_ptr(), pointer) {
            return Err(napi::Error::from_reason(
                "this JavaScript runtime does not allow buffers over native memory, which a device in JavaScript needs",
            ));
        }
        Ok(buffer)
    }
}
