use serde_json::value::RawValue;

/// How grave what a service logs is (RFC 5424), least grave first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Details for debugging.
    Debug,
    /// What happens.
    Info,
    /// Normal, and worth a note.
    Notice,
    /// May become a problem.
    Warning,
    /// Failed.
    Error,
    /// A part is down.
    Critical,
    /// Act at once.
    Alert,
    /// All is down.
    Emergency,
}

impl Level {
    const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    /// From JSON; `None` when it names no level.
    pub fn from_raw(raw: &RawValue) -> Option<Self> {
        let name: String = serde_json::from_str(raw.get()).ok()?;
        Self::ALL.into_iter().find(|l| l.as_str() == name)
    }
}
