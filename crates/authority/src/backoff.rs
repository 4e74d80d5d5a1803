use crate::{AskError, Request, deadline::Deadline, redirect::Redirect};
use model::Clock;
use std::{collections::HashMap, time::Duration};

/// How long an app waits after its first denial; each further one doubles it.
const FIRST: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// A denial is forgotten this long after its wait ended.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many denied apps are remembered at most.
const MOST: usize = 1000;

/// Who was denied and may not ask again yet, so that nobody can be asked until they give in.
#[derive(Debug, Default)]
pub(crate) struct Backoff(HashMap<String, Denied>);

#[derive(Debug)]
struct Denied {
    times: u32,
    until: Deadline,
    forgotten: Deadline,
}

impl Backoff {
    /// By what an app is known again, although it may register anew each time: its name, the program behind it,
    /// and the redirect unless that is loopback, where many apps share one.
    pub(crate) fn keys(request: &Request, redirect: Option<&Redirect>) -> Vec<String> {
        let mut keys = vec![format!("name {}", request.app.to_lowercase())];
        if let Some(program) = &request.program {
            keys.push(format!("program {}", program.identity));
        }
        if let Some(redirect) = redirect
            && redirect.loopback_port().is_none()
        {
            keys.push(format!("redirect {}", redirect.as_str()));
        }
        keys
    }

    /// Whether it may ask.
    pub(crate) fn check(&self, keys: &[String], clock: &dyn Clock) -> Result<(), AskError> {
        let left = keys.iter().filter_map(|k| self.0.get(k)).map(|d| d.until.left(clock)).max();
        match left {
            Some(left) if !left.is_zero() => {
                Err(AskError::Denied { seconds: left.as_millis().div_ceil(1000) as u64 })
            }
            _ => Ok(()),
        }
    }

    /// It was denied.
    pub(crate) fn denied(&mut self, keys: Vec<String>, clock: &dyn Clock) {
        self.0.retain(|_, d| !d.forgotten.passed(clock));
        for key in keys {
            let times = self.0.get(&key).map_or(0, |d| d.times).saturating_add(1);
            let wait = FIRST.saturating_mul(1 << (times - 1).min(10)).min(LONGEST);
            if self.0.len() >= MOST && !self.0.contains_key(&key) {
                continue;
            }
            let until = Deadline::after(clock, wait);
            self.0.insert(key, Denied { times, until, forgotten: Deadline::after(clock, wait + MEMORY) });
        }
    }

    /// It was allowed: what was before counts no more.
    pub(crate) fn forgive(&mut self, keys: &[String]) {
        for key in keys {
            self.0.remove(key);
        }
    }
}
