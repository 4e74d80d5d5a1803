//! Form: formatting, lints, licences, and that what is generated is current.

use super::{cargo, check};
use crate::{
    sh::{self, Failure},
    summary::Count,
    tools, tree, ui,
};
use std::path::Path;

/// The stage.
pub fn lint() -> Result<Count, Failure> {
    let mut count = check("formatting", cargo(&["fmt", "--all", "--check"]));
    // Workspaces of their own, which only `cargo xtask fuzz` builds.
    for folder in crate::fuzz::FOLDERS {
        let manifest = format!("{folder}/Cargo.toml");
        let fuzz = ["fmt", "--manifest-path", &manifest, "--check"];
        count += check("formatting of the fuzz targets", cargo(&fuzz));
    }
    count += check(
        "clippy",
        cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    );
    count += dependencies()?;
    count += super::named::named_tests()?;
    count += generated_types()?;
    for script in ["lint", "check"] {
        let mut npm = sh::command("npm", &["run", "--silent", script]);
        npm.current_dir(tree::root().join("ui"));
        count += check(&format!("window: {script}"), npm);
    }
    Ok(count)
}

/// Licences, sources, what must not come in; and known weaknesses where the list can be fetched.
fn dependencies() -> Result<Count, Failure> {
    let Some(deny) = tools::deny() else {
        println!("• dependencies: skipped, cargo-deny can't be had here");
        return Ok(Count::SKIP);
    };
    let words = ["--log-level", "warn", "check", "bans", "licenses", "sources"];
    let mut count = check("dependencies", sh::command(&deny, &words));
    println!("• advisories");
    let ended = sh::tee(sh::command(&deny, &["--log-level", "warn", "check", "advisories"]))?;
    count += match ended.success {
        true => Count::PASS,
        // No network is no fault of the tree.
        false if ended.output.contains("failed to fetch") => {
            println!("  advisories: skipped, their list can't be fetched here");
            Count::SKIP
        }
        false => Count::FAIL,
    };
    Ok(count)
}

/// The window's types are written by the tests of `control`: they must be what stands there.
fn generated_types() -> Result<Count, Failure> {
    let types = Path::new("ui/src/control");
    let before = ui::print_of(types, &[])?;
    let mut count = check(
        "types of the window",
        cargo(&["test", "--quiet", "--package", "bellhop-control", "export_bindings"]),
    );
    if ui::print_of(types, &[])? != before {
        println!("  ui/src/control was not current; it is now: commit it");
        count += Count::FAIL;
    }
    Ok(count)
}
