//! A thousand random schedules of requests that join, finish, are cancelled and lose their callers, over two stages of
//! two members: whatever happens, nothing stays behind, and every token that was drawn is told once and in order.
//!
//! A failing schedule names its seed. `SHOAL_SCHEDULE_SEED=17 cargo test --release -p shoal-engine --test schedules`
//! repeats it: the same requests and the same disturbances at the same points, though threads may meet otherwise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shoal_abi::backend::{
    Backend, BackendError, BackendImplementation, ExecutableImplementation, ExecutableStatistics, SlotOperation, Step,
    WeightSource,
};
use shoal_engine::{EngineEvent, EngineRequest, FinishReason, SamplingOptions, TokenMaskFactories};
use shoal_reference::ReferenceBackend;
use shoal_reference::llama::LlamaConfig;
use support::{Instance, PATIENCE, Sizes, Wire, request};

const SCHEDULES: u64 = 1000;
/// Schedules that one loaded instance serves before a member is taken from it.
const SCHEDULES_PER_INSTANCE: u64 = 50;
const SIZES: Sizes = Sizes {
    slots: 3,
    context: 40,
    step: 8,
};
/// As many answers are known as there are kinds of requests; schedules draw from them.
const KINDS: u64 = 24;
const LONGEST_ANSWER: u32 = 12;
/// Answers that a request may ask for.
const MOST_CHOICES: u32 = 2;
/// Of live heap memory after the last schedule beyond that after the first ones: buffers that grow to the largest
/// message they ever held, and no more.
const MEMORY_MARGIN_BYTES: i64 = 256 << 10;

/// Counts what is allocated and not freed, over all threads.
struct CountingAllocator;

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is passed on unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The plain backend, which tells after every step how much state its slots hold.
struct WatchedBackend(Arc<AtomicU64>);

struct WatchedExecutable {
    inner: Box<dyn ExecutableImplementation>,
    state_bytes: Arc<AtomicU64>,
}

impl WatchedExecutable {
    fn tell(&self) {
        self.state_bytes
            .store(self.inner.statistics().state_bytes, Ordering::Release);
    }
}

impl BackendImplementation for WatchedBackend {
    fn compile(
        &mut self,
        program: &str,
        options: &str,
        weights: &WeightSource,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Box<dyn ExecutableImplementation>, BackendError> {
        Ok(Box::new(WatchedExecutable {
            inner: ReferenceBackend.compile(program, options, weights, progress)?,
            state_bytes: self.0.clone(),
        }))
    }
}

impl ExecutableImplementation for WatchedExecutable {
    fn slot_operation(&mut self, operation: SlotOperation) -> Result<(), BackendError> {
        let result = self.inner.slot_operation(operation);
        self.tell();
        result
    }
    fn begin_step(&mut self, step: &Step<'_>) -> Result<(), BackendError> {
        self.inner.begin_step(step)
    }
    fn execute(&mut self, segment: u32) -> Result<(), BackendError> {
        self.inner.execute(segment)
    }
    fn map(&mut self, value: u32) -> Result<NonNull<[f32]>, BackendError> {
        self.inner.map(value)
    }
    fn unmap(&mut self, value: u32) -> Result<(), BackendError> {
        self.inner.unmap(value)
    }
    fn end_step(&mut self) -> Result<(), BackendError> {
        let result = self.inner.end_step();
        self.tell();
        result
    }
    fn statistics(&self) -> ExecutableStatistics {
        self.inner.statistics()
    }
}

/// Random numbers that a seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A loaded instance with the state that its executables hold.
struct Watched {
    instance: Instance,
    state_bytes: Vec<Arc<AtomicU64>>,
}

impl Watched {
    fn start(wire: Wire) -> Self {
        let state_bytes: Vec<Arc<AtomicU64>> = (0..4).map(|_| Arc::default()).collect();
        // Small, because what is looked for lies between the steps and not in them.
        let model = LlamaConfig {
            layers: 2,
            hidden: 16,
            feed_forward: 64,
            heads: 4,
            key_value_heads: 2,
            head_size: 8,
            ..LlamaConfig::tiny()
        };
        let stages = [vec![1, 1], vec![1, 1]];
        let masks = TokenMaskFactories::built_in();
        let instance = Instance::start_model(model, &stages, wire, SIZES, &masks, |index| {
            let position = usize::from(index.stage * 2 + index.member);
            Backend::export(WatchedBackend(state_bytes[position].clone()))
        });
        Self { instance, state_bytes }
    }

