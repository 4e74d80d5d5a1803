use axum::http::{HeaderMap, header};

/// The languages of the pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    /// The first of the browser's languages that there is; English otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("");
        // Browsers list the languages in the order of preference and give the weights in the same order.
        asked
            .split(',')
            .filter_map(|part| match part.trim().get(..2)?.to_ascii_lowercase().as_str() {
                "de" => Some(Self::German),
                "en" => Some(Self::English),
                _ => None,
            })
            .next()
            .unwrap_or(Self::English)
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

/// Every text of the pages. `{}` is the app's name.
pub(crate) struct Words {
    pub code: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub address: &'static str,
    pub question: &'static str,
    pub signed_in: &'static str,
    pub may: &'static str,
    pub may_notes: &'static str,
    pub may_account: &'static str,
    pub back_to: &'static str,
    pub practice: &'static str,
    pub deny: &'static str,
    pub allow: &'static str,
    pub broken: &'static str,
    pub broken_next: &'static str,
    pub over: &'static str,
    pub over_next: &'static str,
    pub missing: &'static str,
    pub missing_next: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    title: "Playground",
    about: "A small practice service on this computer, to try Bellhop without an account. It keeps a few notes.",
    address: "Its address for apps:",
    question: "{} wants to use your practice notes",
    signed_in: "You are signed in as",
    may: "It may",
    may_notes: "read and write your notes here",
    may_account: "see your name and address, both made up",
    back_to: "Afterwards you go back to",
    practice: "This is for practice: there is no password, and nothing leaves this computer.",
    deny: "Deny",
    allow: "Allow",
    broken: "This link doesn't work",
    broken_next: "Go back to the app and start again from there.",
    over: "This question is over",
    over_next: "It was answered already, or waited too long. Go back to the app and start again from there.",
    missing: "There is nothing here",
    missing_next: "Check the address.",
};

const GERMAN: Words = Words {
    code: "de",
    title: "Spielwiese",
    about: "Ein kleiner Übungsdienst auf diesem Computer, um Bellhop ohne Konto auszuprobieren. Er hält ein paar Notizen bereit.",
    address: "Seine Adresse für Apps:",
    question: "{} möchte deine Übungsnotizen nutzen",
    signed_in: "Du bist angemeldet als",
    may: "Erlaubt wird",
    may_notes: "deine Notizen hier zu lesen und zu schreiben",
    may_account: "deinen Namen und deine Adresse zu sehen, beide erfunden",
    back_to: "Danach geht es zurück zu",
    practice: "Das ist eine Übung: Es gibt kein Passwort, und nichts verlässt diesen Computer.",
    deny: "Ablehnen",
    allow: "Erlauben",
    broken: "Dieser Link funktioniert nicht",
    broken_next: "Geh zurück zur App und fang dort noch einmal an.",
    over: "Diese Frage ist vorbei",
    over_next: "Sie wurde schon beantwortet oder hat zu lange gewartet. Geh zurück zur App und fang dort noch einmal an.",
    missing: "Hier ist nichts",
    missing_next: "Prüfe die Adresse.",
};
