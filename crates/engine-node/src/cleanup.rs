//! What must stop when a JavaScript environment ends: a process that exits, a worker thread that is terminated.
//!
//! Native threads outlive their environment unless told to stop, and would then call into an engine that is gone.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use napi::Env;
use napi_derive::napi;

use crate::error::{Code, Failure, border};

/// Something with native threads, or that native threads wait for.
pub trait EndsWithEnvironment: Send + Sync {
    /// Called once on the JavaScript thread while the environment is taken down; must not call JavaScript and must
    /// return within a few seconds.
    fn environment_ends(self: Arc<Self>);
}

type Registered = Vec<Weak<dyn EndsWithEnvironment>>;

/// What is alive in each environment, by the environment's address.
static REGISTERED: Mutex<Option<HashMap<usize, Registered>>> = Mutex::new(None);

fn with_registered<T>(body: impl FnOnce(&mut HashMap<usize, Registered>) -> T) -> T {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    body(registered.get_or_insert_default())
}

/// Has `object` stopped when the environment ends, unless it was dropped before.
pub fn register(env: &Env, object: &Arc<impl EndsWithEnvironment + 'static>) -> Result<(), Failure> {
    let key = env.raw() as usize;
    let object: Arc<dyn EndsWithEnvironment> = object.clone();
    let is_first = with_registered(|registered| {
        let is_first = !registered.contains_key(&key);
        let objects = registered.entry(key).or_default();
        objects.retain(|object| object.strong_count() > 0);
        objects.push(Arc::downgrade(&object));
        is_first
    });
    if is_first {
        // One hook for an environment: hooks cannot be taken back from other threads, where objects may be dropped.
        env.add_env_cleanup_hook(key, |key| {
            end(key);
            with_registered(|registered| registered.remove(&key));
        })?;
    }
    Ok(())
}

/// Stops what is alive in an environment, in the order in which it was registered: what a member waits for ends before
/// the member.
fn end(key: usize) {
    let objects = with_registered(|registered| registered.get_mut(&key).map(std::mem::take));
    for object in objects
        .unwrap_or_default()
        .into_iter()
        .filter_map(|object| object.upgrade())
    {
        object.environment_ends();
    }
}

/// Runs `work` on a thread of its own and waits for it so long at most: whether it ended or not, the process goes on to
/// end.
pub fn run_within(limit: Duration, work: impl FnOnce() + Send + 'static) {
    let finished = Arc::new((Mutex::new(false), Condvar::new()));
    let closing = finished.clone();
    let started = thread::Builder::new().name("shoal-close".to_owned()).spawn(move || {
        work();
        *closing.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        closing.1.notify_all();
    });
    if started.is_ok() {
        let guard = finished.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = finished.1.wait_timeout_while(guard, limit, |finished| !*finished);
    }
}

/// For the process's `exit` event: `process.exit` skips the hooks of the main environment, and the C library then
/// destroys the globals of every library while threads still compute with them.
#[napi]
pub fn end_environment(env: Env) -> napi::Result<(), Code> {
    border(|| {
        end(env.raw() as usize);
        Ok(())
    })
}
