//! Memory of devices.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{GGML_BACKEND_BUFFER_USAGE_WEIGHTS, GGML_TYPE_I8, ggml_backend_buffer, ggml_backend_buffer_type};

use crate::device::{Device, DeviceKind};
use crate::library::text;
use crate::tensor::{Arena, Tensor};

/// A kind of memory of a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BufferType {
    device: Device,
    pointer: NonNull<ggml_backend_buffer_type>,
}

impl PartialEq for BufferType {
    fn eq(&self, other: &Self) -> bool {
        self.pointer == other.pointer
    }
}

impl BufferType {
    pub(crate) fn new(device: Device, pointer: *mut ggml_backend_buffer_type) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self { device, pointer })
    }

    pub(crate) fn pointer(&self) -> *mut ggml_backend_buffer_type {
        self.pointer.as_ptr()
    }

    fn name(&self) -> String {
        // SAFETY: the buffer type is valid, its name static.
        unsafe { text((self.device.library.functions().ggml_backend_buft_name)(self.pointer())) }
    }

    /// Bytes that a tensor takes in this memory, rounded up to the memory's alignment.
    pub(crate) fn tensor_bytes(&self, tensor: Tensor) -> usize {
        let functions = self.device.library.functions();
        // SAFETY: the buffer type is valid.
        let alignment = unsafe { (functions.ggml_backend_buft_get_alignment)(self.pointer()) };
        self.content_bytes(tensor).next_multiple_of(alignment.max(1))
    }

    /// Whether this memory keeps every tile of rows in the place that the rows would have: then rows can be uploaded in
    /// parts. Of ggml's memories that rearrange, the one of its portable kernels does; others pack a tensor as a whole.
    pub(crate) fn keeps_tiles_of(&self, tensor: Tensor) -> bool {
        self.name() == "CPU_REPACK" && self.content_bytes(tensor) == tensor.bytes()
    }

    /// Whether it rearranges rows and the processor can look at what became of them. ggml does not call such memory host
    /// memory, because a tensor's bytes are not in their place, but these two are allocated as host memory is.
    pub(crate) fn is_rearranging_processor_memory(&self) -> bool {
        self.device.kind() == DeviceKind::Cpu && matches!(self.name().as_str(), "CPU_REPACK" | "AMX")
    }

    /// Bytes that a tensor takes in this memory.
    pub(crate) fn content_bytes(&self, tensor: Tensor) -> usize {
        let functions = self.device.library.functions();
        // SAFETY: buffer type and tensor are valid.
        unsafe { (functions.ggml_backend_buft_get_alloc_size)(self.pointer(), tensor.pointer()) }
    }

    /// Bytes that one buffer of this memory can hold at most.
    pub(crate) fn largest_buffer_bytes(&self) -> usize {
        // SAFETY: the buffer type is valid.
        unsafe { (self.device.library.functions().ggml_backend_buft_get_max_size)(self.pointer()) }
    }

    /// Allocates memory of undefined content.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn allocate(&self, bytes: usize) -> Result<Buffer, BackendError> {
        // SAFETY: the buffer type is valid; null means that there is not enough memory.
        let pointer =
            unsafe { (self.device.library.functions().ggml_backend_buft_alloc_buffer)(self.pointer(), bytes) };
        let pointer = NonNull::new(pointer).ok_or_else(|| out_of_memory(&self.name(), bytes))?;
        Ok(Buffer {
            device: self.device,
            pointer,
            host: None,
        })
    }

    /// Allocates memory that reads as zero.
    ///
    /// On the processor the pages come from the system untouched, so that only what is used becomes resident.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn allocate_zeroed(&self, bytes: usize) -> Result<Buffer, BackendError> {
        let functions = self.device.library.functions();
        if self.device.kind() != DeviceKind::Cpu {
            let buffer = self.allocate(bytes)?;
            // SAFETY: the buffer is valid.
            unsafe { (functions.ggml_backend_buffer_clear)(buffer.pointer(), 0) };
            return Ok(buffer);
        }
        let host = HostMemory::zeroed(bytes).ok_or_else(|| out_of_memory("host memory", bytes))?;
        // SAFETY: device and memory are valid; the memory outlives the buffer, which holds it.
        let pointer = unsafe {
            (functions.ggml_backend_dev_buffer_from_host_ptr)(
                self.device.pointer.as_ptr(),
                host.aligned().as_ptr().cast(),
                bytes,
                bytes,
            )
        };
        let pointer = NonNull::new(pointer).ok_or_else(|| out_of_memory("host memory", bytes))?;
        Ok(Buffer {
            device: self.device,
            pointer,
            host: Some(host),
        })
    }
}

