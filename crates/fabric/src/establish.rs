//! From a list of addresses to authenticated channels.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::data_channel::DataChannel;
use crate::deadline::Deadline;
use crate::error::FabricError;
use crate::handshake::{Credentials, Negotiation, Refusal};
use crate::listener::connect_once;
use crate::mesh::{MemberEndpoint, MeshConfig, leave_all};
use crate::monitor::WatchedChannel;
use crate::peer::{MemberIndex, Peer};
use crate::signal::{Signal, lock};
use crate::socket_channel::{Session, SocketChannel};
use crate::stream::Stream;
use crate::tls::Fingerprint;
use crate::wait::poll;

/// How long a stranger may keep a handshake open.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// Handshakes that may go on at once; further connections are closed unread.
const MOST_HANDSHAKES: usize = 64;

/// Pause before the next attempt at a peer that does not listen yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(25);

/// Longest single attempt at an address, so that a silent one does not use up the time of the others.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);

/// The same while other addresses of the member have not been tried yet.
const FIRST_ATTEMPT_LIMIT: Duration = Duration::from_millis(500);

/// How often the accepting thread looks at its results.
const ACCEPT_INTERVAL: Duration = Duration::from_millis(10);

enum Outcome {
    Connected(MemberIndex, Stream, String),
    Refused(Refusal),
    Failed(MemberIndex, FabricError),
}

struct Work<'call> {
    config: &'call MeshConfig,
    signal: &'call Arc<Signal>,
    credentials: Credentials,
    finished: AtomicBool,
    handshakes: AtomicUsize,
    /// The last obstacle on the way to each member.
    obstacles: Mutex<BTreeMap<MemberIndex, FabricError>>,
}

/// Connects all members of `config` with this one.
pub(crate) fn establish(config: &MeshConfig, signal: &Arc<Signal>) -> Result<Vec<Arc<SocketChannel>>, FabricError> {
    let work = Work {
        config,
        signal,
        credentials: Credentials {
            me: config.me,
            instance: config.instance,
            epoch: config.epoch,
            secret: config.secret.clone(),
        },
        finished: AtomicBool::new(false),
        handshakes: AtomicUsize::new(0),
        obstacles: Mutex::default(),
    };
    let channels = std::thread::scope(|scope| {
        let result = work.run(scope);
        // Ends the threads that are still talking to strangers.
        work.finished.store(true, Ordering::Release);
        result
    })?;
    Ok(channels.into_values().collect())
}

type Channels = BTreeMap<MemberIndex, Arc<SocketChannel>>;

