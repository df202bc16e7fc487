//! A stretch of a path under random rules and traffic, in virtual time. A failing case names its seed.

use shoal_wire::random::{Draws, key_of};
use shoal_wire::rule::{Bandwidth, Chance, Delay, Jitter, Loss, Nanoseconds, Reorder, Rule};
use shoal_wire::stage::{Arrival, Frame, Stage};

const CASES: u64 = 2000;

fn frame(bytes: u32) -> Frame {
    Frame {
        bytes,
        multicast: false,
    }
}

/// Frames at random times: when each came in, how long it was, and what arrived of it.
fn traffic(stage: &mut Stage, draws: &mut Draws, count: u64) -> Vec<(Nanoseconds, u32, Vec<Arrival>)> {
    let mut now = 0;
    (0..count)
        .map(|_| {
            now += draws.bits() % 200_000;
            let bytes = 60 + (draws.bits() % 1455) as u32;
            let mut arrivals = Vec::new();
            stage.pass(now, frame(bytes), &mut arrivals);
            (now, bytes, arrivals)
        })
        .collect()
}

fn sometimes<T>(draws: &mut Draws, value: impl FnOnce(&mut Draws) -> T) -> Option<T> {
    draws.happens(0.5).then(|| value(draws))
}

fn random_rule(draws: &mut Draws) -> Rule {
    Rule {
        delay: sometimes(draws, |draws| Delay {
            microseconds: draws.unit() * 2000.0,
            jitter: sometimes(draws, |draws| match draws.bits() % 3 {
                0 => Jitter::Uniform {
                    microseconds: draws.unit() * 500.0,
                },
                1 => Jitter::Normal {
                    microseconds: draws.unit() * 500.0,
                },
                _ => Jitter::Pareto {
                    microseconds: draws.unit() * 500.0,
                    shape: 1.5 + draws.unit(),
                    at_most_microseconds: sometimes(draws, |draws| draws.unit() * 5000.0),
                },
            }),
            overtakes: draws.happens(0.3),
        }),
        bandwidth: sometimes(draws, |draws| Bandwidth {
            bits_per_second: 1e6 + draws.unit() * 2e8,
            burst_bytes: (draws.bits() % 20_000) as u32,
            queue_bytes: sometimes(draws, |draws| (draws.bits() % 50_000) as u32),
        }),
        loss: sometimes(draws, |draws| {
            if draws.happens(0.5) {
                Loss::Random {
                    probability: draws.unit() * 0.3,
                }
            } else {
                Loss::Bursts {
                    begins: draws.unit() * 0.2,
                    ends: draws.unit(),
                    outside: draws.unit() * 0.1,
                    within: draws.unit(),
                }
            }
        }),
        duplicate: sometimes(draws, |draws| Chance {
            probability: draws.unit() * 0.3,
        }),
        reorder: sometimes(draws, |draws| Reorder {
            probability: draws.unit() * 0.3,
            microseconds: draws.unit() * 3000.0,
        }),
        corrupt: sometimes(draws, |draws| Chance {
            probability: draws.unit() * 0.3,
        }),
        largest_frame_bytes: draws.happens(0.1).then_some(1000),
        drops_multicast: false,
    }
}

fn each_case(test: impl Fn(&mut Draws, u64)) {
    for seed in 0..CASES {
        test(&mut Draws::new(key_of(11, &[]), seed), seed);
    }
}

