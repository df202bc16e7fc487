//! The emulator at work: one loop that reads frames and orders, and hands out what is due.

use crate::control::{Timeline, carry_out};
use crate::protocol::{
    CableReport, Description, Failure, FailureCode, Message, Opened, OpenedHost, Order, PairReport, Precision, Report,
    Request, StepEvent,
};
use crate::rule::Nanoseconds;
use crate::switch::{Network, PortName};
use crate::system::{self, SystemHost};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Write;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// Frames that are taken from one interface before the next one has its turn.
const FRAMES_A_TURN: usize = 64;
/// With so many frames on their way a stream is going through, and frames that are due close together are handed out
/// together: waking for each one takes more of the processor than the programs under test can spare.
const CROWD: usize = 16;
/// By how much a frame in a crowd may be late for that.
const CROWD_PATIENCE: Nanoseconds = 50_000;
/// The longest frame: an MTU has 16 bits.
const LONGEST_FRAME_BYTES: usize = 65_536 + 18;

/// Reads orders from standard input until it ends. Whoever is not root makes networks in a user namespace, and who is may.
pub fn serve(in_user_namespace: bool) -> Result<(), Failure> {
    let mut input = Input::default();
    let Some(line) = input.first_line() else {
        return Ok(());
    };
    let opened = serde_json::from_str::<Description>(&line)
        .map_err(|error| {
            Failure::new(
                FailureCode::MessageInvalid,
                format!("the network's description: {error}"),
            )
        })
        .and_then(|description| Emulator::open(&description, in_user_namespace));
    match opened {
        Ok((mut emulator, opened)) => {
            say(&opened)?;
            emulator.run(&mut input)
        }
        Err(error) => say(&Message::Failed { id: None, error }),
    }
}

fn say(message: &impl serde::Serialize) -> Result<(), Failure> {
    let written = serde_json::to_vec(message)
        .map_err(std::io::Error::from)
        .and_then(|mut line| {
            line.push(b'\n');
            let mut output = std::io::stdout().lock();
            output.write_all(&line)?;
            output.flush()
        });
    written.map_err(|error| Failure::new(FailureCode::System, format!("standard output: {error}")))
}

/// Lines of standard input.
#[derive(Default)]
struct Input {
    pending: Vec<u8>,
    ended: bool,
}

impl Input {
    /// Reads once; waits where nothing is there.
    fn read(&mut self) {
        let mut chunk = [0; 65_536];
        match rustix::io::read(rustix::stdio::stdin(), &mut chunk) {
            Ok(0) | Err(_) => self.ended = true,
            Ok(count) => self.pending.extend_from_slice(&chunk[..count]),
        }
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.pending.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    }

    fn first_line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.take_line() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            self.read();
        }
    }
}

/// The processor time of this process.
fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

struct Emulator {
    network: Network,
    /// By port.
    interfaces: Vec<OwnedFd>,
    /// They live as long as the emulator.
    _namespaces: Vec<std::fs::File>,
    timeline: Timeline,
    began: Instant,
    precision: Precision,
    late_microseconds: f64,
}

impl Emulator {
    fn open(description: &Description, in_user_namespace: bool) -> Result<(Self, Opened), Failure> {
        check_names(description)?;
        let priority_raised = system::raise_priority();
        // Without being root, the only way is to be root of a user namespace.
        let own_user_namespace = in_user_namespace || !rustix::process::geteuid().is_root();
        if own_user_namespace {
            system::enter_own_user_namespace()?;
        }
        // Timers fire when they are due instead of up to 50 µs later.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let mut network = Network::new(description.seed);
        let (mut interfaces, mut namespaces, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for (index, host) in description.hosts.iter().enumerate() {
            let SystemHost {
                namespace,
                interfaces: opened,
            } = system::open_host(index, host)?;
            for interface in &host.interfaces {
                network.add_port(PortName {
                    host: host.name.clone(),
                    interface: interface.name.clone(),
                    segment: interface.segment.clone(),
                });
            }
            interfaces.extend(opened);
            hosts.push(OpenedHost {
                name: host.name.clone(),
                network_namespace: system::path_of(&namespace),
            });
            namespaces.push(namespace);
        }
        let opened = Opened {
            hosts,
            user_namespace: own_user_namespace.then(|| format!("/proc/{}/ns/user", std::process::id())),
            priority_raised,
        };
        let emulator = Self {
            network,
            interfaces,
            _namespaces: namespaces,
            timeline: Timeline::default(),
            began: Instant::now(),
            precision: Precision::default(),
            late_microseconds: 0.0,
        };
        Ok((emulator, opened))
    }

    fn now(&self) -> Nanoseconds {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn run(&mut self, input: &mut Input) -> Result<(), Failure> {
        let mut frame = vec![0; LONGEST_FRAME_BYTES];
        loop {
            while let Some(line) = input.take_line() {
                self.answer(&line)?;
            }
            if input.ended {
                return Ok(());
            }
            self.play_due()?;
            self.deliver_due();
            let (order_waits, ready) = self.wait()?;
            if order_waits {
                input.read();
            }
            for port in ready {
                self.take_frames(port, &mut frame);
            }
        }
    }

    /// Until a frame or an order comes or something is due: whether there is an order, and which ports have frames.
    fn wait(&self) -> Result<(bool, Vec<usize>), Failure> {
        let crowded = self.network.frames_on_their_way() > CROWD;
        let patience = if crowded { CROWD_PATIENCE } else { 0 };
        let next_frame = self.network.next_due().map(|due| due + patience);
        let due = [next_frame, self.timeline.next_due()].into_iter().flatten().min();
        let timeout = due.map(|due| {
            let left = due.saturating_sub(self.now());
            Timespec {
                tv_sec: (left / 1_000_000_000) as i64,
                tv_nsec: (left % 1_000_000_000) as i64,
            }
        });
        let sources: Vec<BorrowedFd<'_>> = std::iter::once(rustix::stdio::stdin())
            .chain(self.interfaces.iter().map(AsFd::as_fd))
            .collect();
        let mut polled: Vec<_> = sources
            .iter()
            .map(|source| PollFd::new(source, PollFlags::IN))
            .collect();
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Failure::new(FailureCode::System, format!("waiting: {error}"))),
        }
        let is_ready = |index: usize| !polled[index].revents().is_empty();
        let ports = (0..self.interfaces.len()).filter(|port| is_ready(port + 1)).collect();
        Ok((is_ready(0), ports))
    }