fn out_of_memory(name: &str, bytes: usize) -> BackendError {
    BackendError::new(
        ErrorCode::BackendOutOfMemory.name(),
        format!(
            "{} MiB of {name} could not be allocated; load fewer layers here or shorten the context",
            bytes >> 20
        ),
    )
}

/// A piece of a device's memory.
#[derive(Debug)]
pub(crate) struct Buffer {
    device: Device,
    pointer: NonNull<ggml_backend_buffer>,
    /// The memory behind a buffer that was made out of host memory.
    host: Option<HostMemory>,
}

// SAFETY: a buffer is plain memory with an owner; ggml's buffer functions do not depend on the thread.
unsafe impl Send for Buffer {}

impl Buffer {
    pub(crate) fn pointer(&self) -> *mut ggml_backend_buffer {
        self.pointer.as_ptr()
    }

    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: the buffer is valid.
        unsafe { (self.device.library.functions().ggml_backend_buffer_get_size)(self.pointer()) }
    }

    /// Where it begins; an address of the device.
    pub(crate) fn address(&self) -> usize {
        // SAFETY: the buffer is valid.
        unsafe { (self.device.library.functions().ggml_backend_buffer_get_base)(self.pointer()) as usize }
    }

    /// Whether the processor may read and write tensors in it directly.
    pub(crate) fn is_host(&self) -> bool {
        // SAFETY: the buffer is valid.
        unsafe { (self.device.library.functions().ggml_backend_buffer_is_host)(self.pointer()) }
    }

    /// Tells schedulers that weights are inside, and asks the system for huge pages where it offers them: streaming
    /// weights touches every page once per token, and fewer pages cost fewer address translations.
    pub(crate) fn mark_as_weights(&self) {
        let functions = self.device.library.functions();
        // SAFETY: the buffer is valid.
        let base = unsafe {
            (functions.ggml_backend_buffer_set_usage)(self.pointer(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
            (functions.ggml_backend_buffer_get_base)(self.pointer())
        };
        if self.device.kind() == DeviceKind::Cpu && !base.is_null() {
            advise_huge_pages(base as usize, self.bytes());
        }
    }

    /// Gives `tensor` its place, `offset` bytes into the buffer.
    ///
    /// # Errors
    /// `BACKEND_FAILED` when the tensor does not fit or the device refuses.
    pub(crate) fn place(&self, tensor: Tensor, offset: usize) -> Result<(), BackendError> {
        let functions = self.device.library.functions();
        if offset.checked_add(tensor.bytes()).is_none_or(|end| end > self.bytes()) {
            return Err(BackendError::failed("a tensor was placed outside its buffer"));
        }
        // SAFETY: the buffer is valid; the address lies inside it, with room for the tensor.
        let status = unsafe {
            let base = (functions.ggml_backend_buffer_get_base)(self.pointer());
            (functions.ggml_backend_tensor_alloc)(self.pointer(), tensor.pointer(), base.byte_add(offset))
        };
        if status == shoal_ggml_sys::GGML_STATUS_SUCCESS {
            Ok(())
        } else {
            Err(BackendError::failed(format!(
                "the device refused a tensor with status {status}"
            )))
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the buffer is valid and not used afterwards; host memory behind it is freed only after this.
        unsafe { (self.device.library.functions().ggml_backend_buffer_free)(self.pointer()) };
        self.host = None;
    }
}

/// A zeroed buffer that is read and written by offset, whatever memory it is.
#[derive(Debug)]
pub(crate) struct Region {
    pub buffer: Buffer,
    /// All bytes as one tensor: ggml copies to and from devices by tensor.
    bytes: Tensor,
    // Holds the description that the tensor points to.
    _arena: Arena,
}

impl Region {
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn new(buffer_type: BufferType, bytes: usize) -> Result<Self, BackendError> {
        let bytes = bytes.max(1);
        let buffer = buffer_type.allocate_zeroed(bytes)?;
        let arena = Arena::new(buffer_type.device.library, 1, 0)?;
        let tensor = arena.tensor(GGML_TYPE_I8, &[bytes])?;
        buffer.place(tensor, 0)?;
        Ok(Self {
            buffer,
            bytes: tensor,
            _arena: arena,
        })
    }

    /// The address of a byte, where the processor can use it.
    pub(crate) fn host_address(&self, offset: usize) -> Option<NonNull<u8>> {
        if !self.buffer.is_host() || offset >= self.bytes.bytes() {
            return None;
        }
        // SAFETY: the offset lies inside the buffer.
        NonNull::new(unsafe { self.bytes.data().cast::<u8>().add(offset) })
    }

    /// Copies numbers to a place in the region.
    ///
    /// # Errors
    /// `BACKEND_FAILED` when they do not fit.
    pub(crate) fn write<T: Copy>(&self, offset: usize, numbers: &[T]) -> Result<(), BackendError> {
        let length = self.checked(offset, size_of_val(numbers))?;
        let functions = self.buffer.device.library.functions();
        if length > 0 {
            // SAFETY: the range lies inside the tensor, the slice has as many bytes.
            unsafe {
                (functions.ggml_backend_tensor_set)(self.bytes.pointer(), numbers.as_ptr().cast(), offset, length);
            }
        }
        Ok(())
    }

    /// Copies numbers out of a place in the region.
    ///
    /// # Errors
    /// `BACKEND_FAILED` when there are not as many.
    pub(crate) fn read(&self, offset: usize, numbers: &mut [f32]) -> Result<(), BackendError> {
        let length = self.checked(offset, size_of_val(numbers))?;
        let functions = self.buffer.device.library.functions();
        if length > 0 {
            // SAFETY: the range lies inside the tensor, the slice has as many bytes, and any bits are a number.
            unsafe {
                (functions.ggml_backend_tensor_get)(self.bytes.pointer(), numbers.as_mut_ptr().cast(), offset, length);
            }
        }
        Ok(())
    }

    fn checked(&self, offset: usize, length: usize) -> Result<usize, BackendError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.bytes.bytes() => Ok(length),
            _ => Err(BackendError::failed("a copy leaves its memory region")),
        }
    }
}

