//! Descriptions of tensors and the arena that holds them.

use std::ffi::c_void;
use std::ptr::NonNull;

use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{GGML_MAX_DIMS, ggml_backend_buffer, ggml_context, ggml_init_params, ggml_tensor, ggml_type};

use crate::library::Library;
use crate::storage::block_elements;

/// A tensor inside an [`Arena`]. A handle is used only while its arena lives: whoever keeps tensors keeps the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tensor(NonNull<ggml_tensor>);

// SAFETY: a handle is an address; its owner decides which thread uses it.
unsafe impl Send for Tensor {}
// SAFETY: a description is written while its graph is built, by one thread; shared handles read it only.
unsafe impl Sync for Tensor {}

impl Tensor {
    fn description(&self) -> &ggml_tensor {
        // SAFETY: the arena lives, by the type's rule.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn pointer(self) -> *mut ggml_tensor {
        self.0.as_ptr()
    }

    /// Elements along each dimension, the fastest first.
    pub(crate) fn shape(self) -> [usize; GGML_MAX_DIMS] {
        self.description().ne.map(|elements| elements as usize)
    }

    /// Strides in bytes.
    pub(crate) fn strides(self) -> [usize; GGML_MAX_DIMS] {
        self.description().nb
    }

    pub(crate) fn element_type(self) -> ggml_type {
        self.description().type_
    }

    pub(crate) fn elements(self) -> usize {
        self.shape().iter().product()
    }

    /// Bytes from the first to the last element, for tensors without blocks spread over several rows.
    pub(crate) fn bytes(self) -> usize {
        let description = self.description();
        if self.elements() == 0 {
            return 0;
        }
        // Rows are dense in dimension 0 for block types; `nb[1]` is then the row's size or more.
        let tail: usize = (1..GGML_MAX_DIMS)
            .map(|axis| (self.shape()[axis] - 1) * description.nb[axis])
            .sum();
        tail + self.row_bytes()
    }

    /// Bytes of one row of a tensor that is dense in dimension 0.
    pub(crate) fn row_bytes(self) -> usize {
        let description = self.description();
        // For block types `nb[0]` is the size of a block; the arena's tensors have whole blocks.
        self.shape()[0] / block_elements(description.type_) * description.nb[0]
    }

    /// Whether the elements lie one after the other without gaps.
    pub(crate) fn is_contiguous(self) -> bool {
        let (shape, strides) = (self.shape(), self.strides());
        let mut expected = self.row_bytes();
        for axis in 1..GGML_MAX_DIMS {
            if shape[axis] != 1 && strides[axis] != expected {
                return false;
            }
            expected *= shape[axis];
        }
        true
    }

    /// Whether it has memory of its own, of an allocator or of a buffer.
    pub(crate) fn is_placed(self) -> bool {
        !self.description().data.is_null()
    }

    /// Whether it is a view of another tensor.
    pub(crate) fn is_view(self) -> bool {
        !self.description().view_src.is_null()
    }

    /// Whether it is computed, rather than an input.
    pub(crate) fn is_computed(self) -> bool {
        self.description().op != 0
    }

    /// The address of its data in the device's address space; null before it was placed.
    pub(crate) fn data(self) -> *mut c_void {
        self.description().data
    }

    /// Gives the tensor a place inside another one's, `offset` bytes from its beginning.
    ///
    /// # Errors
    /// `BACKEND_FAILED` when it does not fit there, or the device refuses.
    pub(crate) fn place_over(self, whole: Self, offset: usize, library: &Library) -> Result<(), BackendError> {
        let fits = offset.checked_add(self.bytes()).is_some_and(|end| end <= whole.bytes());
        if !fits || !whole.is_placed() {
            return Err(BackendError::failed("a part of a tensor lies outside of it"));
        }
        // SAFETY: the other tensor is placed in its buffer, and the part lies inside it.
        let status = unsafe {
            let buffer = whole.description().buffer;
            (library.functions().ggml_backend_tensor_alloc)(buffer, self.pointer(), whole.data().byte_add(offset))
        };
        if status == shoal_ggml_sys::GGML_STATUS_SUCCESS {
            Ok(())
        } else {
            Err(BackendError::failed(format!(
                "the device refused a part of a tensor with status {status}"
            )))
        }
    }

