//! Promises for work that waits: a thread of its own does it, the JavaScript thread settles the promise.

use std::thread;

use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::error::{Failure, contained};

/// Starts `work` on a new thread and returns a promise of what `finish` makes of its outcome on the JavaScript thread.
///
/// A thread for each call, not the pool that the runtime shares with file access: connecting and loading wait for
/// other machines, and four of them would starve everything else.
pub fn spawn<'env, Work, Finish, Outcome, Value>(
    env: &'env Env,
    name: &str,
    work: Work,
    finish: Finish,
) -> Result<Object<'env>, Failure>
where
    Work: FnOnce() -> Result<Outcome, Failure> + Send + 'static,
    Finish: FnOnce(Env, Outcome) -> Result<Value, Failure> + Send + 'static,
    Outcome: Send + 'static,
    Value: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let settle = move || {
        let result = contained(work);
        deferred.resolve(move |env| {
            result
                .and_then(|outcome| contained(|| finish(env, outcome)))
                .map_err(|failure| failure.into_rejection(env))
        });
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(settle)
        .map_err(|error| Failure::new("INTERNAL", format!("cannot start thread {name}: {error}")))?;
    Ok(promise)
}
