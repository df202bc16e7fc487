//! The machine's read bandwidth, which bounds decoding.

use std::hint::black_box;
use std::time::Instant;

const BYTES: usize = 512 << 20;

/// Memory that is far larger than any cache.
pub struct Meter {
    words: Vec<u64>,
}

impl Meter {
    pub fn new() -> Self {
        // Written once, so that every page is there.
        Self {
            words: (0..BYTES / 8).map(|index| index as u64).collect(),
        }
    }

    /// Gigabytes per second that `threads` threads read together, the better of two passes.
    pub fn measure(&mut self, threads: usize) -> f64 {
        let part = self.words.len().div_ceil(threads.max(1));
        let pass = || {
            let started = Instant::now();
            std::thread::scope(|scope| {
                for words in self.words.chunks(part) {
                    scope.spawn(move || black_box(sum(words)));
                }
            });
            BYTES as f64 / started.elapsed().as_secs_f64() / 1e9
        };
        pass().max(pass())
    }
}

fn sum(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            return unsafe { sum_avx512(words) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { sum_avx2(words) };
        }
    }
    sum_plain(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn sum_avx512(words: &[u64]) -> u64 {
    sum_plain(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(words: &[u64]) -> u64 {
    sum_plain(words)
}

/// Independent lanes, so that the compiler uses the widest registers it may.
#[inline(always)]
fn sum_plain(words: &[u64]) -> u64 {
    let mut lanes = [0_u64; 64];
    for chunk in words.as_chunks::<64>().0 {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane = lane.wrapping_add(*word);
        }
    }
    lanes.iter().fold(0, |sum, lane| sum.wrapping_add(*lane))
}
