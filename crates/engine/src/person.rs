use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use model::{Clock, Problem, Random, Secret, Timestamp};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a window process has to redeem its secret. It does so as the first thing it does.
const WINDOW_SECRET_LIFE: Duration = Duration::from_secs(60);
/// Wrong PINs before the next one has to wait.
const FREE_TRIES: u32 = 5;
/// The fewest characters of a PIN.
const PIN_MIN: usize = 4;
/// The most characters of a PIN.
const PIN_MAX: usize = 64;

/// Knows whether a person is there: an AI app that can start programs is not one.
pub(crate) struct People {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Hashes of window secrets that were handed out and not redeemed, with the end of their time.
    windows: Mutex<HashMap<[u8; 32], Timestamp>>,
    /// Held while a PIN is looked at: many tries at a time would all pass before the first is counted.
    tries: tokio::sync::Mutex<Tries>,
}

#[derive(Default)]
struct Tries {
    wrong: u32,
    not_before: Option<Timestamp>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl People {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, windows: Mutex::default(), tries: tokio::sync::Mutex::default() }
    }

    /// A secret for one window process.
    pub(crate) fn window_secret(&self) -> String {
        let mut bytes = [0u8; 32];
        self.random.fill(&mut bytes);
        let secret = hex::encode(bytes);
        let now = self.clock.now();
        let mut windows = locked(&self.windows);
        windows.retain(|_, until| *until > now);
        windows.insert(Sha256::digest(&secret).into(), now + WINDOW_SECRET_LIFE);
        secret
    }

    /// Redeem a window's secret: true once, within its time.
    pub(crate) fn redeem(&self, secret: &str) -> bool {
        // Looking up the hash takes no longer for a better guess.
        let hash: [u8; 32] = Sha256::digest(secret).into();
        locked(&self.windows).remove(&hash).is_some_and(|until| until > self.clock.now())
    }

    /// The PHC string of a new PIN, to be kept.
    pub(crate) async fn hash_pin(&self, pin: Secret) -> Result<String, Problem> {
        let length = pin.expose().chars().count();
        if !(PIN_MIN..=PIN_MAX).contains(&length) {
            return Err(Problem::new(
                "engine.pin_length",
                format!("A PIN has {PIN_MIN} to {PIN_MAX} characters."),
                "Choose another one.",
            ));
        }
        let mut salt = [0u8; 16];
        self.random.fill(&mut salt);
        let failed = || Problem::new("engine.pin_failed", "The PIN could not be kept.", "Try again.");
        let salt = SaltString::encode_b64(&salt).map_err(|_| failed())?;
        tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password(pin.expose().as_bytes(), &salt).map(|h| h.to_string())
        })
        .await
        .map_err(|_| failed())?
        .map_err(|_| failed())
    }

    /// Whether this is the PIN that was kept as `phc`. After some wrong ones each further one has to wait longer.
    pub(crate) async fn check_pin(&self, pin: Secret, phc: String) -> Result<(), Problem> {
        let mut tries = self.tries.lock().await;
        let now = self.clock.now();
        if let Some(until) = tries.not_before
            && until > now
        {
            let seconds = until.since(now).as_secs() + 1;
            return Err(Problem::new(
                "engine.pin_wait",
                format!("Too many wrong PINs: the next try is possible in {seconds} seconds."),
                "Wait, then try again.",
            )
            .with("seconds", seconds));
        }
        let right = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&phc)
                .is_ok_and(|hash| Argon2::default().verify_password(pin.expose().as_bytes(), &hash).is_ok())
        })
        .await
        .unwrap_or(false);
        if right {
            *tries = Tries::default();
            return Ok(());
        }
        tries.wrong += 1;
        if tries.wrong >= FREE_TRIES {
            let doublings = (tries.wrong - FREE_TRIES).min(8);
            tries.not_before = Some(now + Duration::from_secs(15 << doublings));
        }
        Err(Problem::new("engine.pin_wrong", "That is not the PIN.", "Try again."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ManualClock, SystemRandom};

    fn people() -> (Arc<ManualClock>, People) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
        let people = People::new(Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRandom));
        (clock, people)
    }

    #[test]
    fn a_window_secret_is_good_once_and_for_a_minute() {
        let (clock, people) = people();
        let secret = people.window_secret();
        assert!(!people.redeem("something else"));
        assert!(people.redeem(&secret));
        assert!(!people.redeem(&secret), "a second redemption is refused");
        let late = people.window_secret();
        clock.advance(WINDOW_SECRET_LIFE);
        assert!(!people.redeem(&late));
    }

    #[tokio::test]
    async fn wrong_pins_make_the_next_try_wait_and_the_right_one_is_then_refused_too() {
        let (clock, people) = people();
        let phc = people.hash_pin(Secret::new("2468")).await.unwrap();
        assert!(!phc.contains("2468"));
        people.check_pin(Secret::new("2468"), phc.clone()).await.unwrap();
        for _ in 0..FREE_TRIES {
            let problem = people.check_pin(Secret::new("1111"), phc.clone()).await.unwrap_err();
            assert_eq!(problem.code, "engine.pin_wrong");
        }
        let problem = people.check_pin(Secret::new("2468"), phc.clone()).await.unwrap_err();
        assert_eq!(problem.code, "engine.pin_wait");
        clock.advance(Duration::from_secs(16));
        people.check_pin(Secret::new("2468"), phc).await.unwrap();
    }

    #[tokio::test]
    async fn wrong_pins_at_the_same_time_are_counted_too() {
        let (_, people) = people();
        let phc = people.hash_pin(Secret::new("2468")).await.unwrap();
        let tries = (0..20).map(|_| people.check_pin(Secret::new("1111"), phc.clone()));
        let problems = futures_util::future::join_all(tries).await;
        let looked_at = problems.into_iter().filter(|p| p.as_ref().unwrap_err().code == "engine.pin_wrong");
        assert_eq!(looked_at.count() as u32, FREE_TRIES);
    }

    #[tokio::test]
    async fn a_pin_that_is_too_short_is_refused_with_a_sentence() {
        let (_, people) = people();
        assert_eq!(people.hash_pin(Secret::new("123")).await.unwrap_err().code, "engine.pin_length");
    }
}