    /// Waits until no member holds state and no slot is taken; the last slots are freed by a step of their own.
    fn require_empty(&self, place: &str) {
        let started = Instant::now();
        loop {
            let held: Vec<u64> = self.state_bytes.iter().map(|one| one.load(Ordering::Acquire)).collect();
            let slots = self.instance.head().statistics().resident_slots;
            if slots == 0 && held.iter().all(|bytes| *bytes == 0) {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{place}: {slots} slots are taken, the members hold {held:?} bytes of state"
            );
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// A request of one of the kinds; the same kind asks the same.
fn request_of(kind: u64) -> EngineRequest {
    let sampling = match kind % 3 {
        0 => SamplingOptions::default(),
        1 => SamplingOptions {
            temperature: 0.9,
            seed: kind,
            ..SamplingOptions::default()
        },
        _ => SamplingOptions {
            temperature: 1.3,
            top_k: Some(20),
            top_p: Some(0.95),
            seed: kind * 7,
            ..SamplingOptions::default()
        },
    };
    EngineRequest {
        choices: MOST_CHOICES,
        ..request(1 + kind, 1 + (kind * 5 % 19) as u32, LONGEST_ANSWER, sampling)
    }
}

/// The answers to a request that has the instance for itself, by choice.
fn answers_alone(instance: &Instance, request: &EngineRequest) -> Vec<Vec<u32>> {
    instance.head().submit(request.clone()).unwrap();
    let mut answers = vec![Vec::new(); request.choices as usize];
    let mut unfinished = request.choices;
    while unfinished > 0 {
        match instance.next_event().1 {
            EngineEvent::Token { choice, token, .. } => answers[choice as usize].push(token),
            EngineEvent::RequestFinished { .. } => unfinished -= 1,
            event => panic!("unexpected {event:?}"),
        }
    }
    answers
}

/// One answer as it comes.
#[derive(Default)]
struct Answer {
    tokens: Vec<u32>,
    ends: u32,
}

/// What is known about a request that was taken.
struct Expectation {
    kind: u64,
    request: EngineRequest,
    caller: u64,
    answers: Vec<Answer>,
    /// After so many tokens of its answers together it is cancelled.
    cancel_after: Option<usize>,
    is_cancelled: bool,
}

impl Expectation {
    fn has_ended(&self) -> bool {
        self.answers.iter().all(|answer| answer.ends > 0)
    }

    fn heard(&self) -> usize {
        self.answers.iter().map(|answer| answer.tokens.len()).sum()
    }
}

/// One schedule at work.
struct Schedule<'run> {
    watched: &'run Watched,
    answers: &'run [Vec<Vec<u32>>],
    place: String,
    random: Random,
    next_id: &'run mut u64,
    requests: BTreeMap<u64, Expectation>,
    /// The instance has failed: requests end by that, and no more are taken.
    is_lost: bool,
}

impl Schedule<'_> {
    fn submit(&mut self) {
        let kind = self.random.below(KINDS);
        let id = *self.next_id;
        let mut request = request_of(kind);
        request.id = id;
        request.maximum_tokens = 1 + self.random.below(u64::from(LONGEST_ANSWER)) as u32;
        request.choices = 1 + self.random.below(u64::from(MOST_CHOICES)) as u32;
        if self.random.chance(20) {
            let token = self.random.below(u64::from(LONGEST_ANSWER)) as usize;
            request.stop_tokens = vec![self.answers[kind as usize][0][token]];
        }
        match self.watched.instance.head().submit(request.clone()) {
            Ok(()) => {}
            Err(error) if error.code == "REQUEST_QUEUE_FULL" => return,
            Err(error) => {
                assert!(
                    self.is_lost && error.code.starts_with("TRANSPORT_"),
                    "{}: {error}",
                    self.place
                );
                return;
            }
        }
        *self.next_id += 1;
        let caller = self.random.below(3);
        let cancel_after = self.random.chance(25).then(|| self.random.below(8) as usize);
        let expectation = Expectation {
            kind,
            caller,
            answers: (0..request.choices).map(|_| Answer::default()).collect(),
            request,
            cancel_after,
            is_cancelled: false,
        };
        self.requests.insert(id, expectation);
        if cancel_after == Some(0) {
            self.cancel(id);
        }
    }

    fn cancel(&mut self, id: u64) {
        self.watched.instance.head().cancel(id);
        if let Some(expectation) = self.requests.get_mut(&id) {
            expectation.is_cancelled = true;
        }
    }

    /// A caller is gone: all that it asked for is cancelled, ended or not.
    fn disconnect(&mut self, caller: u64) {
        let ids: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, one)| one.caller == caller)
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter().for_each(|id| self.cancel(id));
    }

    fn unfinished(&self) -> usize {
        self.requests.values().filter(|one| !one.has_ended()).count()
    }

    fn run(&mut self, lose_member: Option<u64>) {
        let total = 2 + self.random.below(9);
        let at_once = 1 + self.random.below(total);
        let (mut submitted, mut heard) = (0, 0_u64);
        let lose_after = lose_member.map(|_| self.random.below(25));
        while submitted < at_once {
            self.submit();
            submitted += 1;
        }
        while self.unfinished() > 0 || submitted < total {
            // Whoever is left joins when somebody was heard, or when nobody is there to be heard.
            if submitted < total && (self.unfinished() == 0 || self.random.chance(30)) {
                self.submit();
                submitted += 1;
                continue;
            }
            if self.random.chance(2) {
                let caller = self.random.below(3);
                self.disconnect(caller);
            }
            if lose_after == Some(heard) && !self.is_lost {
                self.is_lost = true;
                let position = lose_member.unwrap() as usize;
                let mesh = self.watched.instance.meshes[position].as_ref().unwrap();
                mesh.abort("the test ends this member");
            }
            heard += 1;
            let (_, event) = self.watched.instance.next_event();
            self.hear(event);
        }
        if lose_member.is_none() {
            self.watched.require_empty(&self.place);
        }
        self.requests.values().for_each(|one| self.check(one));
    }

