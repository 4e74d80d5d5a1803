//! Embeds the window and its permissions.

use std::{error::Error, fs, path::Path};
use tauri_build::{AppManifest, Attributes};

/// What a plain `cargo build` embeds when the window was never built.
const NO_WINDOW: &str = "<!doctype html><meta charset=\"utf-8\"><title>Bellhop</title>\
    <p>This Bellhop was built without its window. Run <code>cargo xtask run</code>.</p>";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../ui/dist");
    println!("cargo:rerun-if-changed=../icons");
    let window = Path::new("../ui/dist/index.html");
    if !window.exists() {
        println!("cargo:warning=ui/dist is empty: the window says how to build it");
        fs::create_dir_all("../ui/dist")?;
        fs::write(window, NO_WINDOW)?;
    }
    // Naming the commands makes each of them need a permission in capabilities/.
    let commands = AppManifest::new().commands(&["command", "query", "watch", "start", "close"]);
    tauri_build::try_build(Attributes::new().app_manifest(commands))?;
    Ok(())
}
