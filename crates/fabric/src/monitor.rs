//! The thread that notices a lost peer, also when nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::data_channel::DataChannel;
use crate::error::FabricError;
use crate::signal::Signal;
use crate::wait::poll;
use crate::waker::Waker;

/// When a peer counts as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// How often a heartbeat is sent.
    pub heartbeat_interval: Duration,
    /// How long a peer may be silent. A paused process is silent too: whether it will ever go on cannot be known.
    pub silence_limit: Duration,
}

impl Default for Liveness {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(250),
            silence_limit: Duration::from_millis(1500),
        }
    }
}

/// How often the monitor looks after channels that no thread is using: the time after which a closed connection is
/// noticed there.
const TICK: Duration = Duration::from_millis(50);

/// What the monitor needs to know and do beyond exchanging messages.
pub(crate) trait WatchedChannel: DataChannel {
    /// Proves to the peer that this side lives.
    fn send_heartbeat(&self);
    /// Time since the last sign of life; zero while this side does not listen.
    fn silence(&self) -> Duration;
    /// Time since any thread made progress on this channel.
    fn neglect(&self) -> Duration;
    /// Whether the channel has ended, by a clean leave or by a failure.
    fn has_ended(&self) -> bool;
    /// Whether the peer's heartbeats report that its host's event loop is blocked.
    fn peer_host_stalled(&self) -> bool;
    /// Ends the channel and, because a mesh cannot go on without one member, everything that shares its signal.
    fn lose(&self, reason: &str);
    /// Adopts a later epoch.
    fn set_epoch(&self, epoch: u32);
}

#[derive(Debug)]
pub(crate) struct Monitor {
    stopped: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    pub(crate) fn start(
        channels: Vec<Arc<dyn WatchedChannel>>,
        signal: Arc<Signal>,
        liveness: Liveness,
    ) -> Result<Self, FabricError> {
        let failed = |error: std::io::Error| FabricError::input_output("starting the liveness thread", &error);
        let waker = Waker::new().map_err(failed)?;
        signal.set_monitor(waker.clone());
        let stopped = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            channels,
            signal,
            liveness,
            waker: waker.clone(),
            stopped: stopped.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("shoal-liveness".to_owned())
            .spawn(move || watch.run())
            .map_err(failed)?;
        Ok(Self {
            stopped,
            waker,
            thread: Some(thread),
        })
    }

    pub(crate) fn stop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A monitor that panicked has nothing left to stop.
            let _ = thread.join();
        }
    }
}

struct Watch {
    channels: Vec<Arc<dyn WatchedChannel>>,
    signal: Arc<Signal>,
    liveness: Liveness,
    waker: Waker,
    stopped: Arc<AtomicBool>,
}

impl Watch {
    fn run(&self) {
        let mut next_heartbeat = Instant::now();
        while !self.stopped.load(Ordering::Acquire) && self.signal.failure().is_none() {
            if Instant::now() >= next_heartbeat {
                self.living().for_each(|channel| channel.send_heartbeat());
                next_heartbeat = Instant::now() + self.liveness.heartbeat_interval;
            }
            for channel in self.living() {
                if channel.neglect() >= TICK {
                    channel.drive();
                }
                if channel.silence() >= self.liveness.silence_limit {
                    self.judge(channel);
                }
            }
            if let Err(error) = self.sleep() {
                self.signal.fail(error);
            }
        }
    }

    fn living(&self) -> impl Iterator<Item = &dyn WatchedChannel> {
        self.channels
            .iter()
            .map(|channel| &**channel)
            .filter(|channel| !channel.has_ended())
    }

    /// Reads first: after this process itself was paused, everybody seems silent.
    fn judge(&self, channel: &dyn WatchedChannel) {
        channel.drive();
        let silence = channel.silence();
        if silence >= self.liveness.silence_limit && !channel.has_ended() {
            channel.lose(&format!("no sign of life for {} ms", silence.as_millis()));
        }
    }

    /// Sleeps for a tick. Meanwhile sends what a computing thread has left behind.
    fn sleep(&self) -> Result<(), FabricError> {
        let wake_up = Instant::now() + TICK;
        loop {
            let unflushed = self.signal.unflushed();
            let mut interests = vec![PollFd::from_borrowed_fd(self.waker.handle(), PollFlags::IN)];
            for channel in &unflushed {
                let flags = PollFlags::OUT;
                interests.extend(
                    channel
                        .readiness()
                        .map(|readiness| PollFd::from_borrowed_fd(readiness.handle, flags)),
                );
            }
            poll(&mut interests, wake_up.saturating_duration_since(Instant::now()))?;
            if !self.waker.take() {
                self.waker.drain();
            }
            let stopped = self.stopped.load(Ordering::Acquire) || self.signal.failure().is_some();
            if stopped || Instant::now() >= wake_up {
                return Ok(());
            }
            self.signal.unflushed().iter().for_each(|channel| channel.drive());
        }
    }
}
