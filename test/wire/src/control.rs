//! Carries out orders on a network: finds the ports that words mean, and keeps the timeline.

use crate::protocol::{Direction, Failure, FailureCode, Order, TimedOrder};
use crate::rule::{Nanoseconds, Rule};
use crate::switch::{Network, PortIndex};

/// What the system must do with a cable.
pub type SetCarrier<'a> = dyn FnMut(PortIndex, bool) -> Result<(), Failure> + 'a;

/// Carries out an order that changes the network.
pub fn carry_out(network: &mut Network, order: &Order, set_carrier: &mut SetCarrier<'_>) -> Result<(), Failure> {
    match order {
        Order::Rule { from, to, rule } => {
            check(rule)?;
            each_pair(network, from, to, |network, from, to| {
                network.set_rule(from, to, rule.clone())
            })
        }
        Order::Cable { at, direction, rule } => {
            check(rule)?;
            for port in ports_at(network, at)? {
                match direction {
                    Direction::Up => network.set_up_rule(port, rule.clone()),
                    Direction::Down => network.set_down_rule(port, rule.clone()),
                }
            }
            Ok(())
        }
        Order::Cut { from, to } => each_pair(network, from, to, |network, from, to| network.set_cut(from, to, true)),
        Order::Mend { from, to } => each_pair(network, from, to, |network, from, to| network.set_cut(from, to, false)),
        Order::Partition { groups } => partition(network, groups),
        Order::Heal {} => {
            network.heal();
            Ok(())
        }
        Order::Unplug { at } => plug(network, at, false, set_carrier),
        Order::Plug { at } => plug(network, at, true, set_carrier),
        Order::Statistics {} | Order::Play { .. } => Err(Failure::new(
            FailureCode::MessageInvalid,
            "a timeline holds orders that change the network; ask for statistics and play timelines beside it",
        )),
    }
}

fn check(rule: &Rule) -> Result<(), Failure> {
    match rule.problem() {
        None => Ok(()),
        Some(problem) => Err(Failure::new(FailureCode::RuleInvalid, problem)),
    }
}

/// The ports that a place means: `host`, `host/interface`, or `*`.
fn ports_at(network: &Network, place: &str) -> Result<Vec<PortIndex>, Failure> {
    let (host, interface) = match place.split_once('/') {
        Some((host, interface)) => (host, Some(interface)),
        None => (place, None),
    };
    let found: Vec<_> = network
        .ports()
        .enumerate()
        .filter(|(_, port)| (host == "*" || port.host == host) && interface.is_none_or(|name| name == port.interface))
        .map(|(index, _)| index)
        .collect();
    if found.is_empty() {
        let known: Vec<_> = network
            .ports()
            .map(|port| format!("{}/{}", port.host, port.interface))
            .collect();
        let message = format!("there is no '{place}'; there are {}", known.join(", "));
        return Err(Failure::new(FailureCode::PlaceUnknown, message));
    }
    Ok(found)
}

fn each_pair(
    network: &mut Network,
    from: &str,
    to: &str,
    mut act: impl FnMut(&mut Network, PortIndex, PortIndex) -> bool,
) -> Result<(), Failure> {
    let (senders, receivers) = (ports_at(network, from)?, ports_at(network, to)?);
    let mut count = 0;
    for sender in senders {
        for &receiver in &receivers {
            count += usize::from(act(network, sender, receiver));
        }
    }
    if count == 0 {
        let message = format!("'{from}' and '{to}' have no switch in common");
        return Err(Failure::new(FailureCode::PlacesApart, message));
    }
    Ok(())
}

fn partition(network: &mut Network, groups: &[Vec<String>]) -> Result<(), Failure> {
    let mut members = Vec::new();
    for places in groups {
        let mut group = Vec::new();
        for place in places {
            group.extend(ports_at(network, place)?);
        }
        members.push(group);
    }
    for (index, group) in members.iter().enumerate() {
        for (other_index, other) in members.iter().enumerate() {
            for (&from, &to) in group.iter().flat_map(|from| other.iter().map(move |to| (from, to))) {
                // Ports on different switches are apart anyway.
                let _ = index != other_index && network.set_cut(from, to, true);
            }
        }
    }
    Ok(())
}

fn plug(network: &mut Network, place: &str, plugged: bool, set_carrier: &mut SetCarrier<'_>) -> Result<(), Failure> {
    for port in ports_at(network, place)? {
        set_carrier(port, plugged)?;
        network.set_plugged(port, plugged);
    }
    Ok(())
}

/// What is left of a timeline.
#[derive(Default)]
pub struct Timeline {
    /// The next one last.
    left: Vec<(Nanoseconds, usize, Order)>,
}

impl Timeline {
    /// Begins now.
    pub fn start(now: Nanoseconds, orders: Vec<TimedOrder>) -> Result<Self, Failure> {
        let mut left = Vec::new();
        for (index, TimedOrder { at_milliseconds, order }) in orders.into_iter().enumerate() {
            if !(0.0..=8.64e7).contains(&at_milliseconds) {
                let message =
                    format!("atMilliseconds of step {index} is {at_milliseconds}: it must be from 0 to a day");
                return Err(Failure::new(FailureCode::MessageInvalid, message));
            }
            left.push((now + (at_milliseconds * 1e6) as Nanoseconds, index, order));
        }
        // Of two at one time the one that is written first comes first.
        left.sort_by_key(|(due, index, _)| std::cmp::Reverse((*due, *index)));
        Ok(Self { left })
    }

    /// When the next order is due.
    pub fn next_due(&self) -> Option<Nanoseconds> {
        self.left.last().map(|(due, ..)| *due)
    }

    /// Takes the next order that is due, with its place in the timeline and whether it is the last.
    pub fn take_due(&mut self, now: Nanoseconds) -> Option<(usize, Order, bool)> {
        if self.next_due()? > now {
            return None;
        }
        let (_, index, order) = self.left.pop()?;
        Some((index, order, self.left.is_empty()))
    }
}
