//! A loaded member as JavaScript holds it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Object, Uint32Array};
use napi_derive::napi;
use shoal_engine::{EngineRequest, Member};

use super::events::Events;
use crate::cleanup::{self, EndsWithEnvironment};
use crate::error::{Code, Failure, border};
use crate::fabric::read_json;
use crate::promise;

/// How long the end of the environment waits for a running step. A step that takes longer goes on in a process that is
/// about to end.
pub const LONGEST_STEP_AT_EXIT: Duration = Duration::from_secs(5);

/// A member and the way to its owner.
struct Running {
    member: Member,
    events: Arc<Events>,
    /// Itself, while it is open: like a server, an open member lives on when nobody holds its handle. Were it closed by
    /// the garbage collector, a generation would end whenever that happens to run.
    open: Mutex<Option<Arc<Running>>>,
}

impl Running {
    fn close(&self) {
        self.member.close();
        self.events.close();
        self.let_go();
    }

    fn let_go(&self) {
        let own = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(own);
    }
}

impl EndsWithEnvironment for Running {
    fn environment_ends(self: Arc<Self>) {
        self.events.close();
        self.let_go();
        cleanup::run_within(LONGEST_STEP_AT_EXIT, move || self.member.close());
    }
}

/// A loaded member.
#[napi]
pub struct MemberHandle {
    running: Arc<Running>,
}

impl MemberHandle {
    /// The handle of a member that has just started.
    pub fn new(env: &Env, member: Member, events: Arc<Events>) -> Result<Self, Failure> {
        let running = Arc::new(Running {
            member,
            events,
            open: Mutex::new(None),
        });
        cleanup::register(env, &running)?;
        *running.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(running.clone());
        Ok(Self { running })
    }
}

#[napi]
impl MemberHandle {
    /// Starts a generation; `request_json` is an `EngineRequest` without its prompt.
    #[napi]
    pub fn submit(&self, request_json: String, prompt_tokens: Uint32Array) -> napi::Result<(), Code> {
        border(|| {
            let request: EngineRequest = read_json("request", &request_json)?;
            let request = EngineRequest {
                prompt_tokens: prompt_tokens.to_vec(),
                ..request
            };
            self.running.member.submit(request).map_err(Failure::from)
        })
    }

    /// Ends a generation within one step, or one of its choices; what is not there has ended already.
    #[napi]
    pub fn cancel(&self, request_id: f64, choice: Option<f64>) -> napi::Result<(), Code> {
        border(|| {
            let request_id = whole("id of a request", request_id)?;
            match choice {
                None => self.running.member.cancel(request_id),
                Some(choice) => {
                    let choice = u32::try_from(whole("number of a choice", choice)?)
                        .map_err(|_| Failure::argument("the number of a choice has 32 bits"))?;
                    self.running.member.cancel_choice(request_id, choice);
                }
            }
            Ok(())
        })
    }

    /// `MemberStatistics` as JSON.
    #[napi]
    pub fn statistics(&self) -> napi::Result<String, Code> {
        border(|| Ok(self.running.member.statistics().to_json()))
    }

    /// The head's `AnswerProgress` list as JSON; another member's is empty.
    #[napi]
    pub fn answers(&self) -> napi::Result<String, Code> {
        border(|| Ok(self.running.member.answers()))
    }

    /// Tells the peers goodbye and frees everything. Idempotent; resolves when the member has stopped.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>, Code> {
        border(|| {
            let running = self.running.clone();
            let work = move || {
                running.close();
                Ok(())
            };
            promise::spawn(env, "shoal-close", work, |_env, ()| Ok(()))
        })
    }
}

/// A whole number from 0; `what` names it in the error.
fn whole(what: &str, number: f64) -> Result<u64, Failure> {
    if number.fract() != 0.0 || number < 0.0 {
        return Err(Failure::argument(format!(
            "the {what} must be a whole number from 0, got {number}"
        )));
    }
    Ok(number as u64)
}
