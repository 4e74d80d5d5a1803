//! `cargo xtask fuzz`: libFuzzer on what reads foreign bytes. Plain cargo builds it, with the stable toolchain:
//! what `cargo fuzz` adds beyond that is a sanitizer, which safe code has no use for.

use crate::{
    packages,
    sh::{self, Failure},
    tree,
};
use std::{fs, process::ExitCode, time::Duration};

/// Where fuzz targets stand.
pub(crate) const FOLDERS: [&str; 2] = ["crates/protocol/fuzz", "crates/signin/fuzz"];

/// What counts which edges of the code an input took, and what it compared: the compiler's own passes.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// `cargo xtask fuzz [TARGET]… [--seconds N]`
pub fn fuzz(args: &[&str]) -> Result<ExitCode, Failure> {
    let all = targets()?;
    let asked = Asked::parse(args, &all)?;
    packages::need(&[packages::COMPILER])?;
    let mut found = 0;
    let mut built: Option<(&str, std::path::PathBuf)> = None;
    for target in &asked.targets {
        let folder = folder_of(target)?;
        let programs = match built.take() {
            Some((of, programs)) if of == folder => programs,
            _ => build(folder)?,
        };
        println!("\n━━━ {target}, {} s ━━━", asked.time.as_secs());
        // New inputs go to the first folder; those that are kept in the tree are only read.
        let own = tree::own(&format!("fuzz/{target}"))?;
        let finds = own.join("finds");
        let corpus = own.join("corpus");
        fs::create_dir_all(&finds)?;
        fs::create_dir_all(&corpus)?;
        let mut run = sh::command(programs.join(target), &[]);
        run.arg(&corpus).arg(format!("{folder}/corpus/{target}"));
        run.arg(format!("-dict={folder}/dictionaries/{target}.dict"));
        run.arg(format!("-artifact_prefix={}/", finds.display()));
        run.arg(format!("-max_total_time={}", asked.time.as_secs()));
        run.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        if let Err(e) = sh::run(run) {
            println!("{e}\nthe input is in {}; docs/running.md tells what to do with it", finds.display());
            found += 1;
        }
        built = Some((folder, programs));
    }
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The targets, by their files: those of one folder together.
fn targets() -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let mut names = Vec::new();
        for entry in fs::read_dir(tree::root().join(folder).join("fuzz_targets"))? {
            names.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
        names.sort();
        all.append(&mut names);
    }
    Ok(all)
}

/// Where a target stands.
fn folder_of(target: &str) -> Result<&'static str, Failure> {
    let stands =
        |folder: &&str| tree::root().join(folder).join(format!("fuzz_targets/{target}.rs")).is_file();
    FOLDERS.into_iter().find(stands).ok_or_else(|| format!("{target} has no file").into())
}

/// Compile those of a folder; the folder of the programs.
fn build(folder: &str) -> Result<std::path::PathBuf, Failure> {
    let version = sh::said("rustc", &["-vV"]).ok_or("rustc does not run")?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    let target = tree::own("fuzz/build")?;
    // A target that is named keeps the flags away from build scripts and macros.
    let words = ["build", "--release", "--locked", "--target", host];
    let mut cargo = sh::command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), &words);
    cargo.args(["--manifest-path", &format!("{folder}/Cargo.toml")]).arg("--target-dir").arg(&target);
    cargo.env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    sh::run(cargo)?;
    Ok(target.join(host).join("release"))
}

/// What was asked for on the command line.
struct Asked {
    targets: Vec<String>,
    time: Duration,
}

impl Asked {
    fn parse(args: &[&str], all: &[String]) -> Result<Self, Failure> {
        let mut asked = Self { targets: Vec::new(), time: Duration::from_secs(60) };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--seconds" => {
                    let seconds = args.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                    asked.time = Duration::from_secs(seconds.ok_or("--seconds wants a number")?);
                }
                target if all.iter().any(|name| name == target) => asked.targets.push(target.to_owned()),
                other => {
                    return Err(format!("there is no target {other:?}; there are {}", all.join(", ")).into());
                }
            }
        }
        if asked.targets.is_empty() {
            asked.targets = all.to_vec();
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_targets_are_meant_unless_some_are_named() {
        let all = targets().unwrap();
        assert!(all.len() >= 7, "{all:?}");
        assert_eq!(Asked::parse(&[], &all).unwrap().targets, all);
        let asked = Asked::parse(&["stream", "--seconds", "7"], &all).unwrap();
        assert_eq!((asked.targets, asked.time), (vec!["stream".to_owned()], Duration::from_secs(7)));
        for wrong in [&["streams"][..], &["--seconds"], &["--seconds", "0"], &["--seconds", "x"]] {
            assert!(Asked::parse(wrong, &all).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_has_a_corpus_and_a_dictionary() {
        for target in targets().unwrap() {
            let folder = tree::root().join(folder_of(&target).unwrap());
            assert!(fs::read_dir(folder.join("corpus").join(&target)).unwrap().next().is_some(), "{target}");
            assert!(folder.join(format!("dictionaries/{target}.dict")).is_file(), "{target}");
        }
    }
}
