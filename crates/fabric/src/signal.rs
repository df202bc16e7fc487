//! State that all channels of one mesh share: the failure that ends every wait, and who waits.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::data_channel::DataChannel;
use crate::error::FabricError;
use crate::peer::{MemberIndex, Peer};
use crate::socket_channel::SocketChannel;
use crate::waker::Waker;

/// Locks a mutex whose data stays consistent even if another thread panicked while it held the lock.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static THREAD_WAKER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// The waker of the calling thread, made at its first wait.
pub(crate) fn thread_waker() -> io::Result<Waker> {
    THREAD_WAKER.with_borrow_mut(|slot| match slot {
        Some(waker) => Ok(waker.clone()),
        None => {
            let waker = Waker::new()?;
            *slot = Some(waker.clone());
            Ok(waker)
        }
    })
}

/// Joins the fate of several channels: when one peer of a mesh is lost, every wait on any of them ends.
#[derive(Debug, Default)]
pub struct Signal {
    failed: AtomicBool,
    failure: Mutex<Option<FabricError>>,
    waiter_count: AtomicUsize,
    waiters: Mutex<Vec<Waker>>,
    channels: Mutex<Vec<Weak<SocketChannel>>>,
    /// Channels of this mesh whose socket did not take everything yet.
    pub(crate) unflushed_channels: AtomicUsize,
    monitor: OnceLock<Waker>,
    host_stalled: AtomicBool,
}

impl Signal {
    /// Shared state for a mesh or for one channel on its own.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// The failure that ended everything, if there was one.
    pub fn failure(&self) -> Option<FabricError> {
        if !self.failed.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.failure).clone()
    }

    /// Ends every wait with this error. The first failure is the cause of those that follow, so only it is kept.
    pub(crate) fn fail(&self, error: FabricError) {
        {
            let mut failure = lock(&self.failure);
            if failure.is_none() {
                *failure = Some(error);
            }
            self.failed.store(true, Ordering::Release);
        }
        self.wake_all();
    }

    pub(crate) fn register(&self, waker: &Waker) {
        lock(&self.waiters).push(waker.clone());
        self.waiter_count.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn unregister(&self, waker: &Waker) {
        let mut waiters = lock(&self.waiters);
        if let Some(position) = waiters.iter().position(|other| other.same(waker)) {
            waiters.swap_remove(position);
            self.waiter_count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Tells threads that sleep in `poll` to look again: something arrived that they may wait for, or has to be sent.
    pub(crate) fn wake_waiters(&self) {
        if self.waiter_count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let own = THREAD_WAKER.with_borrow(Clone::clone);
        for waker in lock(&self.waiters).iter() {
            if own.as_ref().is_none_or(|own| !own.same(waker)) {
                waker.wake();
            }
        }
    }

    fn wake_all(&self) {
        self.wake_waiters();
        self.wake_monitor();
    }

    pub(crate) fn wake_monitor(&self) {
        if let Some(waker) = self.monitor.get() {
            waker.wake();
        }
    }

    pub(crate) fn set_monitor(&self, waker: Waker) {
        let _ = self.monitor.set(waker);
    }

    pub(crate) fn add_channel(&self, channel: &Arc<SocketChannel>) {
        lock(&self.channels).push(Arc::downgrade(channel));
    }

    /// The peer at this place, if one of the mesh's own sockets leads there.
    pub(crate) fn find_peer(&self, index: MemberIndex) -> Option<Peer> {
        let channels = lock(&self.channels);
        channels
            .iter()
            .filter_map(Weak::upgrade)
            .map(|channel| channel.peer().clone())
            .find(|peer| peer.index == index)
    }

    pub(crate) fn unflushed(&self) -> Vec<Arc<SocketChannel>> {
        if self.unflushed_channels.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        lock(&self.channels)
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|channel| channel.is_unflushed())
            .collect()
    }

    pub(crate) fn set_host_stalled(&self, stalled: bool) {
        self.host_stalled.store(stalled, Ordering::Relaxed);
    }

    pub(crate) fn is_host_stalled(&self) -> bool {
        self.host_stalled.load(Ordering::Relaxed)
    }
}