    fn take_frames(&mut self, port: usize, frame: &mut [u8]) {
        for _ in 0..FRAMES_A_TURN {
            // An interface that its host has brought down has no frames, which reads as an error.
            let Ok(bytes) = rustix::io::read(&self.interfaces[port], &mut *frame) else {
                break;
            };
            self.network.send(self.now(), port, &frame[..bytes]);
        }
        self.deliver_due();
    }

    fn deliver_due(&mut self) {
        let (began, interfaces) = (self.began, &self.interfaces);
        let now = self.now();
        let (precision, late_microseconds) = (&mut self.precision, &mut self.late_microseconds);
        self.network.advance(now, |delivery| {
            if rustix::io::write(&interfaces[delivery.to], &delivery.frame).is_err() {
                precision.refused += 1;
                return;
            }
            let at = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let late = at.saturating_sub(delivery.due) as f64 / 1000.0;
            precision.delivered += 1;
            *late_microseconds += late;
            precision.worst_late_microseconds = precision.worst_late_microseconds.max(late);
        });
    }

    fn play_due(&mut self) -> Result<(), Failure> {
        while let Some((step, order, is_last)) = self.timeline.take_due(self.now()) {
            match self.change(&order) {
                Ok(()) => {
                    let event = if is_last { StepEvent::Ended } else { StepEvent::Step };
                    say(&Message::Step { event, step })?;
                }
                Err(mut error) => {
                    error.message = format!("step {step} of the timeline: {}", error.message);
                    say(&Message::Failed { id: None, error })?;
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, order: &Order) -> Result<(), Failure> {
        let interfaces = &self.interfaces;
        carry_out(&mut self.network, order, &mut |port, plugged| {
            system::set_carrier(&interfaces[port], plugged)
        })
    }

    fn answer(&mut self, line: &str) -> Result<(), Failure> {
        let Request { id, order } = match serde_json::from_str(line) {
            Ok(request) => request,
            Err(error) => {
                let error = Failure::new(FailureCode::MessageInvalid, format!("'{line}': {error}"));
                return say(&Message::Failed { id: id_of(line), error });
            }
        };
        let result = match order {
            Order::Statistics {} => Ok(serde_json::to_value(self.report()).unwrap_or_default()),
            Order::Play { timeline } => Timeline::start(self.now(), timeline).map(|timeline| {
                self.timeline = timeline;
                serde_json::Value::Null
            }),
            order => self.change(&order).map(|()| serde_json::Value::Null),
        };
        say(&match result {
            Ok(result) => Message::Done { id, result },
            Err(error) => Message::Failed { id: Some(id), error },
        })
    }

    fn report(&self) -> Report<'_> {
        let names: Vec<_> = self
            .network
            .ports()
            .map(|port| format!("{}/{}", port.host, port.interface))
            .collect();
        let pairs = self.network.between().map(|(from, to, statistics, is_cut)| PairReport {
            from: names[from].clone(),
            to: names[to].clone(),
            is_cut,
            statistics,
        });
        let cables = names.iter().enumerate().map(|(port, name)| {
            let (up, down) = self.network.port_statistics(port);
            CableReport {
                at: name.clone(),
                up,
                down,
            }
        });
        Report {
            pairs: pairs.collect(),
            cables: cables.collect(),
            precision: Precision {
                mean_late_microseconds: self.late_microseconds / self.precision.delivered.max(1) as f64,
                ..self.precision
            },
            on_their_way: self.network.frames_on_their_way(),
            processor_seconds: processor_seconds(),
        }
    }
}

/// The number of a request whose order cannot be understood.
fn id_of(line: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(line)
        .ok()?
        .get("id")?
        .as_u64()
}

fn check_names(description: &Description) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for host in &description.hosts {
        let names = host
            .interfaces
            .iter()
            .map(|interface| (host.name.as_str(), interface.name.as_str()));
        for (name, interface) in names {
            let well_formed = !name.is_empty() && !name.contains('/') && name != "*" && !interface.contains('/');
            if !well_formed || seen.contains(&(name, interface)) {
                let message = format!("'{name}/{interface}': names are unique, not '*', and without '/'");
                return Err(Failure::new(FailureCode::MessageInvalid, message));
            }
            seen.push((name, interface));
        }
    }
    Ok(())
}
