//! The answers that a head works on, and those that ended lately, for whoever looks on while it works.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::event::FinishReason;

/// Answers that are listed in each of their states: waiting, running, ended. Counters tell how many there are.
const LISTED: usize = 64;
/// While nothing begins or ends, the picture is no older than this.
const REFRESH: Duration = Duration::from_millis(50);

/// Where an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AnswerState {
    /// It has no slot yet.
    Waiting,
    /// Its prompt is computed.
    Reading,
    /// It has its first token.
    Answering,
    Finished(FinishReason),
    /// With the code of the error.
    Failed(&'static str),
}

/// One choice of a request, with the moments of its life.
#[derive(Debug, Clone)]
pub(crate) struct AnswerProgress {
    pub(crate) request_id: u64,
    pub(crate) choice: u32,
    pub(crate) state: AnswerState,
    pub(crate) prompt_tokens: u32,
    pub(crate) generated_tokens: u32,
    pub(crate) submitted: Instant,
    /// Of its first step.
    pub(crate) started: Option<Instant>,
    pub(crate) first_token: Option<Instant>,
    pub(crate) ended: Option<Instant>,
}

/// As `AnswerProgress` in `core/src/spec/engine.ts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerReport {
    request_id: u64,
    choice: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    prompt_tokens: u32,
    generated_tokens: u32,
    queue_microseconds: u64,
    prefill_microseconds: u64,
    decode_microseconds: u64,
    submitted_microseconds_ago: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_microseconds_ago: Option<u64>,
}

impl AnswerProgress {
    fn report(&self, now: Instant) -> AnswerReport {
        let (state, code) = match &self.state {
            AnswerState::Waiting => ("waiting", None),
            AnswerState::Reading => ("reading", None),
            AnswerState::Answering => ("answering", None),
            AnswerState::Finished(FinishReason::Stop) => ("stop", None),
            AnswerState::Finished(FinishReason::Length) => ("length", None),
            AnswerState::Finished(FinishReason::Cancelled) => ("cancelled", None),
            AnswerState::Failed(code) => ("failed", Some(*code)),
        };
        let end = self.ended.unwrap_or(now);
        AnswerReport {
            request_id: self.request_id,
            choice: self.choice,
            state,
            code,
            prompt_tokens: self.prompt_tokens,
            generated_tokens: self.generated_tokens,
            queue_microseconds: microseconds(self.submitted, self.started.unwrap_or(end)),
            prefill_microseconds: self
                .started
                .map_or(0, |started| microseconds(started, self.first_token.unwrap_or(end))),
            decode_microseconds: self.first_token.map_or(0, |first| microseconds(first, end)),
            submitted_microseconds_ago: microseconds(self.submitted, now),
            ended_microseconds_ago: self.ended.map(|ended| microseconds(ended, now)),
        }
    }
}

fn microseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

/// Adds an answer that ended; the oldest is forgotten.
pub(crate) fn remember(ended: &mut VecDeque<AnswerProgress>, answer: AnswerProgress) {
    if ended.len() == LISTED {
        ended.pop_front();
    }
    ended.push_back(answer);
}

/// What of a long list is shown.
pub(crate) fn listed<Item>(items: impl Iterator<Item = Item>) -> impl Iterator<Item = Item> {
    items.take(LISTED)
}

/// The picture that the head's thread draws and others look at.
#[derive(Debug, Default)]
pub(crate) struct AnswerBoard {
    answers: Mutex<Vec<AnswerProgress>>,
}

impl AnswerBoard {
    fn answers(&self) -> MutexGuard<'_, Vec<AnswerProgress>> {
        // A list is replaced as a whole: it cannot be left half-way.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list as JSON: those that ended, the oldest first, then those that run, then those that wait.
    pub(crate) fn to_json(&self, now: Instant) -> String {
        let reports: Vec<AnswerReport> = self.answers().iter().map(|answer| answer.report(now)).collect();
        // Plain numbers and fixed words: writing them to a string cannot fail.
        serde_json::to_string(&reports).unwrap_or_default()
    }
}

