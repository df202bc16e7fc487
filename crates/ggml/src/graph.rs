//! Graphs, the allocator of their intermediate results, and the session that computes them.

use std::ptr::NonNull;
use std::time::Instant;

use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{
    GGML_MAX_N_THREADS, GGML_STATUS_SUCCESS, ggml_backend, ggml_backend_cpu_set_threadpool_t,
    ggml_backend_set_n_threads_t, ggml_cgraph, ggml_gallocr, ggml_threadpool, ggml_threadpool_free_t,
    ggml_threadpool_new_t, ggml_threadpool_params,
};

use crate::device::{Device, DeviceKind};
use crate::library::text;
use crate::memory::BufferType;
use crate::pace::Pace;
use crate::tensor::{Arena, Tensor};

/// Operations in order of execution, inside an arena, which whoever keeps the graph keeps too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Graph(NonNull<ggml_cgraph>);

// SAFETY: a handle is an address; its owner decides which thread uses it.
unsafe impl Send for Graph {}

impl Graph {
    /// An empty graph for up to `nodes` operations and inputs; the arena must have been made for as many.
    pub(crate) fn new(arena: &Arena, nodes: usize) -> Result<Self, BackendError> {
        // SAFETY: the context is valid and has room by the caller's word; ggml returns null otherwise.
        let pointer = unsafe { (arena.library().functions().ggml_new_graph_custom)(arena.context(), nodes, false) };
        NonNull::new(pointer)
            .map(Self)
            .ok_or_else(|| BackendError::failed("ggml made no graph"))
    }

    /// Appends `tensor` and all that it is computed from.
    pub(crate) fn append(self, arena: &Arena, tensor: Tensor) {
        // SAFETY: graph and tensor live in the arena.
        unsafe { (arena.library().functions().ggml_build_forward_expand)(self.0.as_ptr(), tensor.pointer()) };
    }

    /// Number of operations.
    pub(crate) fn len(self, arena: &Arena) -> usize {
        // SAFETY: the graph lives in the arena.
        unsafe { (arena.library().functions().ggml_graph_n_nodes)(self.0.as_ptr()) as usize }
    }
}

/// Gives intermediate results their places. All graphs of one allocator share one piece of memory, so that at most one
/// of them is being computed at a time.
#[derive(Debug)]
pub(crate) struct GraphAllocator {
    device: Device,
    pointer: NonNull<ggml_gallocr>,
}

// SAFETY: an allocator is plain memory with one owner.
unsafe impl Send for GraphAllocator {}

impl GraphAllocator {
    pub(crate) fn new(device: Device, buffer_type: BufferType) -> Result<Self, BackendError> {
        // SAFETY: the buffer type is valid.
        let pointer = unsafe { (device.library.functions().ggml_gallocr_new)(buffer_type.pointer()) };
        let pointer = NonNull::new(pointer).ok_or_else(|| BackendError::failed("ggml made no graph allocator"))?;
        Ok(Self { device, pointer })
    }

    /// Bytes in use now. When this grows, all graphs that were placed before have lost their memory.
    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: the allocator is valid and has one buffer.
        unsafe { (self.device.library.functions().ggml_gallocr_get_buffer_size)(self.pointer.as_ptr(), 0) }
    }

    /// Gives every intermediate result of `graph` its place.
    ///
    /// # Errors
    /// `BACKEND_OUT_OF_MEMORY`.
    pub(crate) fn place(&mut self, graph: Graph) -> Result<(), BackendError> {
        let functions = self.device.library.functions();
        // Without the reservation ggml reuses the places of the graph before, if only the sizes fit, although another
        // graph may need its results for longer.
        // SAFETY: allocator and graph are valid.
        let placed = unsafe {
            (functions.ggml_gallocr_reserve)(self.pointer.as_ptr(), graph.0.as_ptr())
                && (functions.ggml_gallocr_alloc_graph)(self.pointer.as_ptr(), graph.0.as_ptr())
        };
        if placed {
            return Ok(());
        }
        Err(BackendError::new(
            ErrorCode::BackendOutOfMemory.name(),
            "there is no memory for intermediate results; lower maximumStepTokens or the context length",
        ))
    }
}

impl Drop for GraphAllocator {
    fn drop(&mut self) {
        // SAFETY: the allocator is valid and not used afterwards.
        unsafe { (self.device.library.functions().ggml_gallocr_free)(self.pointer.as_ptr()) };
    }
}

/// A device opened for computing, with threads of its own on the processor.
#[derive(Debug)]
pub(crate) struct Session {
    device: Device,
    backend: NonNull<ggml_backend>,
    threads: Option<Threads>,
}

/// The threads of a session on a processor.
#[derive(Debug)]
struct Threads {
    pool: NonNull<ggml_threadpool>,
    free: ggml_threadpool_free_t,
    count: usize,
    pace: Pace,
    last_end: Instant,
}

