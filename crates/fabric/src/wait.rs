//! The one loop in which threads wait.
//!
//! A short spin that yields, then `poll`: measured against a blocking read this costs nothing when the peer is quick
//! and no processor time when it is slow, and unlike a pure spin it never keeps the peer itself off a core.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::data_channel::DataChannel;
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::signal::{Signal, thread_waker};
use crate::waker::Waker;

/// How long a wait yields before it sleeps.
const SPIN: Duration = Duration::from_micros(100);

/// Longest sleep between two looks at everything, in case the system failed to report something.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// First and longest sleep between two looks at a channel that the operating system cannot wait for. Each sleep is
/// half as long again as the one before: quick in the middle of a step, cheap between two requests.
const SHORTEST_BLIND_SLEEP: Duration = Duration::from_micros(50);
const LONGEST_BLIND_SLEEP: Duration = Duration::from_millis(1);

thread_local! {
    static BLOCKED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long this thread has waited for channels since the last call: what is left of the time of a communication was
/// spent on moving bytes.
pub fn take_blocked_time() -> Duration {
    BLOCKED.take()
}

/// How a wait ended when nothing failed.
#[derive(Debug)]
pub(crate) enum Waited<T> {
    Ready(T),
    Woken,
    DeadlinePassed,
}

/// Drives the channels until `check` gives a value, `waker` was woken or the deadline passes.
pub(crate) fn wait_until<T>(
    channels: &[&dyn DataChannel],
    waker: Option<&Waker>,
    deadline: Deadline,
    mut check: impl FnMut() -> Result<Option<T>, FabricError>,
) -> Result<Waited<T>, FabricError> {
    // What has already arrived costs neither a system call nor a look at the clock.
    if let Some(value) = check()? {
        return Ok(Waited::Ready(value));
    }
    let started = Instant::now();
    let result = spin(channels, waker, deadline, started, &mut check).and_then(|ended| match ended {
        Some(ended) => Ok(ended),
        None => sleep(channels, waker, deadline, &mut check),
    });
    let waited = started.elapsed();
    BLOCKED.set(BLOCKED.get() + waited);
    for channel in channels {
        channel.add_wait(waited);
    }
    result
}

/// One look at everything. Progress is also made on channels that nobody waits for but that still have to send.
fn look<T>(
    channels: &[&dyn DataChannel],
    waker: Option<&Waker>,
    deadline: Deadline,
    check: &mut impl FnMut() -> Result<Option<T>, FabricError>,
) -> Result<Option<Waited<T>>, FabricError> {
    for channel in channels {
        channel.drive();
    }
    if let Some(value) = check()? {
        return Ok(Some(Waited::Ready(value)));
    }
    if waker.is_some_and(Waker::take) {
        return Ok(Some(Waited::Woken));
    }
    Ok(deadline.passed().then_some(Waited::DeadlinePassed))
}

fn spin<T>(
    channels: &[&dyn DataChannel],
    waker: Option<&Waker>,
    deadline: Deadline,
    started: Instant,
    check: &mut impl FnMut() -> Result<Option<T>, FabricError>,
) -> Result<Option<Waited<T>>, FabricError> {
    loop {
        if let Some(ended) = look(channels, waker, deadline, check)? {
            return Ok(Some(ended));
        }
        if started.elapsed() >= SPIN {
            return Ok(None);
        }
        std::thread::yield_now();
    }
}

/// Keeps a thread's waker registered with the signals of its channels while it sleeps.
struct Registration<'signal> {
    signals: Vec<&'signal Arc<Signal>>,
    waker: Waker,
}

impl<'signal> Registration<'signal> {
    fn new(channels: &[&'signal dyn DataChannel], waker: Waker) -> Self {
        let mut signals: Vec<&Arc<Signal>> = Vec::with_capacity(1);
        for channel in channels {
            if !signals.iter().any(|signal| Arc::ptr_eq(signal, channel.signal())) {
                channel.signal().register(&waker);
                signals.push(channel.signal());
            }
        }
        Self { signals, waker }
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        for signal in &self.signals {
            signal.unregister(&self.waker);
        }
    }
}

fn sleep<T>(
    channels: &[&dyn DataChannel],
    waker: Option<&Waker>,
    deadline: Deadline,
    check: &mut impl FnMut() -> Result<Option<T>, FabricError>,
) -> Result<Waited<T>, FabricError> {
    let own = thread_waker().map_err(|error| FabricError::input_output("making a waker for this thread", &error))?;
    let registration = Registration::new(channels, own.clone());
    let mut blind_sleep = SHORTEST_BLIND_SLEEP;
    loop {
        // Taken before the look: what happens from here on wakes again.
        own.take();
        if let Some(ended) = look(channels, waker, deadline, check)? {
            return Ok(ended);
        }
        let unflushed: Vec<_> = registration
            .signals
            .iter()
            .flat_map(|signal| signal.unflushed())
            .collect();
        for channel in &unflushed {
            channel.drive();
        }
        let mut interests = Vec::with_capacity(channels.len() + unflushed.len() + 2);
        interests.push(PollFd::from_borrowed_fd(own.handle(), PollFlags::IN));
        if let Some(waker) = waker {
            interests.push(PollFd::from_borrowed_fd(waker.handle(), PollFlags::IN));
        }
        let mut limit = LONGEST_SLEEP;
        for channel in channels {
            match channel.readiness() {
                Some(readiness) => interests.extend(readiness.interest()),
                None => limit = blind_sleep,
            }
        }
        for channel in &unflushed {
            interests.extend(channel.readiness().and_then(|readiness| readiness.interest()));
        }
        poll(
            &mut interests,
            deadline.remaining().map_or(limit, |remaining| remaining.min(limit)),
        )?;
        blind_sleep = (blind_sleep * 3 / 2).min(LONGEST_BLIND_SLEEP);
        if let Some(waker) = waker.filter(|waker| !waker.is_pending()) {
            waker.drain();
        }
        if !own.is_pending() {
            own.drain();
        }
    }
}

/// Sleeps until something is ready or the time is over.
pub(crate) fn poll(interests: &mut [PollFd<'_>], limit: Duration) -> Result<(), FabricError> {
    let limit = Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        // Below 10⁹; the field's type depends on the platform.
        tv_nsec: limit.subsec_nanos() as _,
    };
    match rustix::event::poll(interests, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(FabricError::input_output("waiting for sockets", &error.into())),
    }
}
