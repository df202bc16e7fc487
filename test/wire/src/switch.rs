//! Switches that learn addresses, with a stage before, between and behind each pair of their ports. Pure: frames and
//! time come in, frames that are due come out, so that a test can run it in virtual time.
//!
//! A frame goes through three stages: the sender's cable up to the switch, what lies between the two hosts, and the
//! receiver's cable down. Each is entered in the order of time, so that a queue which several senders share is shared
//! rightly.

use crate::random::key_of;
use crate::rule::{Nanoseconds, Rule};
use crate::stage::{Arrival, Frame, LINK_HEADER_BYTES, Stage, Statistics};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

/// Number of a port, from 0 in the order in which they were added.
pub type PortIndex = usize;

/// A link address.
type Address = [u8; 6];

/// A switch forgets an address that has been silent for so long.
const ADDRESS_LIFETIME: Nanoseconds = 300_000_000_000;

/// What a port is: one end of a cable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PortName {
    /// The machine.
    pub host: String,
    /// Its interface.
    pub interface: String,
    /// The switch that it is plugged into.
    pub segment: String,
}

struct Port {
    name: PortName,
    /// The first port of the same switch stands for the switch.
    switch: PortIndex,
    plugged: bool,
    up: Stage,
    down: Stage,
}

/// What lies between two hosts, in one direction.
struct Between {
    stage: Stage,
    cut: bool,
}

/// Where a frame has got to.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// It has reached the switch.
    AtSwitch { from: PortIndex },
    /// It has crossed what lies between two hosts.
    Across { from: PortIndex, to: PortIndex },
    /// It has reached the receiver.
    AtReceiver { to: PortIndex },
}

struct Event {
    due: Nanoseconds,
    /// Events of one time happen in the order in which they came about.
    order: u64,
    step: Step,
    frame: Rc<[u8]>,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

/// A frame that is due at a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The port.
    pub to: PortIndex,
    /// When it was due.
    pub due: Nanoseconds,
    /// The bytes.
    pub frame: Rc<[u8]>,
}

/// All switches of a network.
pub struct Network {
    seed: u64,
    ports: Vec<Port>,
    /// By sender and receiver; there is nothing between ports of different switches.
    between: HashMap<(PortIndex, PortIndex), Between>,
    addresses: HashMap<(PortIndex, Address), (PortIndex, Nanoseconds)>,
    events: BinaryHeap<Reverse<Event>>,
    now: Nanoseconds,
    order: u64,
    arrivals: Vec<Arrival>,
}

