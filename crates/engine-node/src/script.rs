//! A device whose work is done by JavaScript: the native driver calls a backend table, this shim asks the JavaScript
//! thread and waits. Slower than a native device, the same frames, the same results.

mod call;
mod compile_job;
mod device;
mod executable;
mod port;
mod region;

use std::sync::Arc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function};
use napi_derive::napi;
use shoal_abi::backend::Backend;

use crate::cleanup;
use crate::device::NativeDeviceHandle;
use crate::error::{Code, Failure, border};
use call::Argument;
use device::ScriptDevice;
use port::{Port, Timeouts};

/// What `script-device.js` gives: called with the call's name, the executable's number and the call's argument;
/// returns nothing, or `CODE: message` when it failed.
type Dispatcher<'env> = Function<'env, FnArgs<(&'static str, u32, Argument)>, Option<String>>;

/// Makes a device of a dispatcher (see `script-device.js`, which makes one of a `ScriptDevice`).
#[napi]
pub fn create_script_device(
    env: Env,
    dispatcher: Dispatcher<'_>,
    call_timeout_milliseconds: u32,
    compile_timeout_milliseconds: u32,
) -> napi::Result<NativeDeviceHandle, Code> {
    border(|| {
        if call_timeout_milliseconds == 0 || compile_timeout_milliseconds == 0 {
            return Err(Failure::argument("the timeouts of a script device must be positive"));
        }
        let timeouts = Timeouts {
            call: Duration::from_millis(u64::from(call_timeout_milliseconds)),
            compile: Duration::from_millis(u64::from(compile_timeout_milliseconds)),
        };
        let port = Arc::new(Port::new(&dispatcher, timeouts)?);
        cleanup::register(&env, &port)?;
        let backend = Backend::export(ScriptDevice::new(port.clone()));
        Ok(NativeDeviceHandle::with_close(backend, move || {
            port.close("the script device was closed while a member still used it");
        }))
    })
}