    fn hear(&mut self, event: EngineEvent) {
        let place = &self.place;
        match event {
            EngineEvent::Token {
                request_id,
                choice,
                token,
                index,
                ..
            } => {
                let one = self.requests.get_mut(&request_id).expect(place);
                let answer = &mut one.answers[choice as usize];
                assert_eq!(answer.ends, 0, "{place}: request {request_id} goes on after its end");
                assert_eq!(index as usize, answer.tokens.len(), "{place}: request {request_id}");
                answer.tokens.push(token);
                if one.cancel_after == Some(one.heard()) {
                    self.cancel(request_id);
                }
            }
            EngineEvent::RequestFinished {
                request_id,
                choice,
                reason,
                generated_tokens,
                ..
            } => {
                let one = self.requests.get_mut(&request_id).expect(place);
                let answer = &mut one.answers[choice as usize];
                answer.ends += 1;
                assert_eq!(
                    generated_tokens as usize,
                    answer.tokens.len(),
                    "{place}: request {request_id}"
                );
                let last = answer.tokens.last();
                let is_true = match reason {
                    FinishReason::Cancelled => one.is_cancelled,
                    FinishReason::Stop => last.is_some_and(|token| one.request.stop_tokens.contains(token)),
                    FinishReason::Length => answer.tokens.len() == one.request.maximum_tokens as usize,
                };
                assert!(is_true, "{place}: request {request_id} ended by {reason:?}");
            }
            EngineEvent::RequestFailed { request_id, code, .. } => {
                assert!(
                    self.is_lost && code.starts_with("TRANSPORT_"),
                    "{place}: {request_id} failed by {code}"
                );
                let one = self.requests.get_mut(&request_id).expect(place);
                assert!(!one.has_ended(), "{place}: request {request_id} fails after its end");
                let open = one.answers.iter_mut().filter(|answer| answer.ends == 0);
                open.for_each(|answer| answer.ends += 1);
            }
            EngineEvent::MemberFailed { code, message, .. } => {
                assert!(self.is_lost, "{place}: a member failed: {code}: {message}");
            }
            EngineEvent::LoadProgress { .. } => panic!("{place}: it loads again"),
        }
    }

    fn check(&self, one: &Expectation) {
        let (place, id) = (&self.place, one.request.id);
        let alone = &self.answers[one.kind as usize];
        for (choice, answer) in one.answers.iter().enumerate() {
            assert_eq!(answer.ends, 1, "{place}: ends of choice {choice} of request {id}");
            // What a request gets does not depend on who else is there.
            let expected = &alone[choice][..answer.tokens.len()];
            assert_eq!(answer.tokens, expected, "{place}: choice {choice} of request {id}");
        }
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SHOAL_SCHEDULE_SEED") {
        Ok(text) => vec![text.parse().expect("SHOAL_SCHEDULE_SEED is a number")],
        Err(_) => (0..SCHEDULES).collect(),
    }
}

#[test]
fn nothing_stays_behind_and_every_token_is_told_once_and_in_order() {
    let kinds = (0..KINDS).map(request_of);
    let single = Watched::start(Wire::Memory);
    let answers: Vec<Vec<Vec<u32>>> = kinds.map(|request| answers_alone(&single.instance, &request)).collect();
    let lengths = answers.iter().flatten().map(Vec::len);
    assert!(lengths.eq([LONGEST_ANSWER as usize; (KINDS * MOST_CHOICES as u64) as usize]));
    drop(single);

    let seeds = seeds();
    let (mut next_id, mut baseline) = (1000, None);
    for (round, seeds) in seeds.chunks(SCHEDULES_PER_INSTANCE as usize).enumerate() {
        // A member can be taken only from where a mesh watches.
        let wire = [Wire::Unix, Wire::Tcp][round % 2];
        let watched = Watched::start(wire);
        for (index, seed) in seeds.iter().enumerate() {
            let is_last = index + 1 == seeds.len();
            let mut random = Random(*seed);
            let lost = random.below(4);
            let place = format!("seed {seed} over {wire:?} (repeat it with SHOAL_SCHEDULE_SEED={seed})");
            Schedule {
                watched: &watched,
                answers: &answers,
                place,
                random,
                next_id: &mut next_id,
                requests: BTreeMap::new(),
                is_lost: false,
            }
            .run(is_last.then_some(lost));
        }
        drop(watched);
        // Nothing is loaded now: whatever is allocated was left behind.
        let live = LIVE_BYTES.load(Ordering::Relaxed);
        let baseline = *baseline.get_or_insert(live);
        assert!(
            live - baseline < MEMORY_MARGIN_BYTES,
            "after {} schedules {live} bytes are allocated, after the first {baseline}",
            (round + 1) * SCHEDULES_PER_INSTANCE as usize
        );
    }
}