impl Work<'_> {
    fn others(&self) -> impl Iterator<Item = &MemberEndpoint> {
        self.config
            .members
            .iter()
            .filter(|member| member.index != self.config.me)
    }

    fn given_up(&self) -> bool {
        self.finished.load(Ordering::Acquire) || self.config.abort.is_raised()
    }

    fn run<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Result<Channels, FabricError> {
        let mut channels = Channels::new();
        match self.gather(scope, &mut channels) {
            Ok(()) => Ok(channels),
            Err(error) => {
                // Those who have this member hear why they lose it.
                let cause = match &error {
                    FabricError::Aborted { reason } => FabricError::Aborted {
                        reason: format!("{} gave up: {reason}", self.config.me),
                    },
                    other => other.clone(),
                };
                leave_all(channels.values().map(|channel| &**channel), Some(&cause));
                Err(error)
            }
        }
    }

    fn gather<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        channels: &mut Channels,
    ) -> Result<(), FabricError> {
        let (sender, receiver) = mpsc::channel();
        for member in self.others().filter(|member| member.index > self.config.me) {
            let sender = sender.clone();
            spawn(scope, move || {
                let outcome = match self.connect(member) {
                    Ok((stream, address)) => Outcome::Connected(member.index, stream, address),
                    Err(error) => Outcome::Failed(member.index, error),
                };
                // The receiver is gone when the whole attempt has already ended.
                let _ = sender.send(outcome);
            })?;
        }
        let pinned: Vec<Fingerprint> = self.others().filter_map(|member| member.fingerprint).collect();
        let mut next_heartbeat = Instant::now();
        loop {
            self.collect(&receiver, channels)?;
            if self.others().all(|member| channels.contains_key(&member.index)) {
                return Ok(());
            }
            self.tend(channels, &mut next_heartbeat)?;
            if self.config.abort.is_raised() {
                return Err(FabricError::Aborted {
                    reason: "connecting the members was given up".to_owned(),
                });
            }
            if self.config.deadline.passed() {
                return Err(self.missing(channels));
            }
            self.accept(scope, &pinned, &sender)?;
        }
    }

    fn collect(&self, receiver: &Receiver<Outcome>, channels: &mut Channels) -> Result<(), FabricError> {
        for outcome in receiver.try_iter() {
            match outcome {
                Outcome::Connected(index, stream, address) => {
                    // A member that was connected twice keeps its first connection; the second is closed here.
                    if let Entry::Vacant(place) = channels.entry(index) {
                        place.insert(self.open(index, stream, &address)?);
                    }
                }
                Outcome::Refused(refusal) => {
                    if let Some(claimed) = refusal.claimed {
                        lock(&self.obstacles).insert(claimed, refusal.error);
                    }
                }
                // The connecting side retries what may still come right, so this is final.
                Outcome::Failed(_, error) if !matches!(error, FabricError::Unreachable { .. }) => return Err(error),
                Outcome::Failed(index, error) => {
                    lock(&self.obstacles).entry(index).or_insert(error);
                }
            }
        }
        Ok(())
    }

    fn open(&self, index: MemberIndex, stream: Stream, address: &str) -> Result<Arc<SocketChannel>, FabricError> {
        let session = Session {
            me: self.config.me,
            peer: Peer::new(index, address),
            instance: self.config.instance,
            epoch: self.config.epoch,
        };
        SocketChannel::new(stream, session, self.config.limits, self.signal.clone())
    }

    /// Shows those who are connected that this member lives while it still waits for others: they may have everybody,
    /// and count silence. Ends when one of them has gone meanwhile.
    fn tend(&self, channels: &Channels, next_heartbeat: &mut Instant) -> Result<(), FabricError> {
        let is_due = Instant::now() >= *next_heartbeat;
        if is_due {
            *next_heartbeat = Instant::now() + self.config.liveness.heartbeat_interval;
        }
        for channel in channels.values() {
            if is_due {
                channel.send_heartbeat();
            }
            channel.drive();
            if let Some(end) = channel.end_reason() {
                return Err(end);
            }
        }
        Ok(())
    }

    fn missing(&self, channels: &Channels) -> FabricError {
        let missing: Vec<MemberIndex> = self
            .others()
            .map(|member| member.index)
            .filter(|index| !channels.contains_key(index))
            .collect();
        let obstacles = lock(&self.obstacles);
        // One member with a clear reason says more than "missing".
        if let [only] = missing.as_slice()
            && let Some(error @ (FabricError::Unauthenticated { .. } | FabricError::EpochMismatch { .. })) =
                obstacles.get(only)
        {
            return error.clone();
        }
        let reasons: Vec<String> = missing
            .iter()
            .map(|index| match obstacles.get(index) {
                Some(error) => format!("{index}: {error}"),
                None if *index < self.config.me => format!("{index} did not connect"),
                None => format!("{index} did not answer"),
            })
            .collect();
        FabricError::Unreachable {
            missing,
            reason: reasons.join("; "),
        }
    }

    fn accept<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        pinned: &[Fingerprint],
        sender: &Sender<Outcome>,
    ) -> Result<(), FabricError>
    where
        Self: 'scope,
    {
        let mut interests: Vec<PollFd<'_>> = self
            .config
            .listeners
            .iter()
            .map(|listener| PollFd::from_borrowed_fd(listener.handle(), PollFlags::IN))
            .collect();
        poll(&mut interests, ACCEPT_INTERVAL)?;
        for listener in &self.config.listeners {
            while let Some((stream, address)) = listener.accept(pinned)? {
                if self.handshakes.load(Ordering::Acquire) >= MOST_HANDSHAKES {
                    continue;
                }
                self.handshakes.fetch_add(1, Ordering::AcqRel);
                let sender = sender.clone();
                spawn(scope, move || {
                    let outcome = self.welcome(stream, address);
                    self.handshakes.fetch_sub(1, Ordering::AcqRel);
                    let _ = sender.send(outcome);
                })?;
            }
        }
        Ok(())
    }

    /// The accepting side of one connection.
    fn welcome(&self, mut stream: Stream, address: String) -> Outcome {
        let given_up = || self.given_up();
        let mut negotiation = Negotiation {
            stream: &mut stream,
            address: &address,
            deadline: self.config.deadline.earlier(Deadline::after(HANDSHAKE_LIMIT)),
            given_up: &given_up,
        };
        match negotiation.accept(&self.credentials, |index, stream| self.admit(index, stream)) {
            Ok(index) => Outcome::Connected(index, stream, address),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn admit(&self, index: MemberIndex, stream: &Stream) -> Result<(), String> {
        let member = self
            .others()
            .find(|member| member.index == index && index < self.config.me)
            .ok_or_else(|| format!("{index} is not expected to connect here"))?;
        match stream.peer_fingerprint() {
            Some(found) if member.fingerprint != Some(found) => Err(format!("{index} shows another certificate")),
            _ => Ok(()),
        }
    }

    /// Tries the addresses of one member in turn until one works, it refuses for good, or time is over.
    fn connect(&self, member: &MemberEndpoint) -> Result<(Stream, String), FabricError> {
        let mut obstacle: Option<FabricError> = None;
        let mut longest = match member.addresses.len() {
            0 | 1 => ATTEMPT_LIMIT,
            _ => FIRST_ATTEMPT_LIMIT,
        };
        loop {
            for address in &member.addresses {
                match self.connect_address(member, address, longest) {
                    Ok(stream) => return Ok((stream, address.to_string())),
                    // Another address, or a little later, may do.
                    Err(error @ FabricError::InputOutput { .. }) => {
                        lock(&self.obstacles).insert(member.index, error.clone());
                        obstacle = Some(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            if self.given_up() {
                return Err(FabricError::Aborted {
                    reason: format!("connecting to {} was given up", member.index),
                });
            }
            if self.config.deadline.passed() || member.addresses.is_empty() {
                let reason = obstacle.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
                return Err(FabricError::Unreachable {
                    missing: vec![member.index],
                    reason,
                });
            }
            longest = ATTEMPT_LIMIT;
            std::thread::sleep(RETRY_INTERVAL);
        }
    }

    fn connect_address(
        &self,
        member: &MemberEndpoint,
        address: &crate::address::Address,
        longest: Duration,
    ) -> Result<Stream, FabricError> {
        let remaining = self.config.deadline.remaining().unwrap_or(longest);
        let limit = remaining.clamp(Duration::from_millis(1), longest);
        let mut stream = connect_once(address, self.config.identity.as_ref(), member.fingerprint, limit)?;
        let text = address.to_string();
        let given_up = || self.given_up();
        let mut negotiation = Negotiation {
            stream: &mut stream,
            address: &text,
            // A member that listens already may be busy until the end, so only the whole attempt limits this.
            deadline: self.config.deadline,
            given_up: &given_up,
        };
        negotiation.connect(&self.credentials, member.index)?;
        Ok(stream)
    }
}

fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, body: impl FnOnce() + Send + 'scope) -> Result<(), FabricError> {
    std::thread::Builder::new()
        .name("shoal-connect".to_owned())
        .spawn_scoped(scope, body)
        .map(drop)
        .map_err(|error| FabricError::input_output("starting a thread to connect with", &error))
}