#[test]
fn every_frame_is_accounted_for_and_none_is_early() {
    each_case(|draws, seed| {
        let rule = random_rule(draws);
        assert_eq!(rule.problem(), None, "seed {seed}");
        let mut stage = Stage::new(seed);
        stage.set_rule(rule.clone());
        let all = traffic(&mut stage, draws, 100);
        let counted = *stage.statistics();
        let arrived: usize = all.iter().map(|(.., arrivals)| arrivals.len()).sum();
        let vanished = counted.lost + counted.overflowed + counted.too_long;
        assert_eq!(counted.frames, 100, "seed {seed}");
        assert_eq!(counted.passed, arrived as u64, "seed {seed}");
        // A second copy may overflow, too, and is then not counted as one.
        let twice = counted.passed + vanished - counted.frames;
        assert!(twice >= counted.duplicated, "seed {seed}");
        let constant = match &rule.delay {
            Some(Delay {
                jitter: Some(Jitter::Normal { .. }),
                ..
            })
            | None => 0.0,
            Some(delay) => delay.microseconds,
        };
        for (sent, bytes, arrivals) in &all {
            let serialized = match &rule.bandwidth {
                Some(bandwidth) if bandwidth.burst_bytes == 0 => f64::from(*bytes) * 8e9 / bandwidth.bits_per_second,
                _ => 0.0,
            };
            for arrival in arrivals {
                let took = (arrival.at - sent) as f64;
                assert!(took + 1.0 >= constant * 1000.0 + serialized, "seed {seed}: {took}");
                assert!(
                    arrival.turned_bit.is_none_or(|bit| bit < u64::from(bytes - 14) * 8),
                    "seed {seed}"
                );
            }
        }
    });
}

#[test]
fn order_is_kept_unless_the_rule_breaks_it() {
    each_case(|draws, seed| {
        let mut rule = random_rule(draws);
        rule.reorder = None;
        if let Some(delay) = &mut rule.delay {
            delay.overtakes = false;
        }
        let mut stage = Stage::new(seed);
        stage.set_rule(rule);
        let times: Vec<_> = traffic(&mut stage, draws, 100)
            .into_iter()
            .flat_map(|(.., arrivals)| arrivals)
            .map(|arrival| arrival.at)
            .collect();
        assert!(times.is_sorted(), "seed {seed}");
    });
}

#[test]
fn no_window_holds_more_than_the_bucket_and_the_rate_allow() {
    each_case(|draws, seed| {
        let bandwidth = Bandwidth {
            bits_per_second: 1e6 + draws.unit() * 1e8,
            burst_bytes: (draws.bits() % 20_000) as u32,
            queue_bytes: Some((draws.bits() % 100_000) as u32),
        };
        let (rate, burst) = (bandwidth.bits_per_second, f64::from(bandwidth.burst_bytes));
        let longest_queue = bandwidth.queue_bytes();
        let mut stage = Stage::new(seed);
        stage.set_rule(Rule {
            bandwidth: Some(bandwidth),
            ..Rule::default()
        });
        let left: Vec<_> = traffic(&mut stage, draws, 100)
            .into_iter()
            .flat_map(|(sent, bytes, arrivals)| arrivals.into_iter().map(move |arrival| (sent, arrival.at, bytes)))
            .collect();
        for (first, (_, begin, head)) in left.iter().enumerate() {
            let mut bytes = 0.0;
            for (_, end, length) in &left[first..] {
                bytes += f64::from(*length);
                // The first of the window may have been sent before it.
                let allowed = burst + f64::from(*head) + (end - begin) as f64 * rate / 8e9 + 1.0;
                assert!(bytes <= allowed, "seed {seed}: {bytes} bytes, allowed {allowed}");
            }
        }
        for (sent, at, bytes) in &left {
            let waited = (at - sent) as f64 * rate / 8e9;
            assert!(
                waited <= longest_queue.max(f64::from(*bytes)) + 1.0,
                "seed {seed}: {waited}"
            );
        }
    });
}

#[test]
fn what_befalls_a_frame_depends_on_seed_and_number_alone() {
    each_case(|draws, seed| {
        let mut rule = random_rule(draws);
        // A queue depends on when frames come.
        rule.bandwidth = None;
        let fates = |gap: Nanoseconds| -> Vec<Vec<Option<u64>>> {
            let mut stage = Stage::new(seed);
            stage.set_rule(rule.clone());
            (0..50)
                .map(|number| {
                    let mut arrivals = Vec::new();
                    stage.pass(number * gap, frame(100), &mut arrivals);
                    arrivals.into_iter().map(|arrival| arrival.turned_bit).collect()
                })
                .collect()
        };
        assert_eq!(fates(10), fates(1_000_000), "seed {seed}");
    });
}

