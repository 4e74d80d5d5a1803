use model::ShortName;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// The most characters of a name at the endpoint of all services: apps put their own prefix before it and cut
/// at 60 to 64.
pub(crate) const MAX: usize = 40;

/// Names for what several services offer, one for each `(service, name)`, in their order.
///
/// Different things get different names, also for an app that ignores case or takes `-` and `.` for `_`. A name
/// depends on what else is there only where names would be equal; then every one of the equals gets a hash of
/// its own service and name, so that none silently takes over a name that meant another.
pub(crate) fn public(items: &[(&ShortName, &str)]) -> Vec<String> {
    let plain: Vec<String> = items.iter().map(|(service, name)| joined(service, name)).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    for name in &plain {
        *count.entry(folded(name)).or_default() += 1;
    }
    let mut taken: HashSet<String> =
        count.iter().filter(|(_, n)| **n == 1).map(|(name, _)| name.clone()).collect();
    let mut out = Vec::with_capacity(items.len());
    for ((service, name), plain) in items.iter().zip(plain) {
        let shared = count.get(&folded(&plain)).is_some_and(|n| *n > 1);
        if !shared && plain.len() <= MAX {
            out.push(plain);
            continue;
        }
        // 24 bits tell apart what chance brings together; the number tells apart what malice does.
        let hashed = (0u32..).map(|n| with_hash(&plain, service, name, n)).find(|h| taken.insert(folded(h)));
        out.push(hashed.unwrap_or(plain));
    }
    out
}

/// `<service>_<name>`, without a second prefix where the service gave its names one.
fn joined(service: &ShortName, name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    let prefix = format!("{service}_");
    if clean.len() > prefix.len() && folded(&clean).starts_with(&prefix) {
        format!("{prefix}{}", clean.get(prefix.len()..).unwrap_or_default())
    } else {
        prefix + &clean
    }
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '.'], "_")
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
        assert_eq!(names(&[("mittwald", "app_list")]), ["mittwald_app_list"]);
        assert_eq!(names(&[("mittwald", "mittwald_app_list")]), ["mittwald_app_list"]);
        assert_eq!(names(&[("wp", "Wp-posts/list")]), ["wp_posts_list"]);
        assert_eq!(names(&[("wp", "wp_")]), ["wp_wp_"]);
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
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{name}");
        }
    }
}
