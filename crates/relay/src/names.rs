use model::ShortName;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// The most characters of a name at the endpoint of all services: apps put their own prefix before it and cut
/// at 60 to 64.
pub(crate) const MAX: usize = 40;

/// The tools of Bellhop's own at that endpoint.
pub(crate) const FIND_TOOLS: &str = "find_tools";
pub(crate) const CALL_TOOL: &str = "call_tool";

/// What no service's tool is called.
const OURS: [&str; 2] = [FIND_TOOLS, CALL_TOOL];

/// Names for what several services offer, one for each `(service, name)`, in their order.
///
/// Different things get different names, also for an app that ignores case. A name depends on what else is there
/// only where names would be equal; then every one of the equals gets a hash of its own service and name, so that
/// none takes over a name that meant another, not even one that was chosen to.
pub(crate) fn public(items: &[(&ShortName, &str)]) -> Vec<String> {
    let name = |at: usize, level: u32| items.get(at).map(|(s, n)| at_level(s, n, level)).unwrap_or_default();
    let mut names: Vec<(u32, String)> = (0..items.len()).map(|at| (0, name(at, 0))).collect();
    let mut burnt: HashSet<String> = OURS.iter().map(|ours| (*ours).to_owned()).collect();
    // Two names are seldom equal, two hashes hardly ever, and so on; the bound is for what is listed twice.
    for _ in 0..16 {
        let mut count: HashMap<String, usize> = HashMap::new();
        for (_, name) in &names {
            *count.entry(folded(name)).or_default() += 1;
        }
        burnt.extend(count.into_iter().filter(|(_, n)| *n > 1).map(|(name, _)| name));
        let mut changed = false;
        for (at, (level, own)) in
            names.iter_mut().enumerate().filter(|(_, (_, n))| burnt.contains(&folded(n)))
        {
            *level += 1;
            *own = name(at, *level);
            changed = true;
        }
        if !changed {
            break;
        }
    }
    names.into_iter().map(|(_, name)| name).collect()
}

/// A name, the plain one first, then with one hash after the other.
fn at_level(service: &ShortName, name: &str, level: u32) -> String {
    let plain = joined(service, name);
    if level == 0 && plain.len() <= MAX && !ends_like_a_hash(&plain) {
        return plain;
    }
    with_hash(&plain, service, name, level)
}

