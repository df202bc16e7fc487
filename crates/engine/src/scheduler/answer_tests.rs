//! What the scheduler tells of the answers that it works on.

use super::tests::{apply, request, scheduler};
use super::*;

#[test]
fn answers_are_told_from_the_queue_to_their_end() {
    let mut scheduler = scheduler(1, 8);
    let states = |scheduler: &Scheduler| -> Vec<(u64, AnswerState, u32)> {
        let answers = scheduler.answers().into_iter();
        answers
            .map(|one| (one.request_id, one.state, one.generated_tokens))
            .collect()
    };
    assert_eq!(states(&scheduler), []);
    let now = Instant::now();
    scheduler.submit(request(1, 2, 2), now);
    scheduler.submit(request(2, 2, 2), now);
    let patient = EngineRequest {
        queue_timeout_milliseconds: Some(5),
        ..request(3, 2, 2)
    };
    scheduler.submit(patient, now);
    let (waiting, reading, answering) = (AnswerState::Waiting, AnswerState::Reading, AnswerState::Answering);
    assert_eq!(
        states(&scheduler),
        [
            (1, waiting.clone(), 0),
            (2, waiting.clone(), 0),
            (3, waiting.clone(), 0)
        ]
    );
    let mut revisions = vec![scheduler.revision()];
    let step = scheduler.plan(now).unwrap();
    assert_eq!(states(&scheduler)[0], (1, reading, 0));
    revisions.push(scheduler.revision());
    apply(&mut scheduler, &step, 9);
    assert_eq!(states(&scheduler)[0], (1, answering, 1));
    let step = scheduler.plan(now).unwrap();
    // A token more changes no list.
    assert_eq!(scheduler.revision(), revisions[1]);
    apply(&mut scheduler, &step, 9);
    revisions.push(scheduler.revision());
    scheduler.expire(now + Duration::from_millis(5));
    revisions.push(scheduler.revision());
    scheduler.cancel(2, None, now + Duration::from_millis(9));
    revisions.push(scheduler.revision());
    assert!(
        revisions.is_sorted_by(|earlier, later| earlier < later),
        "{revisions:?}"
    );
    let ends = [
        (1, AnswerState::Finished(FinishReason::Length), 2),
        (3, AnswerState::Failed("REQUEST_QUEUE_TIMEOUT"), 0),
        (2, AnswerState::Finished(FinishReason::Cancelled), 0),
    ];
    assert_eq!(states(&scheduler), ends);
    let answers = scheduler.answers();
    assert!(answers[0].first_token.is_some() && answers[0].ended.is_some());
    assert_eq!(
        (answers[1].started, answers[1].ended),
        (None, Some(now + Duration::from_millis(5)))
    );
}
