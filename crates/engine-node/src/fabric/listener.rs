//! Listening, as JavaScript sees it.

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::endpoint::ListenOptions;
use super::member_listener::MemberListener;
use super::mesh::{MeshHandle, establish};
use crate::error::{Code, border};
use crate::promise;

/// Bound sockets of one member, for one mesh.
#[napi]
pub struct FabricListener {
    listener: MemberListener,
}

#[napi]
impl FabricListener {
    /// Binds what the options ask for.
    #[napi(factory)]
    pub fn listen(options: ListenOptions) -> napi::Result<Self, Code> {
        border(|| {
            let listener = MemberListener::bind(options)?;
            Ok(Self { listener })
        })
    }

    /// What the peers must be told, as JSON.
    #[napi(getter)]
    pub fn endpoint(&self) -> &str {
        self.listener.endpoint()
    }

    /// Connects to all peers and returns the mesh; uses the listener up.
    #[napi(ts_return_type = "Promise<MeshHandle>")]
    pub fn connect<'env>(
        &self,
        env: &'env Env,
        peers_json: String,
        deadline_milliseconds: u32,
    ) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let deadline = Duration::from_millis(u64::from(deadline_milliseconds));
            let config = self.listener.mesh_config(&peers_json, deadline)?;
            promise::spawn(
                env,
                &self.listener.thread_name(),
                move || establish(config),
                |env, mesh| MeshHandle::new(&env, mesh),
            )
        })
    }

    /// Stops listening and gives up a connect that is under way. Idempotent.
    #[napi]
    pub fn close(&self) -> napi::Result<(), Code> {
        border(|| {
            self.listener.close();
            Ok(())
        })
    }
}