/// No plain name is one that another could have with its hash.
fn ends_like_a_hash(name: &str) -> bool {
    name.rsplit_once('_')
        .is_some_and(|(_, tail)| tail.len() == 6 && tail.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `<service>_<name>`, without a second prefix where the service gave its names one. Of characters only those that
/// no app replaces by others.
fn joined(service: &ShortName, name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let rest = without_service(service, &clean).unwrap_or(&clean);
    format!("{service}_{rest}")
}

/// What follows the service in a name that begins with it, in any usual spelling: `my_site_posts`, `my-site-posts`,
/// `mysite.posts`, `mySitePosts`. `None` where it is no word of its own, as in `mysites`, or all of the name.
fn without_service<'n>(service: &ShortName, name: &'n str) -> Option<&'n str> {
    let mut rest = name;
    for wanted in service.as_str().chars() {
        rest = if wanted == '_' {
            rest.strip_prefix('_').unwrap_or(rest)
        } else {
            rest.strip_prefix(|c: char| c.eq_ignore_ascii_case(&wanted))?
        };
    }
    if let Some(rest) = rest.strip_prefix('_') {
        return Some(rest).filter(|r| !r.is_empty());
    }
    let before = name.get(..name.len() - rest.len())?.chars().next_back()?;
    let mut after = rest.chars();
    let begins_a_word = after.next()?.is_ascii_uppercase()
        && (!before.is_ascii_uppercase() || after.next().is_some_and(|c| c.is_ascii_lowercase()));
    begins_a_word.then_some(rest)
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn with_hash(plain: &str, service: &ShortName, name: &str, n: u32) -> String {
    let digest = Sha256::digest(format!("{service}\n{name}\n{n}"));
    let tail: String = digest.iter().take(3).map(|b| format!("{b:02x}")).collect();
    let head: String = plain.chars().take(MAX - tail.len() - 1).collect();
    format!("{head}_{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(items: &[(&str, &str)]) -> Vec<String> {
        let services: Vec<ShortName> = items.iter().map(|(s, _)| s.parse().unwrap()).collect();
        public(&services.iter().zip(items).map(|(s, (_, n))| (s, *n)).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_gets_its_service_in_front_once() {
        for name in
            ["app_list", "mittwald_app_list", "mittwald-app-list", "mittwald.app/list", "Mittwald app list"]
        {
            assert_eq!(names(&[("mittwald", name)]), ["mittwald_app_list"], "{name}");
        }
        for name in ["mittwaldAppList", "MittwaldAppList", "MITTWALDAppList"] {
            assert_eq!(names(&[("mittwald", name)]), ["mittwald_AppList"], "{name}");
        }
        for name in ["my_site_posts", "my-site-posts", "mysite.posts", "mySite_posts"] {
            assert_eq!(names(&[("my_site", name)]), ["my_site_posts"], "{name}");
        }
        assert_eq!(names(&[("wp", "WPPostsList")]), ["wp_PostsList"]);
        assert_eq!(names(&[("wp2", "wp2PostsList")]), ["wp2_PostsList"]);
    }

    #[test]
    fn a_name_that_only_begins_like_its_service_keeps_all_of_itself() {
        for (service, name, want) in [
            ("wp", "wp_", "wp_wp_"),
            ("wp", "wp", "wp_wp"),
            ("wp", "wp2_posts", "wp_wp2_posts"),
            ("wp", "wpposts", "wp_wpposts"),
            ("wp", "w_p_posts", "wp_w_p_posts"),
            ("app", "apply", "app_apply"),
            ("app", "APPLY", "app_APPLY"),
        ] {
            assert_eq!(names(&[(service, name)]), [want]);
        }
    }

    /// How apps show a tool to their model, and from how many characters on they cut it: the table of limits.
    #[test]
    fn the_longest_name_is_whole_in_every_app() {
        let name = "x".repeat(MAX);
        // Bellhop's own entry in an app's config, and the longest that a service's own may have.
        for server in ["bellhop", "bellhop_xxxx"] {
            let shown = [
                ("Claude Code", format!("mcp__{server}__{name}"), 128),
                ("Codex", format!("mcp__{server}__{name}"), 128),
                ("Copilot CLI", format!("{server}-{name}"), 64),
                ("Gemini", format!("mcp_{server}_{name}"), 63),
                ("VS Code", format!("mcp_{server}_{name}"), 64),
                ("Cursor", format!("{server}{name}"), 60),
                ("Continue", name.clone(), 64),
            ];
            for (app, shown, limit) in shown {
                assert!(shown.len() <= limit, "{app}: {shown}");
            }
            assert!(format!("mcp_{server}_").len() <= 18, "VS Code's prefix");
        }
    }

    #[test]
    fn no_service_takes_a_name_that_means_bellhops_own_tools() {
        let got = names(&[("find", "tools"), ("call", "Tool"), ("find", "tool")]);
        assert!(got[0].starts_with("find_tools_") && got[1].starts_with("call_Tool_"), "{got:?}");
        assert_eq!(got[2], "find_tool");
    }

    use proptest::prelude::*;

    /// Services and names that are near to each other: the hard case.
    fn near() -> impl Strategy<Value = Vec<(ShortName, String)>> {
        let service = "[a-b]{1,2}(_[a-b]{1,2})?".prop_map(|s| s.parse::<ShortName>().unwrap());
        let name = prop_oneof![
            "[abAB_.-]{0,6}",
            "(ab|a_b|Ab|A)[_./ -]?[abAB]{0,4}",
            "[aA_-]{30,60}",
            any::<String>()
        ];
        prop::collection::btree_set((service, name), 0..40)
            .prop_map(|s| s.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
    }

    fn named(items: &[(ShortName, String)]) -> Vec<String> {
        public(&items.iter().map(|(s, n)| (s, n.as_str())).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn whatever_services_offer_names_are_told_apart_and_fit(items in near()) {
            let got = named(&items);
            let distinct: HashSet<_> = got.iter().map(|n| folded(n)).collect();
            prop_assert_eq!(distinct.len(), items.len());
            for (name, (service, own)) in got.iter().zip(&items) {
                let prefix = format!("{service}_");
                prop_assert!(name.len() <= MAX && name.starts_with(&prefix));
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
                prop_assert!(!OURS.contains(&folded(name).as_str()));
                if !own.chars().any(|c| c.is_ascii_uppercase()) {
                    prop_assert!(!name.chars().any(|c| c.is_ascii_uppercase()), "{} {}", own, name);
                }
            }
        }

        #[test]
        fn a_name_depends_neither_on_order_nor_on_what_has_another_name(items in near(), more in near()) {
            let got: HashMap<_, _> = items.iter().cloned().zip(named(&items)).collect();
            let mut turned = items.clone();
            turned.reverse();
            for (item, name) in turned.iter().zip(named(&turned)) {
                prop_assert_eq!(&got[item], &name);
            }
            // What comes may make a name ambiguous, and then it means nothing any more; it never means another.
            let all: Vec<_> = items.iter().chain(more.iter().filter(|m| !got.contains_key(*m))).cloned().collect();
            for (item, name) in all.iter().zip(named(&all)) {
                let meant = got.iter().find(|(_, n)| folded(n) == folded(&name)).map(|(i, _)| i);
                prop_assert!(meant.is_none_or(|meant| meant == item), "{:?} took {:?}", item, meant);
            }
        }
    }

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        let long = "a".repeat(60);
        let longer = "a".repeat(61);
        let got = names(&[("x", &long), ("x", &longer)]);
        assert_ne!(got[0], got[1]);
        assert!(got.iter().all(|n| n.len() <= MAX));
        assert_eq!(names(&[("x", &longer)])[0], got[1], "the name does not depend on its neighbours");
    }

    #[test]
    fn names_that_would_be_equal_all_get_a_hash_and_others_none() {
        let got = names(&[("a", "b_c"), ("a_b", "c"), ("a", "B-C"), ("a", "d")]);
        let distinct: HashSet<_> = got.iter().map(|n| folded(n)).collect();
        assert_eq!(distinct.len(), 4);
        assert!(got[..3].iter().all(|n| n.len() == "a_b_c".len() + 7), "{got:?}");
        assert_eq!(got[3], "a_d");
    }

    #[test]
    fn every_name_is_what_apps_accept_and_unique() {
        let odd = ["", "ä", "ö", "a b", "a.b", "a-b", "A_B", "日本語", "x\n", &"y".repeat(200)];
        let items: Vec<_> = odd.iter().map(|n| ("svc", *n)).collect();
        let got = names(&items);
        let distinct: HashSet<_> = got.iter().map(|n| folded(n)).collect();
        assert_eq!(distinct.len(), odd.len());
        for name in got {
            assert!(name.len() <= MAX && name.starts_with("svc_"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
        }
    }
}
