//! Members: loading one, asking it for tokens, hearing from it.

mod abort;
mod events;
mod handle;
mod objects;
mod options;
mod report;

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{Function, Object};
use napi_derive::napi;
use shoal_engine::Member;

use crate::error::{Code, Failure, border};
use crate::promise;
pub use abort::LoadAbort;
use events::Events;
use handle::MemberHandle;
use objects::MemberHandles;

pub use handle::LONGEST_STEP_AT_EXIT;
pub use options::{Connection, Load, MemberObjects};
pub use report::Report;

/// Loads a member on a thread of its own and returns a promise of its handle.
#[napi(ts_return_type = "Promise<MemberHandle>")]
pub fn create_member<'env>(
    env: &'env Env,
    options_json: String,
    handles: MemberHandles,
    on_event: Function<'_, String, ()>,
    abort: Option<&LoadAbort>,
) -> napi::Result<Object<'env>, Code> {
    border(|| {
        let events = Arc::new(Events::new(&on_event)?);
        let abort = abort.map(LoadAbort::flag).unwrap_or_default();
        let load = Load::parse(&options_json, handles.objects()?)?;
        let name = load.thread_name();
        let heard = events.clone();
        promise::spawn(
            env,
            &name,
            move || {
                let told = heard.clone();
                let started = load
                    .options(abort, Arc::new(move |event| told.send(event)))
                    .and_then(|options| Member::start(options).map_err(Failure::from));
                // A load that failed has nothing more to say, and must not keep the event loop alive.
                started.inspect_err(|_| heard.close())
            },
            |env, member| MemberHandle::new(&env, member, events),
        )
    })
}
