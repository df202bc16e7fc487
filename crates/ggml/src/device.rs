//! Devices: what they are and what they run.

use std::ffi::{CString, c_void};
use std::ptr::NonNull;

use shoal_abi::backend::BackendError;
use shoal_ggml_sys::{
    GGML_BACKEND_DEVICE_TYPE_CPU, GGML_BACKEND_DEVICE_TYPE_GPU, GGML_BACKEND_DEVICE_TYPE_IGPU, GGML_TYPE_F32,
    Registration, ggml_backend_buffer_type, ggml_backend_dev_caps, ggml_backend_dev_get_extra_bufts_t,
    ggml_backend_dev_props, ggml_backend_device, ggml_backend_get_features_t, ggml_backend_reg,
};
use shoal_program::StorageType;

use crate::library::{Library, text};
use crate::memory::BufferType;
use crate::storage::weight_type;
use crate::tensor::Arena;

/// What kind of thing a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor with the machine's memory.
    Cpu,
    /// A GPU with memory of its own.
    Gpu,
    /// A GPU that shares the machine's memory.
    IntegratedGpu,
    /// Anything else.
    Accelerator,
}

/// A device of a loaded backend library.
#[derive(Debug, Clone, Copy)]
pub struct Device {
    pub(crate) library: &'static Library,
    pub(crate) pointer: NonNull<ggml_backend_device>,
    registration: *mut ggml_backend_reg,
}

// SAFETY: a device is a static table of its library; ggml's device functions may be called from any thread.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

/// Properties of a device as ggml reports them now.
#[derive(Debug, Clone)]
pub struct DeviceProperties {
    /// The name to open it by.
    pub name: String,
    /// The hardware's name.
    pub description: String,
    /// What kind of thing it is.
    pub kind: DeviceKind,
    /// Memory in bytes; 0 is unknown.
    pub memory_total_bytes: u64,
    /// Free memory in bytes; 0 is unknown.
    pub memory_free_bytes: u64,
    /// Names of the feature flags that are on, such as `AVX512_VNNI`.
    pub features: Vec<String>,
    /// The backend library that runs it, such as `ggml-cpu-zen4`.
    pub library: String,
}

impl Device {
    pub(crate) fn all_of(library: &'static Library, registration: &Registration) -> Vec<Self> {
        let functions = library.functions();
        // SAFETY: the registration is valid for the life of the process.
        let count = unsafe { (functions.ggml_backend_reg_dev_count)(registration.pointer) };
        (0..count)
            .filter_map(|index| {
                // SAFETY: the index is below the count.
                let pointer = unsafe { (functions.ggml_backend_reg_dev_get)(registration.pointer, index) };
                NonNull::new(pointer).map(|pointer| Self {
                    library,
                    pointer,
                    registration: registration.pointer,
                })
            })
            .collect()
    }

    fn raw_properties(&self) -> ggml_backend_dev_props {
        let mut properties = ggml_backend_dev_props {
            name: std::ptr::null(),
            description: std::ptr::null(),
            memory_free: 0,
            memory_total: 0,
            type_: GGML_BACKEND_DEVICE_TYPE_CPU,
            device_id: std::ptr::null(),
            caps: ggml_backend_dev_caps::default(),
        };
        // SAFETY: device and result are valid.
        unsafe { (self.library.functions().ggml_backend_dev_get_props)(self.pointer.as_ptr(), &raw mut properties) };
        properties
    }

