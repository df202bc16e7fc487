//! Waking a thread that waits in `poll` from another thread.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::{AsFd, BorrowedFd};

#[cfg(unix)]
type Pipe = std::os::unix::net::UnixStream;
#[cfg(windows)]
type Pipe = std::net::TcpStream;

/// Ends the wait of another thread, such as the head's wait for tokens when a new request has been submitted.
///
/// Wakes are not counted: any number of [`Waker::wake`] before the wait gives one [`crate::WaitOutcome::Woken`].
#[derive(Debug, Clone)]
pub struct Waker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pending: AtomicBool,
    sender: Pipe,
    receiver: Pipe,
}

impl Waker {
    /// A waker that nobody has woken.
    ///
    /// # Errors
    /// The operating system has no file handles left.
    pub fn new() -> io::Result<Self> {
        let (sender, receiver) = pipe()?;
        sender.set_nonblocking(true)?;
        receiver.set_nonblocking(true)?;
        Ok(Self {
            inner: Arc::new(Inner {
                pending: AtomicBool::new(false),
                sender,
                receiver,
            }),
        })
    }

    /// Ends the current or the next wait on this waker. Never blocks.
    pub fn wake(&self) {
        if !self.inner.pending.swap(true, Ordering::SeqCst) {
            // A full pipe is as good as a written byte: the receiver is readable.
            let _ = (&self.inner.sender).write(&[1]);
        }
    }

    /// Whether it was woken since the last call.
    pub fn take(&self) -> bool {
        if !self.inner.pending.load(Ordering::SeqCst) {
            return false;
        }
        self.drain();
        // Cleared only after draining: a wake in between leaves no byte behind but is reported by this very call.
        self.inner.pending.swap(false, Ordering::SeqCst)
    }

    /// Empties the pipe, also of a byte that arrived after its wake had already been taken.
    pub(crate) fn drain(&self) {
        let mut bytes = [0_u8; 16];
        while matches!((&self.inner.receiver).read(&mut bytes), Ok(count) if count == bytes.len()) {}
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.inner.pending.load(Ordering::SeqCst)
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn handle(&self) -> BorrowedFd<'_> {
        self.inner.receiver.as_fd()
    }
}

#[cfg(unix)]
fn pipe() -> io::Result<(Pipe, Pipe)> {
    Pipe::pair()
}

/// Windows has no socket pair: connect through the loopback and check that nobody else came in between.
#[cfg(windows)]
fn pipe() -> io::Result<(Pipe, Pipe)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let sender = Pipe::connect(listener.local_addr()?)?;
    loop {
        let (receiver, from) = listener.accept()?;
        if from == sender.local_addr()? {
            sender.set_nodelay(true)?;
            return Ok((sender, receiver));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_collapse_and_are_taken_once() {
        let waker = Waker::new().unwrap();
        assert!(!waker.take());
        waker.wake();
        waker.clone().wake();
        assert!(waker.is_pending());
        assert!(waker.take());
        assert!(!waker.take());
    }
}
