//! `cargo xtask test`: the suite, stage by stage.

mod bundle;
mod lint;
mod named;

use crate::{
    packages,
    session::Home,
    sh::{self, Failure},
    summary::{Count, counted},
    tools, tree, ui,
};
use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// The stages, in the order they run.
const STAGES: [&str; 8] =
    ["lint", "unit", "conformance", "clients", "faults", "wordpress", "desktop", "bundle"];

/// `cargo xtask test [--only STAGE[,STAGE]…] [--long]`
pub fn test(args: &[&str]) -> Result<ExitCode, Failure> {
    let asked = Asked::parse(args)?;
    let before = changed_files();
    let suite = Instant::now();
    let mut total = Count::default();
    let mut lines = Vec::new();
    prepare(&asked)?;
    for stage in STAGES.into_iter().filter(|stage| asked.has(stage)) {
        println!("\n━━━ {stage} ━━━");
        let since = Instant::now();
        let count = run(stage, &asked).unwrap_or_else(|e| {
            println!("error: {e}");
            Count::FAIL
        });
        total += count;
        lines.push(format!("{stage:<12} {count}, {}", minutes(since.elapsed())));
    }
    if changed_files() != before {
        println!("error: the suite changed files of the tree; see `git status`");
        total += Count::FAIL;
    }
    println!("\n━━━ summary ━━━\n{}", lines.join("\n"));
    println!("{total}, in {}", minutes(suite.elapsed()));
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was asked for on the command line.
struct Asked {
    only: Vec<String>,
    long: bool,
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self, Failure> {
        let mut asked = Self { only: Vec::new(), long: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--long" => asked.long = true,
                "--only" => {
                    let stages = args.next().ok_or("--only wants a stage")?;
                    asked.only.extend(stages.split([',', '|']).map(str::to_owned));
                }
                other => return Err(format!("{other:?} is not understood; see `cargo xtask --help`").into()),
            }
        }
        if let Some(unknown) = asked.only.iter().find(|stage| !STAGES.contains(&stage.as_str())) {
            return Err(format!("there is no stage {unknown:?}; there are {}", STAGES.join(", ")).into());
        }
        Ok(asked)
    }

    fn has(&self, stage: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == stage)
    }
}

/// Have what the stages need: packages of the system, the built window.
fn prepare(asked: &Asked) -> Result<(), Failure> {
    let mut groups = vec![packages::COMPILER, packages::DESKTOP, packages::SESSION];
    if ["clients", "desktop", "lint", "unit"].iter().any(|stage| asked.has(stage)) {
        groups.extend([packages::DISPLAY, packages::BROWSER, packages::PYTHON]);
    }
    if asked.has("wordpress") {
        groups.extend([packages::WORDPRESS, packages::DISPLAY, packages::BROWSER]);
    }
    packages::need(&groups)?;
    ui::build()
}

fn run(stage: &str, asked: &Asked) -> Result<Count, Failure> {
    match stage {
        "lint" => lint::lint(),
        "unit" => unit(asked),
        "bundle" => bundle::bundle(),
        module => end_to_end(module, asked),
    }
}

/// The tests of every room, and those of the window.
fn unit(asked: &Asked) -> Result<Count, Failure> {
    // Some of the rooms' tests start the programs themselves.
    build_programs(&["bellhop-cli", "bellhop-playground"])?;
    let mut count = tests(&["--workspace", "--exclude", "bellhop-tests"], None, asked)?;
    let mut vitest = sh::command("npm", &["test", "--silent"]);
    vitest.current_dir(tree::root().join("ui")).env("CI", "1");
    count += of(&sh::tee(vitest)?);
    count += screens(asked)?;
    Ok(count)
}

/// Every screen of the window in a browser, looked at by axe.
fn screens(asked: &Asked) -> Result<Count, Failure> {
    if std::env::var_os("CHROMIUM").is_none() && !Path::new("/usr/bin/chromium").exists() {
        println!("screens: skipped, there is no /usr/bin/chromium; CHROMIUM names another one");
        return Ok(Count::SKIP);
    }
    let mut npm = sh::command("npm", &["run", "--silent", "screens"]);
    npm.current_dir(tree::root().join("ui"));
    if asked.long {
        npm.env("BELLHOP_LONG", "1");
    }
    Ok(of(&sh::tee(npm)?))
}

