//! What the tray says. The window has its own words, in `ui/src/words`.

use crate::x;

/// A language that Bellhop speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English, for everybody whose language is missing.
    English,
    /// German.
    German,
}

/// The words of one language; a `{}` stands for a name or a time.
#[derive(Debug)]
pub(crate) struct Words {
    /// While the engine starts.
    pub starting: &'static str,
    /// Nothing is to be done.
    pub well: &'static str,
    /// Something is.
    pub needs_you: &'static str,
    /// Calls don't pass, until the person resumes.
    pub paused: &'static str,
    /// Calls don't pass, until a time.
    pub paused_until: &'static str,
    /// An app that was used just now.
    pub active: &'static str,
    /// An app wants to be let in.
    pub asks: &'static str,
    /// An app that was let in wants to do more.
    pub asks_more: &'static str,
    /// A service's sign-in has ended.
    pub sign_in: &'static str,
    /// The keys are locked.
    pub unlock: &'static str,
    /// Nobody has said yet where the keys are kept.
    pub choose_keys: &'static str,
    /// Something else is wrong; the window says what.
    pub look: &'static str,
    /// The menu of pauses.
    pub pause: &'static str,
    /// A quarter of an hour.
    pub minutes_15: &'static str,
    /// Until 6:00 of the next day.
    pub until_tomorrow: &'static str,
    /// Until the person resumes.
    pub until_resume: &'static str,
    /// End the pause.
    pub resume: &'static str,
    /// Open the window.
    pub open: &'static str,
    /// End Bellhop.
    pub quit: &'static str,
    /// The consent window's title.
    pub consent_title: &'static str,
}

static ENGLISH: Words = Words {
    starting: "Starting…",
    well: "● All well",
    needs_you: "⚠ Bellhop needs you",
    paused: "❙❙ Paused",
    paused_until: "❙❙ Paused until {}",
    active: "{} · active now",
    asks: "{} wants to connect…",
    asks_more: "{} wants to do more…",
    sign_in: "Sign in to {}…",
    unlock: "Unlock…",
    choose_keys: "Choose where the keys are kept…",
    look: "Have a look…",
    pause: "Pause",
    minutes_15: "15 minutes",
    until_tomorrow: "until tomorrow",
    until_resume: "until I resume",
    resume: "Resume",
    open: "Open Bellhop",
    quit: "Quit",
    consent_title: "May this app in? – Bellhop",
};

static GERMAN: Words = Words {
    starting: "Startet …",
    well: "● Alles gut",
    needs_you: "⚠ Bellhop braucht dich",
    paused: "❙❙ Pausiert",
    paused_until: "❙❙ Pausiert bis {}",
    active: "{} · gerade aktiv",
    asks: "{} möchte sich verbinden …",
    asks_more: "{} möchte mehr dürfen …",
    sign_in: "Bei {} anmelden …",
    unlock: "Entsperren …",
    choose_keys: "Wählen, wo die Schlüssel liegen …",
    look: "Nachsehen …",
    pause: "Pause",
    minutes_15: "15 Minuten",
    until_tomorrow: "bis morgen",
    until_resume: "bis ich fortsetze",
    resume: "Fortsetzen",
    open: "Bellhop öffnen",
    quit: "Beenden",
    consent_title: "Darf diese App herein? – Bellhop",
};

impl Language {
    /// Its words.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }

    /// Its tag (RFC 5646).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// From a locale's name such as `de_AT.UTF-8` or `de-AT`.
    fn named(locale: &str) -> Self {
        if locale.split(['_', '-', '.', '@']).next() == Some("de") { Self::German } else { Self::English }
    }
}

/// The person's language.
pub(crate) fn language() -> Language {
    x::locale().map_or(Language::English, |locale| Language::named(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn german_is_spoken_to_germans_austrians_and_swiss_and_english_to_all_others() {
        for locale in ["de", "de_DE.UTF-8", "de-AT", "de_CH@euro"] {
            assert_eq!(Language::named(locale), Language::German, "{locale}");
        }
        for locale in ["en_US.UTF-8", "C", "", "den_CA", "fr"] {
            assert_eq!(Language::named(locale), Language::English, "{locale}");
        }
    }
}
