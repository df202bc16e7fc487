//! A loaded member and its thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shoal_fabric::MemberIndex;
use shoal_program::{MemberProgram, Operation};

use crate::answers::AnswerBoard;
use crate::driver::{Driver, DriverSetup};
use crate::error::EngineError;
use crate::event::EngineEvent;
use crate::head::HeadLoop;
use crate::inbox::{Capacity, Inbox};
use crate::links::Links;
use crate::logits::LogitsSurroundings;
use crate::member_loop::MemberLoop;
use crate::options::{EngineRequest, EventCallback, MemberOptions};
use crate::sampling::TokenMaskFactories;
use crate::scheduler::{SchedulerLimits, check};
use crate::statistics::{Counters, MemberStatistics};

/// How long [`Member::close`] waits for the running step before it ends the waits in it.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// One member of an instance, loaded and running. Dropping it closes it.
pub struct Member {
    me: MemberIndex,
    limits: SchedulerLimits,
    token_masks: TokenMaskFactories,
    inbox: Arc<Inbox>,
    counters: Arc<Counters>,
    answers: Arc<AnswerBoard>,
    /// Taken by the first close.
    running: Mutex<Option<(JoinHandle<()>, Links)>>,
}

impl Member {
    /// Compiles the program, which reads all its weights, and starts the member's thread. Blocks until then; raise
    /// `options.abort` to stop early.
    ///
    /// # Errors
    /// `PROGRAM_…`, `MODEL_…` and `BACKEND_…` errors of the compile, `ABORTED`, and `ARGUMENT_INVALID` when program,
    /// place, stages and channels do not fit together.
    pub fn start(options: MemberOptions) -> Result<Self, EngineError> {
        let me = options.member;
        let compile = options.compile;
        if compile.slot_count == 0 || compile.context_length == 0 || compile.maximum_step_tokens == 0 {
            return Err(EngineError::new(
                "ARGUMENT_INVALID",
                format!("{me}: a size of {compile:?} is 0"),
            ));
        }
        let limits = SchedulerLimits {
            slot_count: compile.slot_count,
            context_length: compile.context_length,
            maximum_step_tokens: compile.maximum_step_tokens,
            epoch: options.epoch,
            vocabulary: vocabulary(&options.program),
        };
        let program_json = options.program.to_json()?;
        let compile_json = serde_json::to_string(&compile)
            .map_err(|error| EngineError::new("INTERNAL", format!("compile options: {error}")))?;
        let mut backend = options.backend;
        let (on_event, abort) = (options.on_event, options.abort);
        let mut progress = |loaded_bytes, total_bytes| {
            on_event(EngineEvent::LoadProgress {
                loaded_bytes,
                total_bytes,
            });
            !abort.is_raised()
        };
        let executable = backend.compile(&program_json, &compile_json, &options.weights, &mut progress)?;
        drop(options.weights);
        if abort.is_raised() {
            return Err(EngineError::new("ABORTED", format!("the load of {me} was cancelled")));
        }
        let counters = Arc::new(Counters::default());
        let answers = Arc::new(AnswerBoard::default());
        let inbox = Arc::new(Inbox::new(Capacity {
            slots: compile.slot_count as usize,
            queue: options.queue_capacity,
        })?);
        let setup = DriverSetup {
            me,
            stage_sizes: &options.stage_sizes,
            program: &options.program,
            step_deadline: options.step_deadline,
            surroundings: LogitsSurroundings {
                token_masks: options.token_masks.clone(),
                context_length: compile.context_length,
            },
        };
        let driver = Driver::new(setup, executable, options.links.clone(), counters.clone())?;
        let loops = if me == MemberIndex::new(0, 0) {
            Loop::Head(Box::new(HeadLoop::new(
                driver,
                &options.stage_sizes,
                limits,
                inbox.clone(),
                (counters.clone(), answers.clone()),
                on_event.clone(),
                options.step_deadline,
            )?))
        } else {
            Loop::Member(Box::new(MemberLoop::new(
                driver,
                compile,
                options.epoch,
                inbox.clone(),
                options.step_deadline,
            )?))
        };
        let thread_inbox = inbox.clone();
        let thread = std::thread::Builder::new()
            .name(format!("shoal {}.{}", me.stage, me.member))
            .spawn(move || run(loops, &thread_inbox, &on_event))
            .map_err(|error| EngineError::new("ENGINE_LOAD_FAILED", format!("{me}: no thread: {error}")))?;
        Ok(Self {
            me,
            limits,
            token_masks: options.token_masks,
            inbox,
            counters,
            answers,
            running: Mutex::new(Some((thread, options.links))),
        })
    }

