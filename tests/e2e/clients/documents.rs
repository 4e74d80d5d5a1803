//! docs/behaviour.md and the tests name each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All Rust files below a folder.
fn rust(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && !matches!(&*name, "node_modules" | "target" | "gen") {
            rust(&path, into);
        } else if name.ends_with(".rs") {
            into.push(path);
        }
    }
}

/// The names of all functions in a text.
fn functions(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split_once("fn ")?.1.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The lines of behaviour.md by their names, such as `services.3`.
fn lines() -> BTreeMap<String, String> {
    let mut area = String::new();
    let mut found = BTreeMap::new();
    for line in fs::read_to_string(root().join("docs/behaviour.md")).unwrap().lines() {
        if let Some(title) = line.strip_prefix("## ") {
            area = title.split(':').next().unwrap().to_owned();
        } else if let Some((number, text)) = line.split_once(". ")
            && number.parse::<u32>().is_ok()
        {
            assert_eq!(
                found.insert(format!("{area}.{number}"), text.to_owned()),
                None,
                "{area}.{number} twice"
            );
        }
    }
    found
}

/// The names of tests in a line.
fn tests(line: &str) -> Vec<&str> {
    let words = line.split('`').skip(1).step_by(2);
    words.filter(|word| word.matches('_').count() >= 3 && !word.contains(' ')).collect()
}

#[test]
fn every_line_of_behaviour_ends_with_tests_that_are_there() {
    let mut files = Vec::new();
    for folder in ["crates", "tests/e2e", "src-tauri"] {
        rust(&root().join(folder), &mut files);
    }
    let there: BTreeSet<String> =
        files.iter().flat_map(|file| functions(&fs::read_to_string(file).unwrap())).collect();
    for (name, line) in lines() {
        assert!(line.ends_with('`') && !tests(&line).is_empty(), "{name} names no test");
        for test in tests(&line) {
            let (module, function) = test.rsplit_once("::").unwrap_or(("", test));
            let found = if module.is_empty() {
                there.contains(function)
            } else {
                let file = root().join("tests/e2e").join(module.replace("::", "/")).with_extension("rs");
                fs::read_to_string(file).is_ok_and(|text| functions(&text).contains(function))
            };
            assert!(found, "{name} names {test}, which is not there");
        }
    }
}

#[test]
fn every_test_that_proves_a_line_is_named_by_it() {
    let lines = lines();
    let mut files = Vec::new();
    rust(&root().join("tests/e2e"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut proves = Vec::new();
        for line in text.lines() {
            if let Some(names) = line.strip_prefix("/// Proves ") {
                let names = names.split_once(':').map_or(names, |(names, _)| names).trim_end_matches('.');
                let names = names.replace(" and ", ", ");
                proves = names.split(", ").map(str::to_owned).collect();
            } else if let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) {
                let function = rest.split('(').next().unwrap();
                for name in proves.drain(..) {
                    let line =
                        lines.get(&name).unwrap_or_else(|| panic!("{function} proves {name}: there is none"));
                    assert!(line.contains(function), "{name} doesn't name {function}");
                }
            }
        }
    }
}