/// When the picture is drawn anew: at once when an answer began or ended, else now and then.
#[derive(Debug, Default)]
pub(crate) struct AnswerPainter {
    drawn: Option<(u64, Instant)>,
}

impl AnswerPainter {
    /// `revision` counts beginnings and ends.
    pub(crate) fn draw(
        &mut self,
        board: &AnswerBoard,
        revision: u64,
        now: Instant,
        answers: impl FnOnce() -> Vec<AnswerProgress>,
    ) {
        let is_current = |(drawn, at): (u64, Instant)| drawn == revision && now.saturating_duration_since(at) < REFRESH;
        if self.drawn.is_some_and(is_current) {
            return;
        }
        self.drawn = Some((revision, now));
        *board.answers() = answers();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(state: AnswerState, begin: Instant) -> AnswerProgress {
        let after = |milliseconds| Some(begin + Duration::from_millis(milliseconds));
        AnswerProgress {
            request_id: 7,
            choice: 1,
            state,
            prompt_tokens: 5,
            generated_tokens: 3,
            submitted: begin,
            started: after(10),
            first_token: after(30),
            ended: after(60),
        }
    }

    #[test]
    fn an_answer_that_ended_keeps_its_times() {
        let begin = Instant::now();
        let board = AnswerBoard::default();
        let mut painter = AnswerPainter::default();
        painter.draw(&board, 1, begin, || {
            vec![answer(AnswerState::Finished(FinishReason::Stop), begin)]
        });
        assert_eq!(
            board.to_json(begin + Duration::from_millis(100)),
            r#"[{"requestId":7,"choice":1,"state":"stop","promptTokens":5,"generatedTokens":3,"queueMicroseconds":10000,"prefillMicroseconds":20000,"decodeMicroseconds":30000,"submittedMicrosecondsAgo":100000,"endedMicrosecondsAgo":40000}]"#
        );
    }

    #[test]
    fn what_has_not_happened_yet_takes_until_now() {
        let begin = Instant::now();
        let waiting = AnswerProgress {
            started: None,
            first_token: None,
            ended: None,
            generated_tokens: 0,
            ..answer(AnswerState::Waiting, begin)
        };
        let report = waiting.report(begin + Duration::from_millis(25));
        assert_eq!(
            (
                report.queue_microseconds,
                report.prefill_microseconds,
                report.decode_microseconds
            ),
            (25_000, 0, 0)
        );
        let failed = AnswerProgress {
            ended: Some(begin + Duration::from_millis(5)),
            state: AnswerState::Failed("REQUEST_QUEUE_TIMEOUT"),
            ..waiting
        };
        let report = failed.report(begin + Duration::from_millis(25));
        assert_eq!((report.state, report.code), ("failed", Some("REQUEST_QUEUE_TIMEOUT")));
        assert_eq!(report.queue_microseconds, 5000);
    }

    #[test]
    fn the_picture_is_drawn_when_something_begins_or_ends_and_now_and_then() {
        let begin = Instant::now();
        let board = AnswerBoard::default();
        let mut painter = AnswerPainter::default();
        let mut drawn = Vec::new();
        for (revision, milliseconds) in [(0, 0), (0, 10), (1, 11), (1, 60), (1, 62), (2, 63)] {
            painter.draw(&board, revision, begin + Duration::from_millis(milliseconds), || {
                drawn.push(milliseconds);
                Vec::new()
            });
        }
        assert_eq!(drawn, [0, 11, 62, 63]);
    }

    #[test]
    fn of_many_that_ended_the_last_are_kept() {
        let begin = Instant::now();
        let mut ended = VecDeque::new();
        for request_id in 0..LISTED as u64 + 3 {
            let one = AnswerProgress {
                request_id,
                ..answer(AnswerState::Failed("INTERNAL"), begin)
            };
            remember(&mut ended, one);
        }
        assert_eq!(ended.len(), LISTED);
        assert_eq!(ended.front().map(|one| one.request_id), Some(3));
        assert_eq!(listed(0..1000).count(), LISTED);
    }
}
