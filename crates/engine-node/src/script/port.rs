//! The way from native threads to the JavaScript thread and back.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use napi::Status;
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use shoal_abi::ErrorCode;
use shoal_abi::backend::BackendError;

use super::call::{Argument, Call};
use crate::cleanup::EndsWithEnvironment;

/// How often a waiting thread looks up from its wait, to report progress and to hear of an abort.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How long JavaScript may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For one call of a step.
    pub call: Duration,
    /// For a compile, counted from the last weight that was read.
    pub compile: Duration,
}

/// Weak: a device alone does not keep the event loop alive; the member that uses it does.
type Dispatcher = ThreadsafeFunction<Call, Option<String>, FnArgs<(&'static str, u32, Argument)>, Status, false, true>;

/// What JavaScript said.
pub type Answer = Result<(), BackendError>;

/// Answers, and why there will be no more.
#[derive(Default)]
struct Answers {
    last_question: u64,
    /// Nothing yet, or the answer.
    waiting: HashMap<u64, Option<Answer>>,
    closed: Option<BackendError>,
}

/// The connection to one `ScriptDevice`.
pub struct Port {
    dispatcher: Dispatcher,
    /// How long JavaScript may take.
    pub timeouts: Timeouts,
    answers: Mutex<Answers>,
    answered: Condvar,
}

/// What ends a question well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The dispatcher's return.
    Return,
    /// A later [`Port::answer`].
    Job,
}

/// A question that waits for its answer.
pub struct Question(u64);

impl Port {
    /// A port to `dispatcher`.
    pub fn new(
        dispatcher: &Function<'_, FnArgs<(&'static str, u32, Argument)>, Option<String>>,
        timeouts: Timeouts,
    ) -> napi::Result<Self> {
        let dispatcher = dispatcher
            .build_threadsafe_function::<Call>()
            .weak::<true>()
            .build_callback(|context| {
                let Call {
                    name,
                    executable,
                    argument,
                } = context.value;
                Ok(FnArgs::from((name, executable, argument)))
            })?;
        Ok(Self {
            dispatcher,
            timeouts,
            answers: Mutex::default(),
            answered: Condvar::new(),
        })
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails every present and later question with `ENGINE_ABORTED`.
    pub fn close(&self, reason: &str) {
        self.answers()
            .closed
            .get_or_insert_with(|| BackendError::new("ENGINE_ABORTED", reason));
        self.answered.notify_all();
    }

    /// Opens a question, to be answered by [`Port::answer`].
    pub fn open(&self) -> Question {
        let mut answers = self.answers();
        answers.last_question += 1;
        let number = answers.last_question;
        answers.waiting.insert(number, None);
        Question(number)
    }

    /// Answers a question; too late or twice does nothing.
    pub fn answer(&self, question: u64, answer: Answer) {
        if let Some(waiting) = self.answers().waiting.get_mut(&question) {
            waiting.get_or_insert(answer);
        }
        self.answered.notify_all();
    }

    /// Asks and waits until the dispatcher has returned; an error is that there was no answer.
    pub fn ask(self: &Arc<Self>, call: Call) -> Result<Answer, BackendError> {
        let question = self.open();
        let (name, allowed) = (call.name, self.timeouts.call);
        self.send(&question, call, AnsweredBy::Return);
        let deadline = Instant::now() + allowed;
        self.wait(&question, || match Instant::now() < deadline {
            true => Ok(()),
            false => Err(too_slow(name, allowed)),
        })
    }

    /// Asks without waiting; the answer is not wanted.
    pub fn tell(&self, call: Call) {
        self.dispatcher.call(call, ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Queues a call for the JavaScript thread. An error that the dispatcher returns is always the answer.
    pub fn send(self: &Arc<Self>, question: &Question, call: Call, answered_by: AnsweredBy) {
        let (port, number) = (self.clone(), question.0);
        let status = self.dispatcher.call_with_return_value(
            call,
            ThreadsafeFunctionCallMode::NonBlocking,
            move |returned, _env| {
                match returned {
                    Ok(None) if answered_by == AnsweredBy::Return => port.answer(number, Ok(())),
                    Ok(None) => {}
                    Ok(Some(text)) => port.answer(number, Err(parse_error(&text))),
                    // The dispatcher catches what a device throws: this is an environment that is being terminated.
                    Err(_) => port.environment_ends(),
                }
                Ok(())
            },
        );
        if status != Status::Ok {
            self.clone().environment_ends();
        }
    }

    /// Waits for the answer. `look_up` is called now and then, without locks; its error ends the wait. An error is that
    /// there was no answer.
    pub fn wait(
        &self,
        question: &Question,
        mut look_up: impl FnMut() -> Result<(), BackendError>,
    ) -> Result<Answer, BackendError> {
        let result = loop {
            let answers = self.answers();
            if let Some(Some(answer)) = answers.waiting.get(&question.0) {
                break Ok(answer.clone());
            }
            if let Some(reason) = &answers.closed {
                break Err(reason.clone());
            }
            let waited = self.answered.wait_timeout(answers, LOOK_UP);
            let (answers, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            drop(answers);
            if timeout.timed_out()
                && let Err(error) = look_up()
            {
                break Err(error);
            }
        };
        self.answers().waiting.remove(&question.0);
        result
    }
}

impl Question {
    /// The number under which it is answered.
    pub fn number(&self) -> u64 {
        self.0
    }
}

/// Reads `CODE: message`; anything else is a failure of the device.
pub fn parse_error(text: &str) -> BackendError {
    BackendError::parse(ErrorCode::BackendFailed.into(), text)
}

/// The error of a call that JavaScript did not answer.
pub fn too_slow(name: &str, allowed: Duration) -> BackendError {
    BackendError::failed(format!(
        "the script device did not answer `{name}` within {} ms: its JavaScript thread is blocked, or the work is too \
         large for it",
        allowed.as_millis()
    ))
}

impl EndsWithEnvironment for Port {
    fn environment_ends(self: Arc<Self>) {
        self.close("the JavaScript environment of the script device has ended");
    }
}
