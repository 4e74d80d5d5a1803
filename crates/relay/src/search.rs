//! Ranked search over tools: BM25 over the words of names, titles and descriptions.

use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};
use std::collections::HashSet;

/// What is searched, as of one atlas. A place is a number: the entry's in its section.
pub(crate) struct Index {
    embedder: Embedder<u32, Spaces>,
    scorer: Scorer<usize>,
}

/// What is known of one tool.
pub(crate) struct Document<'a> {
    /// What apps call it, with its service in front.
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    /// The service's title.
    pub(crate) service: &'a str,
}

/// How often the words of a name and of a title count, beside those of a description.
const WEIGHTS: (usize, usize) = (3, 2);

/// How much of a description is searched, in characters. What matters stands in front.
const DESCRIPTION: usize = 2000;

/// How much of a query counts.
const QUERY: usize = 400;

impl Index {
    pub(crate) fn new<'a>(documents: impl Iterator<Item = Document<'a>>) -> Self {
        let texts: Vec<String> = documents.map(|d| d.text()).collect();
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        let embedder = EmbedderBuilder::with_tokenizer_and_fit_to_corpus(Spaces, &all).build();
        let mut scorer = Scorer::new();
        for (place, text) in all.iter().enumerate() {
            scorer.upsert(&place, embedder.embed(text));
        }
        Self { embedder, scorer }
    }

    /// The places of what fits, the best first; what fits equally well in its own order.
    pub(crate) fn find(&self, query: &str) -> Vec<usize> {
        let query: String = query.chars().take(QUERY).collect();
        let mut known = HashSet::new();
        let mut once = words(&query);
        once.retain(|word| known.insert(word.clone()));
        let mut found = self.scorer.matches(&self.embedder.embed(&once.join(" ")));
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        found.into_iter().map(|f| f.id).collect()
    }
}

impl Document<'_> {
    /// Its words, those of the name and the title more often.
    fn text(&self) -> String {
        let description: String = self.description.chars().take(DESCRIPTION).collect();
        let parts =
            [(self.name, WEIGHTS.0), (self.title, WEIGHTS.1), (self.service, 1), (description.as_str(), 1)];
        let all: Vec<String> = parts
            .into_iter()
            .flat_map(|(text, times)| {
                let words = words(text);
                std::iter::repeat_n(words, times).flatten()
            })
            .collect();
        all.join(" ")
    }
}

/// Words that were found already.
struct Spaces;

impl Tokenizer for Spaces {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split(' ').filter(|w| !w.is_empty()).map(ToOwned::to_owned).collect()
    }
}

/// Words that say nothing, in English and German.
const SILENT: [&str; 52] = [
    "a", "an", "and", "are", "as", "at", "by", "can", "for", "from", "i", "in", "is", "it", "of", "on", "or",
    "that", "the", "this", "to", "with", "you", "aus", "bei", "das", "dem", "den", "der", "des", "die", "du",
    "ein", "eine", "einem", "einen", "einer", "eines", "es", "fur", "ich", "im", "ist", "mit", "oder", "sie",
    "und", "vom", "von", "zu", "zum", "zur",
];

/// A text's words without their endings: `appList`, `app_list` and “Lists the apps” have the same two.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|r| !r.is_empty()) {
        let parts = humps(run);
        if parts.len() > 1 {
            // Also as one word, for names such as WordPress.
            out.push(folded(run));
        }
        out.extend(parts.into_iter().map(folded));
    }
    out.retain(|w| !SILENT.contains(&w.as_str()));
    for word in &mut out {
        *word = stem(word);
    }
    out
}

/// `mailBoxList` in three, `HTMLPage` in two.
fn humps(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for (n, &(at, c)) in chars.iter().enumerate().skip(1) {
        let before = chars.get(n - 1).is_some_and(|(_, b)| !b.is_uppercase());
        let after = chars.get(n + 1).is_some_and(|(_, a)| a.is_lowercase());
        if c.is_uppercase() && (before || after) {
            parts.extend(run.get(start..at));
            start = at;
        }
    }
    parts.extend(run.get(start..));
    parts
}

/// In small letters and without marks: German plurals often differ by one.
fn folded(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'á' | 'à' | 'â' | 'ã' | 'å' => out.push('a'),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'í' | 'ì' | 'î' | 'ï' => out.push('i'),
            'ö' | 'ó' | 'ò' | 'ô' | 'õ' => out.push('o'),
            'ü' | 'ú' | 'ù' | 'û' => out.push('u'),
            'ß' => out.push_str("ss"),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            other => out.push(other),
        }
    }
    out
}

/// Endings of English and German that tell no two words apart, the longest first, and how much has to stay.
const ENDINGS: [(&str, usize); 11] = [
    ("ungen", 4),
    ("ung", 4),
    ("ing", 4),
    ("ern", 4),
    ("ers", 4),
    ("er", 4),
    ("en", 4),
    ("es", 4),
    ("ed", 4),
    ("e", 4),
    ("s", 3),
];

/// A word without its ending, roughly: enough that what is searched and what is found have the same.
fn stem(word: &str) -> String {
    if let Some(head) = word.strip_suffix("ies").filter(|h| h.chars().count() >= 3) {
        return format!("{head}y");
    }
    let fits = |(ending, least): &(&str, usize)| {
        let head = word.strip_suffix(ending)?;
        let is_plural = *ending != "s" || !head.ends_with(['s', 'u', 'i']);
        (head.chars().count() >= *least && is_plural).then_some(head)
    };
    ENDINGS.iter().find_map(fits).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words_however_they_are_written() {
        for name in
            ["app_list", "appList", "AppList", "app-list", "app.list", "Lists apps", "listing the App"]
        {
            let mut got = words(name);
            got.retain(|w| w != "applist");
            got.sort();
            assert_eq!(got, ["app", "list"], "{name}");
        }
        assert_eq!(words("HTMLPage"), ["htmlpag", "html", "page"]);
        assert!(
            words("WordPress").contains(&"wordpres".to_owned())
                || words("WordPress").contains(&"wordpress".to_owned())
        );
        assert_eq!(words("WordPress")[0], words("wordpress")[0]);
    }

    #[test]
    fn a_word_and_its_other_forms_are_one() {
        for forms in [
            &["create", "creates", "created", "creating"][..],
            &["database", "databases"],
            &["query", "queries"],
            &["server", "servers"],
            &["address", "addresses"],
            &["site", "sites"],
            &["user", "users"],
            &["Projekt", "Projekte", "Projekten", "Projekts"],
            &["Datenbank", "Datenbanken"],
            &["Beitrag", "Beiträge", "Beiträgen"],
            &["Sicherung", "Sicherungen"],
            &["Seite", "Seiten"],
        ] {
            let stems: HashSet<_> = forms.iter().flat_map(|f| words(f)).collect();
            assert_eq!(stems.len(), 1, "{forms:?} {stems:?}");
        }
        let apart: HashSet<_> = ["user", "use", "post", "page", "list", "string", "status"]
            .iter()
            .flat_map(|w| words(w))
            .collect();
        assert_eq!(apart.len(), 7);
    }
}
