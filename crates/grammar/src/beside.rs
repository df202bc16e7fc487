//! Computes the mask of the next token on a thread of its own, while the step that needs it is computed.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use llguidance::Matcher;
use shoal_engine::{TokenMask, TokenSet};
use toktrie::SimpleVob;

/// Tokens that may come next; an error leaves none.
type Mask = Result<SimpleVob, String>;

/// A grammar at one place of an answer. The thread begins with the first use: a mask that is only made to check its
/// specification costs none, and ends when its mask is dropped.
pub struct MaskBeside {
    state: State,
}

enum State {
    /// Nobody has asked yet.
    Idle(Option<Box<Matcher>>),
    Running {
        tokens: Sender<u32>,
        masks: Receiver<Mask>,
        /// Masks that are being computed, but were not received: one for the beginning, and one for each token.
        pending: usize,
        last: Option<Mask>,
    },
}

impl fmt::Debug for MaskBeside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MaskBeside")
    }
}

impl MaskBeside {
    pub fn new(matcher: Matcher) -> Self {
        Self {
            state: State::Idle(Some(Box::new(matcher))),
        }
    }

    fn start(&mut self) {
        let State::Idle(matcher) = &mut self.state else { return };
        let Some(matcher) = matcher.take() else { return };
        let (tokens, received) = channel();
        let (sender, masks) = channel();
        let started = thread::Builder::new()
            .name("shoal-grammar".to_owned())
            .spawn(move || compute(matcher, &received, &sender));
        // Without a thread the channel is closed, and no token is allowed: the request fails by itself.
        drop(started);
        self.state = State::Running {
            tokens,
            masks,
            pending: 1,
            last: None,
        };
    }

    /// The mask of this place.
    fn mask(&mut self) -> Option<&Mask> {
        self.start();
        let State::Running {
            masks, pending, last, ..
        } = &mut self.state
        else {
            return None;
        };
        while *pending > 0 {
            *pending -= 1;
            *last = masks.recv().ok();
        }
        last.as_ref()
    }
}

impl TokenMask for MaskBeside {
    fn allow(&mut self, allowed: &mut TokenSet) {
        let Some(Ok(mask)) = self.mask() else { return };
        allowed.insert_words(mask.as_slice());
    }

    fn accept(&mut self, token: u32) {
        self.start();
        if let State::Running { tokens, pending, .. } = &mut self.state
            && tokens.send(token).is_ok()
        {
            *pending += 1;
        }
    }
}

/// Answers the beginning and each token with a mask, until nobody sends tokens any more.
fn compute(mut matcher: Box<Matcher>, tokens: &Receiver<u32>, masks: &Sender<Mask>) {
    let mut next = matcher.compute_mask_or_eos().map_err(|error| error.to_string());
    loop {
        if masks.send(next).is_err() {
            return;
        }
        let Ok(token) = tokens.recv() else { return };
        next = matcher
            .consume_token(token)
            .and_then(|()| matcher.compute_mask_or_eos())
            .map_err(|error| error.to_string());
    }
}