impl Drop for Threads {
    fn drop(&mut self) {
        // SAFETY: the pool is valid, and no backend knows it any more.
        unsafe { (self.free)(self.pool.as_ptr()) };
    }
}

// SAFETY: a session is used by one thread at a time, which its owner sees to by `&mut self`.
unsafe impl Send for Session {}

impl Session {
    /// Opens `device`; `thread_count` threads, the calling one included, compute on a processor.
    ///
    /// # Errors
    /// `BACKEND_DEVICE_UNAVAILABLE` when the device cannot be opened.
    pub(crate) fn open(device: Device, thread_count: usize) -> Result<Self, BackendError> {
        let functions = device.library.functions();
        // SAFETY: the device is valid, parameters may be null.
        let backend = unsafe { (functions.ggml_backend_dev_init)(device.pointer.as_ptr(), std::ptr::null()) };
        let backend = NonNull::new(backend).ok_or_else(|| {
            let message = format!("the device {} cannot be opened", device.name());
            BackendError::new(ErrorCode::BackendDeviceUnavailable.name(), message)
        })?;
        let mut session = Self {
            device,
            backend,
            threads: None,
        };
        if device.kind() == DeviceKind::Cpu {
            session.start_threads(thread_count.clamp(1, GGML_MAX_N_THREADS), Pace::default())?;
        }
        Ok(session)
    }

    /// Starts threads that wait at this pace; they take the place of those before.
    fn start_threads(&mut self, count: usize, pace: Pace) -> Result<(), BackendError> {
        let missing = || BackendError::failed("the CPU library lacks its thread functions; it is of another version");
        // SAFETY: the names' types are fixed by ggml's interface.
        let (new, free, set_pool, set_count) = unsafe {
            (
                self.device
                    .procedure::<ggml_threadpool_new_t>("ggml_threadpool_new")
                    .ok_or_else(missing)?,
                self.device
                    .procedure::<ggml_threadpool_free_t>("ggml_threadpool_free")
                    .ok_or_else(missing)?,
                self.device
                    .procedure::<ggml_backend_cpu_set_threadpool_t>("ggml_backend_cpu_set_threadpool")
                    .ok_or_else(missing)?,
                self.device
                    .procedure::<ggml_backend_set_n_threads_t>("ggml_backend_set_n_threads")
                    .ok_or_else(missing)?,
            )
        };
        let mut parameters = ggml_threadpool_params {
            cpumask: [false; GGML_MAX_N_THREADS],
            n_threads: count as i32,
            prio: 0,
            poll: pace.poll_level(),
            strict_cpu: false,
            paused: false,
        };
        // SAFETY: the parameters are complete; ggml copies them.
        let pool = unsafe { new(&raw mut parameters) };
        let pool =
            NonNull::new(pool).ok_or_else(|| BackendError::failed(format!("{count} threads cannot be started")))?;
        // SAFETY: backend and pool are valid, and the pool outlives the backend's use of it.
        unsafe {
            set_count(self.backend.as_ptr(), count as i32);
            set_pool(self.backend.as_ptr(), pool.as_ptr());
        }
        // Those before end here: the backend has let go of their pool.
        self.threads = Some(Threads {
            pool,
            free,
            count,
            pace,
            last_end: Instant::now(),
        });
        Ok(())
    }

    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// Changes how the threads wait where graphs have come to follow one another at another pace.
    fn keep_pace(&mut self) {
        // A single thread is the caller's.
        let Some(threads) = self.threads.as_mut().filter(|threads| threads.count > 1) else {
            return;
        };
        if threads.pace.observe(threads.last_end.elapsed()) {
            let (count, pace) = (threads.count, threads.pace);
            // Where no threads can be started those before go on in their way.
            let _ = self.start_threads(count, pace);
        }
    }

    /// Runs a graph to its end.
    ///
    /// # Errors
    /// `BACKEND_FAILED` with ggml's word for the failure.
    pub(crate) fn compute(&mut self, graph: Graph) -> Result<(), BackendError> {
        self.keep_pace();
        let functions = self.device.library.functions();
        // SAFETY: backend and graph are valid, and every tensor of the graph has its place.
        let status = unsafe { (functions.ggml_backend_graph_compute)(self.backend.as_ptr(), graph.0.as_ptr()) };
        if let Some(threads) = &mut self.threads {
            threads.last_end = Instant::now();
        }
        if status == GGML_STATUS_SUCCESS {
            return Ok(());
        }
        // SAFETY: a static string.
        let word = unsafe { text((functions.ggml_status_to_string)(status)) };
        Err(BackendError::failed(format!(
            "the device {} failed: {word}",
            self.device.name()
        )))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: valid and not used afterwards. The threads, whose pool it knows, are dropped after it.
        unsafe { (self.device.library.functions().ggml_backend_free)(self.backend.as_ptr()) };
    }
}