/// The end-to-end tests of a module of `tests/`.
fn end_to_end(module: &str, asked: &Asked) -> Result<Count, Failure> {
    let there = sh::said("grep", &["-rlE", &format!(r"\bmod {module}\b"), "tests", "--include=*.rs"]);
    if there.is_none() {
        println!("nothing yet");
        return Ok(Count::default());
    }
    // The suite of the specification knows nothing of a desktop, and is worth running while one works on the relay.
    let programs: &[&str] = match module {
        "conformance" => &["bellhop-cli"],
        _ => &["bellhop-cli", "bellhop-playground", "bellhop-desktop"],
    };
    build_programs(programs)?;
    let mut count = Count::default();
    if Path::new("tests/peers/package-lock.json").exists() {
        ui::install("tests/peers")?;
        if module == "conformance" {
            let mut npm = sh::command("npm", &["test", "--silent"]);
            npm.current_dir(tree::root().join("tests/peers"));
            count += check("the peers among themselves", npm);
        }
    }
    if module == "clients" && tools::peers().is_none() {
        count += Count::SKIP;
    }
    if module == "wordpress" && packages::wordpress()?.is_none() {
        println!("wordpress: skipped, this system has no package of it");
        count += Count::SKIP;
        return Ok(count);
    }
    if module == "wordpress" {
        packages::browser_policy()?;
    }
    count += tests(&["--package", "bellhop-tests"], Some(module), asked)?;
    Ok(count)
}

fn build_programs(packages: &[&str]) -> Result<(), Failure> {
    let mut cargo = cargo(&["build"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    sh::run(cargo)
}

/// Run tests in a session of their own; with nextest where it can be had.
fn tests(packages: &[&str], module: Option<&str>, asked: &Asked) -> Result<Count, Failure> {
    // A message bus has one desktop of Bellhop; of the tests with WordPress only one has any.
    let alone = module == Some("desktop");
    let display = alone || module == Some("wordpress");
    let mut words: Vec<String> = Vec::new();
    let mut say = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    if let Some(nextest) = tools::nextest() {
        say(&[&nextest.to_string_lossy(), "nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
        say(packages);
        if let Some(module) = module {
            say(&["-E", &format!("test(/(^|::){module}::/)")]);
        }
        if alone {
            say(&["--test-threads", "1"]);
        }
    } else {
        say(&["cargo", "test", "--no-fail-fast"]);
        say(packages);
        if let Some(module) = module {
            say(&[&format!("{module}::")]);
        }
        if alone {
            say(&["--", "--test-threads", "1"]);
        }
    }
    let home = Home::make()?;
    let mut command = home.command(display, &words.join("\0"))?;
    command.env("BELLHOP_PROGRAMS", tree::programs(false)).env("NEXTEST_STATUS_LEVEL", "fail");
    if module == Some("wordpress")
        && let Some(wordpress) = crate::packages::wordpress()?
    {
        command.env("BELLHOP_WORDPRESS", wordpress);
    }
    if asked.long {
        command.env("BELLHOP_LONG", "1");
    }
    Ok(of(&sh::tee(command)?))
}

/// What a test runner's end means. One that failed without a failed test could not run them.
fn of(ended: &sh::Ended) -> Count {
    let mut count = counted(&ended.output);
    if !ended.success && count.failed == 0 {
        count += Count::FAIL;
    }
    count
}

/// One check: a command that must succeed.
fn check(what: &str, command: Command) -> Count {
    let since = Instant::now();
    println!("• {what}");
    match sh::run(command) {
        Ok(()) => {
            println!("  {what}: well, {}", minutes(since.elapsed()));
            Count::PASS
        }
        Err(e) => {
            println!("  {what}: {e}");
            Count::FAIL
        }
    }
}

fn cargo(args: &[&str]) -> Command {
    sh::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// What git says has changed; empty outside a clone.
fn changed_files() -> String {
    sh::said("git", &["status", "--porcelain"]).unwrap_or_default()
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{}.{} s", seconds, time.subsec_millis() / 100),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests_of_the_command_line {
    use super::*;

    #[test]
    fn only_the_stages_that_were_asked_for_run() {
        let asked = Asked::parse(&["--only", "lint,unit", "--long"]).unwrap();
        assert!(asked.has("lint") && asked.has("unit") && !asked.has("desktop") && asked.long);
        assert!(Asked::parse(&[]).unwrap().has("desktop"));
    }

    #[test]
    fn a_stage_that_is_not_there_is_an_error() {
        assert!(Asked::parse(&["--only", "units"]).is_err());
        assert!(Asked::parse(&["--fast"]).is_err());
    }
}
