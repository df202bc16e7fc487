//! Objects that foreign code holds by number. A number and not an address: a wrong one is then an error and not a crash.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One series for all kinds of objects: no number ever means two things.
static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);

/// The open objects of one kind.
pub struct Numbered<T> {
    objects: Mutex<BTreeMap<u64, Arc<T>>>,
}

impl<T> Numbered<T> {
    /// No objects.
    pub const fn new() -> Self {
        Self {
            objects: Mutex::new(BTreeMap::new()),
        }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<T>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an object and returns its number, which is never 0.
    pub fn insert(&self, object: Arc<T>) -> u64 {
        let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
        self.objects().insert(number, object);
        number
    }

    /// The object with a number, while it is open.
    pub fn get(&self, number: u64) -> Option<Arc<T>> {
        self.objects().get(&number).cloned()
    }

    /// Takes an object out.
    pub fn remove(&self, number: u64) -> Option<Arc<T>> {
        self.objects().remove(&number)
    }

    /// Takes all objects out, the oldest first.
    pub fn take_all(&self) -> Vec<Arc<T>> {
        std::mem::take(&mut *self.objects()).into_values().collect()
    }
}
