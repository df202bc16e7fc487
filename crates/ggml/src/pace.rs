//! How threads wait from one graph to the next.

use std::time::Duration;

/// How long ggml's threads spin for at most when they do: a level of polling is 131,072 pause instructions, 1 to 3 ms.
/// (Its default of 50 levels would keep a processor busy for a tenth of a second after every step.)
const LONGEST_SPIN: Duration = Duration::from_millis(3);

/// So many graphs in a row must have come at another pace.
const CHANGE_AFTER: u32 = 4;

/// Whether threads that wait for the next graph spin before they sleep.
///
/// They do where graphs follow closely, after an exchange with other members or a drawn token: then they need not be
/// woken for each. A stage of a pipeline waits for all other stages, however; there spinning helps nobody, and takes the
/// processor from the next stage where that is on the same machine: with two threads each, three stages of
/// Llama-3.2-1B's shape took 28.4 ms for a token, and take 23.7.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    sleeps_at_once: bool,
    contrary: u32,
}

impl Pace {
    /// Takes in how long after the last graph the next one came; whether the threads are to wait in the other way now.
    pub(crate) fn observe(&mut self, gap: Duration) -> bool {
        if (gap > LONGEST_SPIN) == self.sleeps_at_once {
            self.contrary = 0;
            return false;
        }
        self.contrary += 1;
        if self.contrary < CHANGE_AFTER {
            return false;
        }
        *self = Self {
            sleeps_at_once: !self.sleeps_at_once,
            contrary: 0,
        };
        true
    }

    /// ggml's level of polling, from 0 to 100.
    pub(crate) fn poll_level(self) -> u32 {
        u32::from(!self.sleeps_at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_micros(200);
    const LATE: Duration = Duration::from_millis(15);

    fn changes(pace: &mut Pace, gaps: &[Duration]) -> usize {
        gaps.iter().filter(|gap| pace.observe(**gap)).count()
    }

    #[test]
    fn threads_spin_until_graphs_have_come_late_several_times_in_a_row() {
        let mut pace = Pace::default();
        assert_eq!(pace.poll_level(), 1);
        assert_eq!(changes(&mut pace, &[LATE; 3]), 0);
        assert_eq!(pace.poll_level(), 1);
        assert_eq!(changes(&mut pace, &[LATE; 1]), 1);
        assert_eq!(pace.poll_level(), 0);
        assert_eq!(changes(&mut pace, &[LATE; 100]), 0);
    }

    #[test]
    fn a_pause_between_two_requests_changes_nothing() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            assert_eq!(changes(&mut pace, &[LATE, LATE, LATE, SOON]), 0);
        }
    }

    #[test]
    fn threads_spin_again_once_graphs_follow_closely() {
        let mut pace = Pace::default();
        changes(&mut pace, &[LATE; 4]);
        assert_eq!(changes(&mut pace, &[SOON, SOON, SOON, LATE, SOON, SOON, SOON]), 0);
        assert_eq!(changes(&mut pace, &[SOON; 1]), 1);
        assert_eq!(pace.poll_level(), 1);
    }
}
