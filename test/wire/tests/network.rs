//! Switches and the stages around them, in virtual time. A failing case names its seed.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use shoal_wire::control::{Timeline, carry_out};
use shoal_wire::protocol::{FailureCode, Order, TimedOrder};
use shoal_wire::random::{Draws, key_of};
use shoal_wire::rule::{Delay, Loss, Nanoseconds, Rule};
use shoal_wire::switch::{Delivery, Network, PortName};

const MILLISECOND: Nanoseconds = 1_000_000;
const EVERYBODY: u8 = 0xff;

/// A network with ports `(host, segment)`.
fn network(seed: u64, ports: &[(&str, &str)]) -> Network {
    let mut network = Network::new(seed);
    for (host, segment) in ports {
        network.add_port(PortName {
            host: (*host).to_owned(),
            interface: "eth0".to_owned(),
            segment: (*segment).to_owned(),
        });
    }
    network
}

/// A frame between the cards of two ports, or to everybody, with a number in it.
fn frame(to: u8, from: u8, number: u16) -> Vec<u8> {
    let target = if to == EVERYBODY {
        [0xff; 6]
    } else {
        [2, 0, 0, 0, 0, to]
    };
    let mut frame = target.to_vec();
    frame.extend([2, 0, 0, 0, 0, from, 8, 0]);
    frame.extend(number.to_be_bytes());
    frame.resize(64, 0);
    frame
}

fn advance(network: &mut Network, now: Nanoseconds) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    network.advance(now, |delivery| deliveries.push(delivery));
    deliveries
}

fn receivers(network: &mut Network, now: Nanoseconds) -> Vec<usize> {
    let mut receivers: Vec<_> = advance(network, now).into_iter().map(|delivery| delivery.to).collect();
    receivers.sort_unstable();
    receivers
}

fn order(text: &str) -> Order {
    serde_json::from_str(text).unwrap()
}

fn carry(network: &mut Network, text: &str) {
    carry_out(network, &order(text), &mut |_, _| Ok(())).unwrap();
}

fn delay(milliseconds: f64) -> Rule {
    Rule {
        delay: Some(Delay {
            microseconds: milliseconds * 1000.0,
            jitter: None,
            overtakes: false,
        }),
        ..Rule::default()
    }
}

#[test]
fn a_switch_floods_until_it_has_learned() {
    let mut network = network(1, &[("a", "lan"), ("b", "lan"), ("c", "lan"), ("d", "other")]);
    network.send(0, 0, &frame(1, 0, 0));
    assert_eq!(
        receivers(&mut network, 0),
        [1, 2],
        "unknown: to all of the segment but the sender"
    );
    network.send(1, 1, &frame(0, 1, 0));
    assert_eq!(receivers(&mut network, 1), [0], "learned");
    network.send(2, 0, &frame(1, 0, 0));
    assert_eq!(receivers(&mut network, 2), [1]);
    network.send(3, 0, &frame(EVERYBODY, 0, 0));
    assert_eq!(receivers(&mut network, 3), [1, 2]);
    // The card of b moves to the port of c.
    network.send(4, 2, &frame(0, 1, 0));
    assert_eq!(receivers(&mut network, 4), [0]);
    network.send(5, 0, &frame(1, 0, 0));
    assert_eq!(receivers(&mut network, 5), [2]);
    // Forgotten after five minutes of silence.
    network.send(400_000_000_000, 0, &frame(1, 0, 0));
    assert_eq!(receivers(&mut network, 400_000_000_000), [1, 2]);
    // What is no frame is dropped.
    network.send(400_000_000_001, 0, &[1, 2, 3]);
    assert_eq!(network.frames_on_their_way(), 0);
}

#[test]
fn delays_of_cables_and_of_what_lies_between_add_up() {
    let mut network = network(1, &[("a", "lan"), ("b", "lan")]);
    network.set_up_rule(0, delay(1.0));
    assert!(network.set_rule(0, 1, delay(2.0)));
    network.set_down_rule(1, delay(4.0));
    network.send(0, 0, &frame(1, 0, 0));
    assert_eq!(network.next_due(), Some(MILLISECOND));
    assert_eq!(advance(&mut network, 7 * MILLISECOND - 1), []);
    let [delivery] = &advance(&mut network, 7 * MILLISECOND)[..] else {
        panic!("one frame arrives");
    };
    assert_eq!((delivery.to, delivery.due), (1, 7 * MILLISECOND));
    // Late looks do not make frames later.
    network.send(10 * MILLISECOND, 0, &frame(1, 0, 0));
    assert_eq!(advance(&mut network, 100 * MILLISECOND)[0].due, 17 * MILLISECOND);
    network.send(200 * MILLISECOND, 1, &frame(0, 1, 0));
    assert_eq!(
        advance(&mut network, 200 * MILLISECOND).len(),
        1,
        "the way back is perfect"
    );
}