    /// Pretends that the tensor lives in `buffer`, to ask a device about it.
    pub(crate) fn set_buffer(self, buffer: *mut ggml_backend_buffer) {
        // SAFETY: the arena lives, and nobody else holds a reference into the description.
        unsafe { (*self.pointer()).buffer = buffer };
    }
}

/// Memory for the descriptions of tensors and graphs. No tensor data is inside.
#[derive(Debug)]
pub(crate) struct Arena {
    library: &'static Library,
    context: NonNull<ggml_context>,
    bytes: usize,
    tensor_bytes: usize,
}

// SAFETY: an arena is plain memory with one owner.
unsafe impl Send for Arena {}

impl Arena {
    /// An arena for `tensors` tensors and graphs of `graph_nodes` nodes in all.
    ///
    /// # Errors
    /// `BACKEND_FAILED` when ggml has no memory for it.
    pub(crate) fn new(library: &'static Library, tensors: usize, graph_nodes: usize) -> Result<Self, BackendError> {
        let functions = library.functions();
        // SAFETY: plain numbers.
        let (tensor_bytes, graph_bytes) = unsafe {
            let graph_bytes = match graph_nodes {
                0 => 0,
                nodes => (functions.ggml_graph_overhead_custom)(nodes, false),
            };
            ((functions.ggml_tensor_overhead)(), graph_bytes)
        };
        let bytes = (tensors + 1) * tensor_bytes + graph_bytes;
        let parameters = ggml_init_params {
            mem_size: bytes,
            mem_buffer: std::ptr::null_mut(),
            no_alloc: true,
        };
        // SAFETY: ggml allocates the memory itself.
        let context = unsafe { (functions.ggml_init)(parameters) };
        let context = NonNull::new(context)
            .ok_or_else(|| BackendError::failed(format!("ggml has no {bytes} bytes for descriptions of tensors")))?;
        Ok(Self {
            library,
            context,
            bytes,
            tensor_bytes,
        })
    }

    pub(crate) fn library(&self) -> &'static Library {
        self.library
    }

    pub(crate) fn context(&self) -> *mut ggml_context {
        self.context.as_ptr()
    }

    /// Makes sure that the next operation's tensors fit: ggml would end the process otherwise.
    pub(crate) fn reserve(&self, tensors: usize) -> Result<(), BackendError> {
        // SAFETY: the context is valid.
        let used = unsafe { (self.library.functions().ggml_used_mem)(self.context()) };
        if used + tensors * self.tensor_bytes > self.bytes {
            return Err(BackendError::failed("a graph is larger than its arena was made for"));
        }
        Ok(())
    }

    /// Takes a result of ggml.
    pub(crate) fn adopt(&self, pointer: *mut ggml_tensor) -> Result<Tensor, BackendError> {
        NonNull::new(pointer)
            .map(Tensor)
            .ok_or_else(|| BackendError::failed("ggml made no tensor"))
    }

    /// A new tensor without data; `shape` has the fastest dimension first.
    pub(crate) fn tensor(&self, element_type: ggml_type, shape: &[usize]) -> Result<Tensor, BackendError> {
        self.reserve(1)?;
        let mut ne = [1_i64; GGML_MAX_DIMS];
        if shape.is_empty() || shape.len() > ne.len() {
            return Err(BackendError::failed(format!(
                "a tensor of {} dimensions is not possible",
                shape.len()
            )));
        }
        for (target, elements) in ne.iter_mut().zip(shape) {
            *target = i64::try_from(*elements).map_err(|_| BackendError::failed("a dimension is too large"))?;
        }
        // ggml multiplies without a look at overflow; no element takes more than 8 bytes.
        let elements = shape
            .iter()
            .try_fold(8_usize, |product, elements| product.checked_mul(*elements));
        if elements.is_none_or(|bytes| bytes > isize::MAX as usize) {
            return Err(BackendError::new(
                ErrorCode::BackendOutOfMemory.name(),
                format!("a tensor of shape {shape:?} is larger than any memory"),
            ));
        }
        // SAFETY: context and shape are valid, and there is room for the description.
        let pointer = unsafe {
            (self.library.functions().ggml_new_tensor)(self.context(), element_type, shape.len() as i32, ne.as_ptr())
        };
        self.adopt(pointer)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the context is valid and not used afterwards.
        unsafe { (self.library.functions().ggml_free)(self.context()) };
    }
}
