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
        once.extend(pairs(&query));
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

/// Words in pairs: who writes “back up” may mean `backup`.
fn pairs(text: &str) -> Vec<String> {
    let runs: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|r| !r.is_empty()).collect();
    runs.iter().zip(runs.iter().skip(1)).map(|(one, two)| stem(&folded(&format!("{one}{two}")))).collect()
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

    /// Tools as a hoster and a blog have them, in English and German.
    const TOOLS: &[(&str, &str, &str)] = &[
        ("mittwald_project_list", "", "List all projects that the user has access to."),
        ("mittwald_project_create", "", "Create a new project on a server."),
        ("mittwald_project_delete", "", "Delete a project and everything in it."),
        ("mittwald_project_backup_create", "", "Create a backup of a project."),
        ("mittwald_project_backup_list", "", "List the backups of a project."),
        (
            "mittwald_backup_schedule_create",
            "",
            "Create a new backup schedule, with cron syntax and a time to live.",
        ),
        ("mittwald_app_list", "", "List the apps that are installed in a project."),
        ("mittwald_app_install_wordpress", "", "Install WordPress in a project."),
        ("mittwald_app_uninstall", "", "Uninstall an app and delete its files."),
        ("mittwald_app_get", "", "Get details of an app installation."),
        ("mittwald_database_mysql_list", "", "List MySQL databases of a project."),
        ("mittwald_database_mysql_create", "", "Create a new MySQL database, with a user."),
        ("mittwald_database_mysql_user_create", "", "Create a user for a MySQL database."),
        ("mittwald_database_redis_list", "", "List Redis databases of a project."),
        ("mittwald_domain_list", "", "List the domains of a project."),
        ("mittwald_domain_dnszone_update", "", "Update the records of a DNS zone."),
        ("mittwald_domain_virtualhost_create", "", "Create a virtual host that serves a domain."),
        ("mittwald_mail_address_create", "", "Create a mail address with a mailbox, or one that forwards."),
        ("mittwald_mail_address_list", "", "List the mail addresses of a project."),
        ("mittwald_mail_deliverybox_create", "", "Create a delivery box."),
        ("mittwald_cronjob_create", "", "Create a cron job that runs a command at given times."),
        (
            "mittwald_cronjob_execution_list",
            "",
            "List the executions of a cron job, with exit code and duration.",
        ),
        ("mittwald_certificate_request", "", "Request a TLS certificate for a domain."),
        ("mittwald_sftp_user_create", "", "Create an SFTP user with access to a folder."),
        ("mittwald_ssh_user_create", "", "Create an SSH user."),
        ("mittwald_conversation_reply", "", "Reply in a conversation with the support."),
        ("blog_postsSearch", "Search posts", "Search and filter posts of the site, with pagination."),
        ("blog_addPost", "Add a post", "Add a new post, as a draft unless its status says otherwise."),
        ("blog_updatePost", "Update a post", "Change title, text or status of a post."),
        ("blog_deletePost", "Delete a post", "Move a post to the trash."),
        ("blog_uploadMedia", "Upload media", "Upload an image or another file to the media library."),
        ("blog_listMedia", "List media", "List media items of the library."),
        ("blog_usersSearch", "Search users", "Search users of the site by name, mail or role."),
        ("blog_getSiteInfo", "Site info", "Name, address, theme, plugins and versions of the site."),
        (
            "laden_artikel_suchen",
            "Artikel suchen",
            "Sucht Artikel im Laden nach Name, Nummer oder Kategorie.",
        ),
        (
            "laden_bestellungen_auflisten",
            "Bestellungen auflisten",
            "Listet die Bestellungen eines Zeitraums auf.",
        ),
        (
            "laden_bestellung_stornieren",
            "Bestellung stornieren",
            "Storniert eine Bestellung und erstattet den Betrag.",
        ),
        (
            "laden_gutschein_anlegen",
            "Gutschein anlegen",
            "Legt einen Gutschein mit Betrag und Ablaufdatum an.",
        ),
        ("laden_kunden_suchen", "Kunden suchen", "Sucht Kundinnen und Kunden nach Name oder E-Mail-Adresse."),
        ("laden_lagerbestand_andern", "Lagerbestand ändern", "Ändert den Lagerbestand eines Artikels."),
    ];

    fn index() -> Index {
        Index::new(TOOLS.iter().map(|(name, title, description)| Document {
            name,
            title,
            description,
            service: "",
        }))
    }

    #[test]
    fn the_tool_that_is_meant_is_among_the_first_that_are_found() {
        let index = index();
        for (query, wanted, within) in [
            ("list projects", "mittwald_project_list", 1),
            ("which projects are there", "mittwald_project_list", 3),
            ("install wordpress", "mittwald_app_install_wordpress", 1),
            ("installed apps", "mittwald_app_list", 3),
            ("create a mysql database", "mittwald_database_mysql_create", 1),
            ("new database user", "mittwald_database_mysql_user_create", 2),
            ("dns records", "mittwald_domain_dnszone_update", 1),
            ("back up a project", "mittwald_project_backup_create", 3),
            ("creating backups", "mittwald_project_backup_create", 3),
            ("mail addresses", "mittwald_mail_address_list", 2),
            ("forward mails", "mittwald_mail_address_create", 1),
            ("TLS certificates for my domains", "mittwald_certificate_request", 1),
            ("sftp", "mittwald_sftp_user_create", 1),
            ("cronjob executions", "mittwald_cronjob_execution_list", 1),
            ("write a blog post", "blog_addPost", 5),
            ("publish a new post", "blog_addPost", 2),
            ("upload an image", "blog_uploadMedia", 1),
            ("search posts", "blog_postsSearch", 1),
            ("postsSearch", "blog_postsSearch", 1),
            ("which plugins does the site have", "blog_getSiteInfo", 1),
            ("Bestellungen auflisten", "laden_bestellungen_auflisten", 1),
            ("eine Bestellung stornieren", "laden_bestellung_stornieren", 1),
            ("Kunde suchen", "laden_kunden_suchen", 1),
            ("Gutscheine", "laden_gutschein_anlegen", 1),
            ("den Lagerbestand der Artikel ändern", "laden_lagerbestand_andern", 1),
            ("blog_deletePost", "blog_deletePost", 1),
        ] {
            let found = index.find(query);
            let names: Vec<_> =
                found.iter().filter_map(|at| TOOLS.get(*at)).map(|t| t.0).take(within).collect();
            assert!(names.contains(&wanted), "{query}: {names:?}");
        }
    }

    #[test]
    fn what_is_found_is_the_same_every_time_and_nothing_is_found_by_nothing() {
        let first = index().find("create a user");
        for _ in 0..20 {
            assert_eq!(index().find("create a user"), first);
        }
        for nothing in ["", "the of und", "…", "xyzzy"] {
            assert!(index().find(nothing).is_empty(), "{nothing}");
        }
        assert!(Index::new([].into_iter()).find("anything").is_empty());
        // However long a query is, it ends.
        assert!(!index().find(&"project ".repeat(100_000)).is_empty());
    }
}