#[test]
fn cuts_are_of_one_direction_and_take_what_is_on_its_way() {
    let mut network = network(1, &[("a", "lan"), ("b", "lan")]);
    network.set_rule(0, 1, delay(5.0));
    network.send(0, 0, &frame(1, 0, 0));
    assert_eq!(advance(&mut network, MILLISECOND), []);
    carry(&mut network, r#"{"order":"cut","from":"a","to":"b"}"#);
    assert_eq!(advance(&mut network, 10 * MILLISECOND), []);
    network.send(10 * MILLISECOND, 0, &frame(1, 0, 0));
    network.send(10 * MILLISECOND, 1, &frame(0, 1, 0));
    assert_eq!(receivers(&mut network, 20 * MILLISECOND), [0]);
    let statistics: Vec<_> = network
        .between()
        .map(|(from, to, counted, cut)| (from, to, counted.frames, counted.passed, counted.cut, cut))
        .collect();
    assert_eq!(statistics, [(0, 1, 2, 0, 2, true), (1, 0, 1, 1, 0, false)]);
    carry(&mut network, r#"{"order":"mend","from":"a","to":"b"}"#);
    network.send(20 * MILLISECOND, 0, &frame(1, 0, 0));
    assert_eq!(receivers(&mut network, 30 * MILLISECOND), [1]);
}

#[test]
fn a_partition_cuts_between_groups_only() {
    let mut network = network(1, &[("a", "lan"), ("b", "lan"), ("c", "lan"), ("d", "lan")]);
    carry(&mut network, r#"{"order":"partition","groups":[["a","b"],["c"]]}"#);
    for (from, expected) in [(0, vec![1, 3]), (2, vec![3]), (3, vec![0, 1, 2])] {
        network.send(0, from, &frame(EVERYBODY, from as u8, 0));
        assert_eq!(receivers(&mut network, 0), expected, "from {from}");
    }
    carry(&mut network, r#"{"order":"heal"}"#);
    network.send(0, 2, &frame(EVERYBODY, 2, 0));
    assert_eq!(receivers(&mut network, 0), [0, 1, 3]);
}

#[test]
fn a_pulled_cable_carries_nothing_and_the_system_is_told() {
    let mut network = network(1, &[("a", "lan"), ("b", "lan")]);
    let mut told = Vec::new();
    let unplug = order(r#"{"order":"unplug","at":"b"}"#);
    carry_out(&mut network, &unplug, &mut |port, plugged| {
        told.push((port, plugged));
        Ok(())
    })
    .unwrap();
    assert_eq!(told, [(1, false)]);
    network.send(0, 0, &frame(1, 0, 0));
    network.send(0, 1, &frame(0, 1, 0));
    assert_eq!(advance(&mut network, 1), []);
    let (up, down) = network.port_statistics(1);
    assert_eq!((up.cut, down.cut), (1, 1));
}

#[test]
fn orders_that_mean_nothing_are_refused() {
    let mut network = network(1, &[("a", "lan"), ("b", "other")]);
    let mut refused = |text: &str| {
        carry_out(&mut network, &order(text), &mut |_, _| Ok(()))
            .unwrap_err()
            .code
    };
    assert_eq!(
        refused(r#"{"order":"cut","from":"a","to":"b"}"#),
        FailureCode::PlacesApart
    );
    assert_eq!(
        refused(r#"{"order":"cut","from":"a","to":"x"}"#),
        FailureCode::PlaceUnknown
    );
    assert_eq!(
        refused(r#"{"order":"unplug","at":"a/eth9"}"#),
        FailureCode::PlaceUnknown
    );
    assert_eq!(refused(r#"{"order":"statistics"}"#), FailureCode::MessageInvalid);
    let rule = r#"{"order":"cable","at":"a","direction":"up","rule":{"corrupt":{"probability":7}}}"#;
    assert_eq!(refused(rule), FailureCode::RuleInvalid);
}

#[test]
fn a_timeline_runs_in_the_order_of_its_times() {
    let step = |at_milliseconds: f64| TimedOrder {
        at_milliseconds,
        order: Order::Heal {},
    };
    let mut timeline = Timeline::start(100, vec![step(3.0), step(1.0), step(1.0)]).unwrap();
    assert!(timeline.take_due(100).is_none());
    assert_eq!(timeline.next_due(), Some(100 + MILLISECOND));
    let mut taken = Vec::new();
    while let Some((index, _, is_last)) = timeline.take_due(10 * MILLISECOND) {
        taken.push((index, is_last));
    }
    assert_eq!(taken, [(1, false), (2, false), (0, true)]);
    assert!(Timeline::start(0, vec![step(-1.0)]).is_err());
    assert!(Timeline::start(0, vec![step(f64::NAN)]).is_err());
}

/// Random rules and frames on four ports of two segments, looked at now and then.
fn play(seed: u64, looks: u64, talkers: &[usize]) -> (Vec<Delivery>, Network) {
    let mut draws = Draws::new(key_of(seed, &["play"]), 0);
    let mut network = network(
        seed,
        &[("a", "lan"), ("b", "lan"), ("c", "lan"), ("d", "other"), ("e", "other")],
    );
    for from in 0..5 {
        for to in 0..5 {
            let rule = Rule {
                loss: draws.happens(0.5).then(|| Loss::Random {
                    probability: draws.unit() * 0.5,
                }),
                ..delay(draws.unit() * 3.0)
            };
            let apart = (from < 3) != (to < 3) || from == to;
            assert_eq!(network.set_rule(from, to, rule), !apart);
        }
    }
    let mut deliveries = Vec::new();
    for number in 0..200u16 {
        let now = u64::from(number) * MILLISECOND / 4;
        let from = (draws.bits() % 5) as usize;
        let to = [0, 1, 2, 3, 4, EVERYBODY][(draws.bits() % 6) as usize];
        if talkers.contains(&from) {
            network.send(now, from, &frame(to, from as u8, number));
        }
        // When it is looked at is the machine's affair and must not matter.
        if draws.bits().is_multiple_of(looks) {
            deliveries.extend(advance(&mut network, now));
        }
    }
    deliveries.extend(advance(&mut network, u64::MAX));
    (deliveries, network)
}

#[test]
fn random_traffic_is_delivered_once_in_time_and_to_the_right_segment() {
    for seed in 0..300 {
        let (deliveries, network) = play(seed, 3, &[0, 1, 2, 3, 4]);
        assert!(deliveries.is_sorted_by_key(|delivery| delivery.due), "seed {seed}");
        let mut seen = Vec::new();
        for Delivery { to, frame, .. } in &deliveries {
            let from = usize::from(frame[11]);
            assert_ne!(*to, from, "seed {seed}: back to the sender");
            assert_eq!(*to < 3, from < 3, "seed {seed}: across segments");
            let once = (*to, frame[14], frame[15]);
            assert!(!seen.contains(&once), "seed {seed}: twice");
            seen.push(once);
        }
        let passed: u64 = network.between().map(|(_, _, counted, _)| counted.passed).sum();
        assert_eq!(passed, deliveries.len() as u64, "seed {seed}");
        for (.., counted, _) in network.between() {
            assert_eq!(counted.frames, counted.passed + counted.lost, "seed {seed}");
        }
    }
}

#[test]
fn a_seed_repeats_itself_and_another_does_not() {
    let (first, _) = play(1, 3, &[0, 1, 2]);
    assert_eq!(first, play(1, 3, &[0, 1, 2]).0);
    assert_ne!(first.len(), play(2, 3, &[0, 1, 2]).0.len());
}

#[test]
fn when_it_is_looked_at_does_not_matter() {
    for seed in 0..100 {
        let everybody = [0, 1, 2, 3, 4];
        assert_eq!(play(seed, 1, &everybody).0, play(seed, 7, &everybody).0, "seed {seed}");
    }
}

#[test]
fn others_do_not_change_what_befalls_a_segment() {
    for seed in 0..100 {
        let of_lan = |(deliveries, _): (Vec<Delivery>, Network)| -> Vec<Delivery> {
            deliveries.into_iter().filter(|delivery| delivery.to < 3).collect()
        };
        assert_eq!(
            of_lan(play(seed, 3, &[0, 1, 2])),
            of_lan(play(seed, 3, &[0, 1, 2, 3, 4])),
            "seed {seed}"
        );
    }
}