    /// Which member this is.
    pub fn index(&self) -> MemberIndex {
        self.me
    }

    /// Queues a request; its events follow. For the head only.
    ///
    /// # Errors
    /// `REQUEST_INVALID`, `REQUEST_TOO_LONG`, `REQUEST_QUEUE_FULL`, or the failure that ended this member.
    pub fn submit(&self, request: EngineRequest) -> Result<(), EngineError> {
        if self.me != MemberIndex::new(0, 0) {
            let message = format!("{} is not the head: requests go to stage 0 member 0", self.me);
            return Err(EngineError::new("ARGUMENT_INVALID", message));
        }
        check(&self.limits, &request)?;
        if let Some(constraint) = &request.sampling.constraint {
            // Made and dropped: a mistake is the asker's, and must not reach the members.
            let made = self.token_masks.create(constraint, self.limits.vocabulary);
            made.map_err(|error| error.within(format!("request {}", request.id)))?;
        }
        self.inbox.submit(request)
    }

    /// Ends a request within one step; a [`EngineEvent::RequestFinished`] with reason `cancelled` follows for each of
    /// its choices that has not just ended otherwise.
    pub fn cancel(&self, request_id: u64) {
        self.inbox.cancel(request_id, None);
    }

    /// Ends one choice of a request; the others go on.
    pub fn cancel_choice(&self, request_id: u64, choice: u32) {
        self.inbox.cancel(request_id, Some(choice));
    }

    /// The counters.
    pub fn statistics(&self) -> MemberStatistics {
        self.counters.snapshot()
    }

    /// The answers that it works on and those that ended lately, as a JSON list of at most 128 KiB; empty but at the head.
    pub fn answers(&self) -> String {
        self.answers.to_json(Instant::now())
    }

    /// Ends the member: requests that have not ended fail with `ENGINE_ABORTED`, peers hear a goodbye once the mesh's
    /// last owner has dropped it, and memory is freed. Waits for the running step, but not for peers. Idempotent.
    pub fn close(&self) {
        self.inbox.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((thread, links)) = running else { return };
        if !self.inbox.wait_for_end(CLOSE_GRACE) {
            links.abort("the member was closed while a step was running");
        }
        // The thread catches panics itself, so there is nothing to learn from its result.
        let _ = thread.join();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Member")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

/// Entries of the smallest table that tokens are looked up in.
fn vocabulary(program: &MemberProgram) -> u32 {
    let operations = program.segments.iter().flat_map(|segment| &segment.operations);
    let tables = operations.filter_map(|operation| match operation {
        Operation::Embedding { weight, .. } => program.weights.get(weight),
        _ => None,
    });
    let rows = tables.map(|weight| u32::try_from(weight.row_count()).unwrap_or(u32::MAX));
    rows.min().unwrap_or(u32::MAX)
}

enum Loop {
    Head(Box<HeadLoop>),
    Member(Box<MemberLoop>),
}

impl Loop {
    fn run(&mut self) -> Result<(), EngineError> {
        match self {
            Self::Head(head) => head.run(),
            Self::Member(member) => member.run(),
        }
    }

    fn links(&self) -> &Links {
        match self {
            Self::Head(head) => head.driver().links(),
            Self::Member(member) => member.driver().links(),
        }
    }
}

/// The body of the member's thread.
fn run(mut loops: Loop, inbox: &Inbox, on_event: &EventCallback) {
    let result = catch_unwind(AssertUnwindSafe(|| loops.run()))
        .unwrap_or_else(|_| Err(EngineError::new("INTERNAL", "the engine's thread panicked")));
    match result {
        Ok(()) => {
            let closed = EngineError::new("ENGINE_ABORTED", "the member was closed");
            fail_requests(inbox, &closed, on_event);
            loops.links().leave();
        }
        // The owner closes it: what broke the running step is of no interest any more.
        Err(_) if inbox.is_closing() => {
            let closed = EngineError::new("ENGINE_ABORTED", "the member was closed while a step was running");
            fail_requests(inbox, &closed, on_event);
        }
        Err(error) => {
            fail_requests(inbox, &error, on_event);
            on_event(EngineEvent::member_failed(&error));
            // Last, because telling a dead peer takes a while.
            loops.links().abort(&error.to_string());
        }
    }
    // Weights and state are freed before the owner hears that the thread has ended.
    drop(loops);
    inbox.thread_ended();
}

fn fail_requests(inbox: &Inbox, error: &EngineError, on_event: &EventCallback) {
    for request_id in inbox.fail(error) {
        on_event(EngineEvent::request_failed(request_id, error));
    }
}