#[test]
fn losses_are_as_frequent_and_as_long_as_asked() {
    let mut stage = Stage::new(5);
    stage.set_rule(Rule {
        loss: Some(Loss::Bursts {
            begins: 0.01,
            ends: 0.2,
            outside: 0.0,
            within: 1.0,
        }),
        ..Rule::default()
    });
    let (mut runs, mut lost, mut before) = (0u32, 0u32, false);
    for number in 0..400_000 {
        let mut arrivals = Vec::new();
        stage.pass(number, frame(100), &mut arrivals);
        let gone = arrivals.is_empty();
        lost += u32::from(gone);
        runs += u32::from(gone && !before);
        before = gone;
    }
    // In the long run 0.01 / 0.21 are lost, in bursts of 5.
    let share = f64::from(lost) / 400_000.0;
    assert!((share - 0.01 / 0.21).abs() < 0.005, "{share}");
    let length = f64::from(lost) / f64::from(runs);
    assert!((length - 5.0).abs() < 0.3, "{length}");
}

#[test]
fn jitter_has_the_distribution_that_was_asked_for() {
    for (jitter, mean, deviation) in [
        (Jitter::Uniform { microseconds: 600.0 }, 1300.0, 600.0 / 12f64.sqrt()),
        (Jitter::Normal { microseconds: 100.0 }, 1000.0, 100.0),
        (
            Jitter::Pareto {
                microseconds: 100.0,
                shape: 5.0,
                at_most_microseconds: None,
            },
            1025.0,
            // The variance of Lomax's distribution.
            100.0 * (5.0f64 / (16.0 * 3.0)).sqrt(),
        ),
    ] {
        let mut stage = Stage::new(3);
        stage.set_rule(Rule {
            delay: Some(Delay {
                microseconds: 1000.0,
                jitter: Some(jitter.clone()),
                overtakes: true,
            }),
            ..Rule::default()
        });
        let times: Vec<f64> = (0..100_000u64)
            .flat_map(|number| {
                let mut arrivals = Vec::new();
                stage.pass(number, frame(100), &mut arrivals);
                arrivals
                    .into_iter()
                    .map(move |arrival| (arrival.at - number) as f64 / 1000.0)
            })
            .collect();
        let found = times.iter().sum::<f64>() / times.len() as f64;
        let variance = times.iter().map(|time| (time - found).powi(2)).sum::<f64>() / times.len() as f64;
        assert!((found - mean).abs() < 6.0 * deviation / 316.0, "{jitter:?}: {found}");
        assert!(
            (variance.sqrt() / deviation - 1.0).abs() < 0.1,
            "{jitter:?}: {}",
            variance.sqrt()
        );
    }
}

#[test]
fn impossible_rules_say_which_number_is_wrong() {
    for (text, words) in [
        (r#"{"delay":{"microseconds":-1}}"#, "delay.microseconds"),
        (r#"{"delay":{"microseconds":1e12}}"#, "delay.microseconds"),
        (
            r#"{"delay":{"microseconds":1,"jitter":{"distribution":"pareto","microseconds":1,"shape":1}}}"#,
            "shape",
        ),
        (r#"{"bandwidth":{"bitsPerSecond":0}}"#, "cut the path"),
        (r#"{"loss":{"model":"random","probability":2}}"#, "loss.probability"),
        (r#"{"loss":{"model":"bursts","begins":0.1,"ends":-1}}"#, "loss.ends"),
        (r#"{"duplicate":{"probability":1.1}}"#, "duplicate.probability"),
        (
            r#"{"reorder":{"probability":0.1,"microseconds":-5}}"#,
            "reorder.microseconds",
        ),
    ] {
        let rule: Rule = serde_json::from_str(text).unwrap();
        let problem = rule.problem().unwrap_or_default();
        assert!(problem.contains(words), "{text}: {problem}");
    }
    for text in [r#"{"latency":1}"#, r#"{"loss":{"model":"none"}}"#, r#"{"delay":{}}"#] {
        assert!(serde_json::from_str::<Rule>(text).is_err(), "{text}");
    }
}
