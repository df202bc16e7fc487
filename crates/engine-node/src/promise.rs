//! Promises for work that waits: a thread of its own does it, the JavaScript thread settles the promise.

use std::thread;

use napi::Env;
use napi::bindgen_prelude::{Object, ToNapiValue};

use crate::error::{Failure, contained};

/// Starts `work` on a new thread and returns a promise of what `finish` makes of its result on the JavaScript thread.
///
/// A thread for each call, not the pool that the runtime shares with file access: connecting and loading wait for
/// other machines, and four of them would starve everything else.
pub fn spawn<'env, Work, Finish, Result, Value>(
    env: &'env Env,
    name: &str,
    work: Work,
    finish: Finish,
) -> std::result::Result<Object<'env>, Failure>
where
    Work: FnOnce() -> std::result::Result<Result, Failure> + Send + 'static,
    Finish: FnOnce(Env, Result) -> std::result::Result<Value, Failure> + Send + 'static,
    Result: Send + 'static,
    Value: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let result = contained(work);
        deferred.resolve(move |env| {
            result
                .and_then(|value| contained(|| finish(env, value)))
                .map_err(|failure| failure.into_rejection(env))
        });
    });
    match started {
        Ok(_) => Ok(promise),
        Err(error) => Err(Failure::new("INTERNAL", format!("cannot start thread {name}: {error}"))),
    }
}