    /// The name to open it by, such as `CPU` or `Vulkan0`.
    pub fn name(&self) -> String {
        // SAFETY: the device's name lives as long as the device.
        unsafe { text(self.raw_properties().name) }
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> DeviceKind {
        match self.raw_properties().type_ {
            GGML_BACKEND_DEVICE_TYPE_CPU => DeviceKind::Cpu,
            GGML_BACKEND_DEVICE_TYPE_GPU => DeviceKind::Gpu,
            GGML_BACKEND_DEVICE_TYPE_IGPU => DeviceKind::IntegratedGpu,
            _ => DeviceKind::Accelerator,
        }
    }

    /// All properties; asks the driver for free memory.
    pub fn properties(&self) -> DeviceProperties {
        let raw = self.raw_properties();
        let registrations = self.library.registrations();
        let library = registrations
            .iter()
            .find(|registration| registration.pointer == self.registration);
        DeviceProperties {
            // SAFETY: the device's strings live as long as the device.
            name: unsafe { text(raw.name) },
            // SAFETY: as above.
            description: unsafe { text(raw.description) },
            kind: self.kind(),
            memory_total_bytes: raw.memory_total as u64,
            memory_free_bytes: raw.memory_free as u64,
            features: self.features(),
            library: library
                .map(|registration| registration.name.clone())
                .unwrap_or_default(),
        }
    }

    fn features(&self) -> Vec<String> {
        // SAFETY: the name's type is fixed by ggml's interface.
        let Some(get) = (unsafe { self.procedure::<ggml_backend_get_features_t>("ggml_backend_get_features") }) else {
            return Vec::new();
        };
        let mut features = Vec::new();
        // SAFETY: the registration is valid; the list is static and ends with a null name.
        unsafe {
            let mut entry = get(self.registration);
            while !entry.is_null() && !(*entry).name.is_null() {
                if text((*entry).value) != "0" {
                    features.push(text((*entry).name));
                }
                entry = entry.add(1);
            }
        }
        features
    }

    /// A function that only some backend libraries have.
    ///
    /// # Safety
    /// `Function` is the function pointer type that ggml documents for `name`.
    pub(crate) unsafe fn procedure<Function: Copy>(&self, name: &str) -> Option<Function> {
        const { assert!(size_of::<Function>() == size_of::<*mut c_void>()) };
        let name = CString::new(name).ok()?;
        // SAFETY: the registration is valid, the name a C string.
        let address =
            unsafe { (self.library.functions().ggml_backend_reg_get_proc_address)(self.registration, name.as_ptr()) };
        // SAFETY: not null, and of that type by the caller's word.
        (!address.is_null()).then(|| unsafe { std::mem::transmute_copy::<*mut c_void, Function>(&address) })
    }

    /// The device's ordinary memory.
    pub(crate) fn default_buffer_type(&self) -> Result<BufferType, BackendError> {
        // SAFETY: the device is valid.
        let pointer = unsafe { (self.library.functions().ggml_backend_dev_buffer_type)(self.pointer.as_ptr()) };
        BufferType::new(*self, pointer)
            .ok_or_else(|| BackendError::failed(format!("the device {} has no memory", self.name())))
    }

    /// Memory in which weights are rearranged for faster products; empty for most devices.
    pub(crate) fn extra_buffer_types(&self) -> Vec<BufferType> {
        const NAME: &str = "ggml_backend_dev_get_extra_bufts";
        // SAFETY: the name's type is fixed by ggml's interface.
        let Some(get) = (unsafe { self.procedure::<ggml_backend_dev_get_extra_bufts_t>(NAME) }) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        // SAFETY: the device is valid; the list is static and ends with null.
        unsafe {
            let mut entry: *mut *mut ggml_backend_buffer_type = get(self.pointer.as_ptr());
            while !entry.is_null() && !(*entry).is_null() {
                found.extend(BufferType::new(*self, *entry));
                entry = entry.add(1);
            }
        }
        found
    }

    /// The memory in which a matrix of `inputs` columns and `outputs` rows multiplies fastest, if not the ordinary one.
    ///
    /// The device is asked with an empty buffer of that memory, because uploading a weight of an unfit type or shape
    /// to rearranging memory ends the process.
    pub(crate) fn repacking_buffer_type(
        &self,
        storage: StorageType,
        inputs: usize,
        outputs: usize,
    ) -> Result<Option<BufferType>, BackendError> {
        for buffer_type in self.extra_buffer_types() {
            let probe = buffer_type.allocate(0)?;
            let arena = Arena::new(self.library, 8, 0)?;
            let weight = arena.tensor(weight_type(storage), &[inputs, outputs])?;
            let input = arena.tensor(GGML_TYPE_F32, &[inputs, 16])?;
            weight.set_buffer(probe.pointer());
            let product = arena.multiply_matrix(weight, input)?;
            // SAFETY: device and operation are valid; the operation's sources are described, not allocated.
            let fits = unsafe {
                (self.library.functions().ggml_backend_dev_supports_op)(self.pointer.as_ptr(), product.pointer())
            };
            if fits {
                return Ok(Some(buffer_type));
            }
        }
        Ok(None)
    }

    /// Rows of a matrix must be cut in multiples of this to multiply at full speed on this device.
    ///
    /// # Errors
    /// Failures of the device.
    pub fn row_tile(&self, storage: StorageType) -> Result<usize, BackendError> {
        // Wide enough for every block and interleaving there is.
        const INPUTS: usize = 4096;
        for tile in [1, 2, 4, 8, 16, 32, 64] {
            if self.repacking_buffer_type(storage, INPUTS, tile)?.is_some() {
                return Ok(tile);
            }
        }
        Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_described() {
        let library = Library::load(&Default::default()).unwrap();
        let device = library.device("cpu").unwrap();
        let properties = device.properties();
        assert_eq!(properties.kind, DeviceKind::Cpu);
        assert!(properties.memory_total_bytes > 1 << 28, "{properties:?}");
        assert!(properties.library.starts_with("ggml-cpu"), "{properties:?}");
        assert_eq!(device.row_tile(StorageType::F32).unwrap(), 1);
    }

    #[test]
    fn an_unknown_device_is_an_error_that_lists_the_known_ones() {
        let error = Library::load(&Default::default()).unwrap().device("cuda7").unwrap_err();
        assert_eq!(error.code, "BACKEND_DEVICE_UNAVAILABLE");
        assert!(error.message.contains("CPU"), "{error}");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn four_bit_weights_are_rearranged_where_the_processor_gains_by_it() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let device = Library::load(&Default::default()).unwrap().device("CPU").unwrap();
        assert!(
            device
                .repacking_buffer_type(StorageType::Q4_0, 256, 64)
                .unwrap()
                .is_some()
        );
        assert!(
            device
                .repacking_buffer_type(StorageType::Q4_0, 256, 63)
                .unwrap()
                .is_none()
        );
        assert!(
            device
                .repacking_buffer_type(StorageType::Bf16, 256, 64)
                .unwrap()
                .is_none()
        );
        assert_eq!(device.row_tile(StorageType::Q4_0).unwrap(), 8);
    }
}