/// Zeroed memory of the process.
#[derive(Debug)]
struct HostMemory {
    pointer: NonNull<u8>,
    layout: Layout,
}

// SAFETY: plain memory with one owner.
unsafe impl Send for HostMemory {}

impl HostMemory {
    /// At least what ggml asks of addresses, and whole pages.
    const ALIGNMENT: usize = 4096;

    /// An allocation of common alignment that is aligned by hand: only then does the allocator pass on the system's
    /// zeroed pages instead of writing zeros itself.
    fn zeroed(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.checked_add(Self::ALIGNMENT)?, 16).ok()?;
        // SAFETY: the size is not zero.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { pointer, layout })
    }

    fn aligned(&self) -> NonNull<u8> {
        let offset = self.pointer.align_offset(Self::ALIGNMENT);
        // SAFETY: `ALIGNMENT` bytes were allocated on top, so the offset stays inside.
        unsafe { self.pointer.add(offset) }
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.pointer.as_ptr(), self.layout) };
    }
}

#[cfg(target_os = "linux")]
fn advise_huge_pages(address: usize, bytes: usize) {
    const HUGE_PAGE_BYTES: usize = 2 << 20;
    let start = address.next_multiple_of(HUGE_PAGE_BYTES);
    let end = (address + bytes) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if start < end {
        // SAFETY: the range lies inside memory that is ours; the advice changes no content. It may be refused.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_address: usize, _bytes: usize) {}
