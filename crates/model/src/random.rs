use std::sync::atomic::{AtomicU8, Ordering};

/// Randomness, passed in.
pub trait Random: Send + Sync + 'static {
    /// Fill `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system gives no randomness: no key or code made after that could be trusted.
    #[allow(clippy::expect_used, reason = "going on without randomness would make guessable secrets")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Predictable bytes, for tests: each call's bytes differ from the last call's.
#[derive(Debug, Default)]
pub struct FixedRandom(AtomicU8);

impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let start = self.0.fetch_add(1, Ordering::SeqCst);
        for (b, n) in bytes.iter_mut().zip(0u8..=255) {
            *b = start.wrapping_mul(31).wrapping_add(n);
        }
    }
}