impl Network {
    /// Without ports; the seed decides what befalls frames.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ports: Vec::new(),
            between: HashMap::new(),
            addresses: HashMap::new(),
            events: BinaryHeap::new(),
            now: 0,
            order: 0,
            arrivals: Vec::new(),
        }
    }

    /// Adds a perfect port, plugged in.
    pub fn add_port(&mut self, name: PortName) -> PortIndex {
        let index = self.ports.len();
        let words = [name.segment.as_str(), &name.host, &name.interface];
        let same_switch = |other: &Port| other.name.segment == name.segment;
        let port = Port {
            switch: self.ports.iter().position(same_switch).unwrap_or(index),
            up: Stage::new(key_of(self.seed, &[words[0], words[1], words[2], "up"])),
            down: Stage::new(key_of(self.seed, &[words[0], words[1], words[2], "down"])),
            plugged: true,
            name,
        };
        for (other_index, other) in self.ports.iter().enumerate() {
            if other.switch != port.switch {
                continue;
            }
            for (ends, from, to) in [
                ((index, other_index), &port.name, &other.name),
                ((other_index, index), &other.name, &port.name),
            ] {
                let words = [&*from.segment, &from.host, &from.interface, &to.host, &to.interface];
                let stage = Stage::new(key_of(self.seed, &words));
                self.between.insert(ends, Between { stage, cut: false });
            }
        }
        self.ports.push(port);
        index
    }

    /// Ports in the order in which they were added.
    pub fn ports(&self) -> impl Iterator<Item = &PortName> {
        self.ports.iter().map(|port| &port.name)
    }

    /// Sets what lies between two ports; false when nothing can, because they are on different switches.
    pub fn set_rule(&mut self, from: PortIndex, to: PortIndex, rule: Rule) -> bool {
        let Some(between) = self.between.get_mut(&(from, to)) else {
            return false;
        };
        between.stage.set_rule(rule);
        true
    }

    /// Sets what a host's cable does to frames on their way up to the switch.
    pub fn set_up_rule(&mut self, port: PortIndex, rule: Rule) {
        self.ports[port].up.set_rule(rule);
    }

    /// Sets what a host's cable does to frames on their way down from the switch.
    pub fn set_down_rule(&mut self, port: PortIndex, rule: Rule) {
        self.ports[port].down.set_rule(rule);
    }

    /// Cuts or mends one direction between two ports. What is on its way when it is cut is lost.
    pub fn set_cut(&mut self, from: PortIndex, to: PortIndex, cut: bool) -> bool {
        let Some(between) = self.between.get_mut(&(from, to)) else {
            return false;
        };
        between.cut = cut;
        true
    }

    /// Mends everything that was cut.
    pub fn heal(&mut self) {
        for between in self.between.values_mut() {
            between.cut = false;
        }
    }

    /// Pulls a cable or puts it back.
    pub fn set_plugged(&mut self, port: PortIndex, plugged: bool) {
        self.ports[port].plugged = plugged;
    }

    /// What has befallen frames between two ports, and whether the way is cut now.
    pub fn between(&self) -> impl Iterator<Item = (PortIndex, PortIndex, &Statistics, bool)> {
        let mut ends: Vec<_> = self.between.keys().copied().collect();
        ends.sort_unstable();
        ends.into_iter().map(|(from, to)| {
            let Between { stage, cut } = &self.between[&(from, to)];
            (from, to, stage.statistics(), *cut)
        })
    }

    /// What has befallen frames on a host's cable, up and down.
    pub fn port_statistics(&self, port: PortIndex) -> (&Statistics, &Statistics) {
        let port = &self.ports[port];
        (port.up.statistics(), port.down.statistics())
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Nanoseconds> {
        self.events.peek().map(|Reverse(event)| event.due)
    }

    /// Frames that are on their way.
    pub fn frames_on_their_way(&self) -> usize {
        self.events.len()
    }

    /// A host sends a frame. Time never runs backwards: a past one counts as the present.
    pub fn send(&mut self, now: Nanoseconds, from: PortIndex, frame: &[u8]) {
        // Not a frame of Ethernet.
        if frame.len() < LINK_HEADER_BYTES as usize {
            return;
        }
        self.now = self.now.max(now);
        let frame: Rc<[u8]> = frame.into();
        let port = &mut self.ports[from];
        if !port.plugged {
            port.up.count_cut(facts(&frame));
            return;
        }
        port.up.pass(self.now, facts(&frame), &mut self.arrivals);
        self.schedule(Step::AtSwitch { from }, &frame);
    }

    /// Lets time pass until now and hands out the frames that were due, in the order in which they were.
    pub fn advance(&mut self, now: Nanoseconds, mut deliver: impl FnMut(Delivery)) {
        while let Some(Reverse(event)) = self.events.peek() {
            if event.due > now {
                break;
            }
            let Some(Reverse(event)) = self.events.pop() else { break };
            // What is late is not made later: each stage is entered when the frame was due there.
            self.now = self.now.max(event.due);
            match event.step {
                Step::AtSwitch { from } => self.forward(from, event.due, &event.frame),
                Step::Across { from, to } => self.go_down(from, to, event.due, &event.frame),
                Step::AtReceiver { to } => deliver(Delivery {
                    to,
                    due: event.due,
                    frame: event.frame,
                }),
            }
        }
        self.now = self.now.max(now);
    }

    fn forward(&mut self, from: PortIndex, at: Nanoseconds, frame: &Rc<[u8]>) {
        let switch = self.ports[from].switch;
        let (target, source) = (address(frame, 0), address(frame, 6));
        if !is_group(&source) {
            self.addresses.insert((switch, source), (from, at));
        }
        let learned = match self.addresses.get(&(switch, target)) {
            Some((port, seen)) if !is_group(&target) && at - seen < ADDRESS_LIFETIME => Some(*port),
            _ => None,
        };
        match learned {
            // A switch sends nothing back to where it came from.
            Some(to) if to == from => {}
            Some(to) => self.cross(from, to, at, frame),
            None => {
                for to in 0..self.ports.len() {
                    if to != from {
                        self.cross(from, to, at, frame);
                    }
                }
            }
        }
    }

    fn cross(&mut self, from: PortIndex, to: PortIndex, at: Nanoseconds, frame: &Rc<[u8]>) {
        let Some(between) = self.between.get_mut(&(from, to)) else {
            return;
        };
        if between.cut {
            between.stage.count_cut(facts(frame));
            return;
        }
        between.stage.pass(at, facts(frame), &mut self.arrivals);
        self.schedule(Step::Across { from, to }, frame);
    }

    fn go_down(&mut self, from: PortIndex, to: PortIndex, at: Nanoseconds, frame: &Rc<[u8]>) {
        if let Some(between) = self.between.get_mut(&(from, to))
            && between.cut
        {
            between.stage.count_cut_on_the_way(facts(frame));
            return;
        }
        let port = &mut self.ports[to];
        if !port.plugged {
            port.down.count_cut(facts(frame));
            return;
        }
        port.down.pass(at, facts(frame), &mut self.arrivals);
        self.schedule(Step::AtReceiver { to }, frame);
    }

    fn schedule(&mut self, step: Step, frame: &Rc<[u8]>) {
        for arrival in self.arrivals.drain(..) {
            let frame = match arrival.turned_bit {
                None => Rc::clone(frame),
                Some(bit) => turned(frame, bit),
            };
            self.order += 1;
            self.events.push(Reverse(Event {
                due: arrival.at,
                order: self.order,
                step,
                frame,
            }));
        }
    }
}

fn turned(frame: &[u8], bit: u64) -> Rc<[u8]> {
    let mut copy = frame.to_vec();
    copy[LINK_HEADER_BYTES as usize + (bit / 8) as usize] ^= 1 << (bit % 8);
    copy.into()
}

fn facts(frame: &[u8]) -> Frame {
    let target = address(frame, 0);
    Frame {
        bytes: u32::try_from(frame.len()).unwrap_or(u32::MAX),
        multicast: is_group(&target) && target != [0xff; 6],
    }
}

fn address(frame: &[u8], at: usize) -> Address {
    let mut address = [0; 6];
    address.copy_from_slice(&frame[at..at + 6]);
    address
}

fn is_group(address: &Address) -> bool {
    address[0] & 1 == 1
}
