//! The tests that the documents name.

use crate::{sh, sh::Failure, summary::Count, tree};
use std::{collections::BTreeSet, fs, path::Path};

/// What says what is proved by which test.
const DOCUMENTS: [&str; 2] = ["docs/behaviour.md", "docs/oauth-client.md"];

/// That each test which a document points at is there.
pub fn named_tests() -> Result<Count, Failure> {
    println!("• tests that documents name");
    let files = sh::said("git", &["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]);
    let files = files.ok_or("the files of the tree can't be listed")?;
    let mut there = BTreeSet::new();
    for file in files.lines() {
        // One that was removed and not committed yet.
        let Ok(text) = fs::read_to_string(tree::root().join(file)) else { continue };
        there.extend(functions(&text).map(str::to_owned));
    }
    let mut count = Count::PASS;
    for document in DOCUMENTS {
        let text = fs::read_to_string(tree::root().join(Path::new(document)))?;
        for name in tests_in(&text).filter(|name| !there.contains(*name)) {
            println!("  {document} names {name}, which is nowhere");
            count = Count::FAIL;
        }
    }
    Ok(count)
}

/// The names of functions in a source.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("fn ").skip(1);
    after.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
}

/// The names of tests in a document: what stands as code and reads as a sentence, with or without its module.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split('`').skip(1).step_by(2);
    let names = code.map(|code| code.rsplit("::").next().unwrap_or(code));
    names.filter(|name| {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        name.matches('_').count() >= 3 && name.chars().all(word)
    })
}

#[cfg(test)]
mod tests {
    use super::{functions, tests_in};

    #[test]
    fn the_tests_of_a_document_are_told_from_its_other_code() {
        let text = "Given `bellhop serve`, then. relay: `a_call_that_waits`, `faults::kills::it_comes_back_well` `in_a`";
        assert_eq!(tests_in(text).collect::<Vec<_>>(), ["a_call_that_waits", "it_comes_back_well"]);
    }

    #[test]
    fn functions_are_found_by_their_names() {
        let text = "pub fn one() {}\n#[tokio::test]\nasync fn two_three<T>() {}";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["one", "two_three"]);
    }
}
