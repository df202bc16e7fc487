//! Devices as JavaScript holds them: an address to hand to a member.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use napi::bindgen_prelude::BigInt;
use napi_derive::napi;
use serde::Deserialize;
use shoal_abi::backend::Backend;
use shoal_ggml::LoadOptions;
use shoal_ggml::executor::{self, OpenOptions};

use crate::error::{Code, Failure, border};

/// An open device. Its table stays valid until `close`; a member that uses it holds a reference of its own.
#[napi]
pub struct NativeDeviceHandle {
    backend: Mutex<Option<Backend>>,
    on_close: Option<Box<dyn Fn() + Send>>,
}

impl NativeDeviceHandle {
    /// Wraps an open device.
    pub fn new(backend: Backend) -> Self {
        Self {
            backend: Mutex::new(Some(backend)),
            on_close: None,
        }
    }

    /// Wraps a device that must be told when its owner closes it, although members still refer to it.
    pub fn with_close(backend: Backend, on_close: impl Fn() + Send + 'static) -> Self {
        Self {
            backend: Mutex::new(Some(backend)),
            on_close: Some(Box::new(on_close)),
        }
    }
}

#[napi]
impl NativeDeviceHandle {
    /// Address of the device's `BackendTable`.
    #[napi(getter)]
    pub fn table(&self) -> napi::Result<BigInt, Code> {
        border(|| {
            let backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
            match backend.as_ref() {
                Some(backend) => Ok(BigInt::from(backend.table() as u64)),
                None => Err(Failure::new("BACKEND_DEVICE_UNAVAILABLE", "the device was closed")),
            }
        })
    }

    /// Gives the device up; it is freed when no member uses it any more. Idempotent.
    #[napi]
    pub fn close(&self) -> napi::Result<(), Code> {
        border(|| {
            let backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner).take();
            if backend.is_some()
                && let Some(on_close) = &self.on_close
            {
                on_close();
            }
            Ok(())
        })
    }
}

/// Options of `openGgmlDevice`, and as JSON of `shoal_device_open`.
#[napi(object)]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GgmlDeviceOptions {
    /// Name of the device.
    pub device: String,
    /// Compute threads.
    pub threads: Option<u32>,
    /// Folder of ggml's libraries.
    pub library_directory: Option<String>,
}

/// Opens a device of ggml.
pub fn open(options: GgmlDeviceOptions) -> Result<Backend, Failure> {
    if options.threads == Some(0) {
        return Err(Failure::argument("a device needs at least one thread"));
    }
    Ok(executor::open(&OpenOptions {
        library: LoadOptions {
            directory: options.library_directory.map(PathBuf::from),
            ..LoadOptions::default()
        },
        device: options.device,
        threads: options.threads.map(|threads| threads as usize),
    })?)
}

/// Opens a device of ggml for JavaScript.
#[napi]
pub fn open_ggml_device(options: GgmlDeviceOptions) -> napi::Result<NativeDeviceHandle, Code> {
    border(|| Ok(NativeDeviceHandle::new(open(options)?)))
}
