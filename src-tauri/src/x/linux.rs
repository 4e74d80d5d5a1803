use super::Bar;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};
use tokio::signal::unix::{SignalKind, signal};

/// Whether a tray icon can be made. The library behind it is loaded when it is first used, and its absence
/// would end the process there; so it is looked for before.
#[allow(
    unsafe_code,
    reason = "loading a library runs its initialisers; it is the one that the tray loads next"
)]
pub(crate) fn has_tray() -> bool {
    ["libayatana-appindicator3.so.1", "libappindicator3.so.1"]
        .iter()
        // SAFETY: both are ordinary GTK libraries whose initialisers register types and nothing more.
        .any(|name| unsafe { libloading::Library::new(name) }.is_ok())
}

/// How bright the bar is. GNOME's is always dark; elsewhere it follows themes that nobody tells about.
pub(crate) fn bar() -> Bar {
    match env::var("XDG_CURRENT_DESKTOP") {
        Ok(desktop) if desktop.split(':').any(|name| name == "GNOME") => Bar::Dark,
        _ => Bar::Untold,
    }
}

/// The locale's name, by the order of setlocale(3), with GNU's `LANGUAGE` before it.
pub(crate) fn locale() -> Option<String> {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let posix = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set)?;
    if posix == "C" || posix == "POSIX" {
        return Some(posix);
    }
    let preferred = set("LANGUAGE").and_then(|list| list.split(':').next().map(str::to_owned));
    Some(preferred.filter(|name| !name.is_empty()).unwrap_or(posix))
}

/// Returns when the system, or somebody at a terminal, asks this process to end.
pub(crate) async fn asked_to_end() {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    match kinds.map(signal) {
        [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// The plugin writes the program's path into the login item without quotes: a path with a space would start
/// another program, or none.
pub(crate) fn mend_login_item(name: &str) -> io::Result<()> {
    let home = env::var_os("HOME").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let item = home.join(".config/autostart").join(format!("{name}.desktop"));
    let program = env::var_os("APPIMAGE").map_or_else(env::current_exe, |path| Ok(path.into()))?;
    let text = fs::read_to_string(&item)?;
    fs::write(&item, quote_exec(&text, &program))
}

fn quote_exec(text: &str, program: &Path) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("Exec=") {
            format!("Exec={} --hidden", exec_word(program))
        } else {
            line.to_owned()
        }
    });
    lines.map(|line| line + "\n").collect()
}

/// A path as one word of an `Exec` line. The Desktop Entry Specification ("The Exec key") wants `"`, `` ` ``,
/// `$` and `\` escaped within quotes, `%` doubled, and, as in every string value, each `\` doubled once more.
fn exec_word(path: &Path) -> String {
    let mut word = String::from("\"");
    for c in path.to_string_lossy().chars() {
        match c {
            '"' | '`' | '$' => word.extend(["\\\\", &c.to_string()]),
            '\\' => word.push_str("\\\\\\\\"),
            '%' => word.push_str("%%"),
            c => word.push(c),
        }
    }
    word + "\""
}

/// What the deep-link plugin leaves behind when it has unregistered the scheme: its own launcher, now without
/// a scheme, and lists that nothing stands in any more. `data` and `config` are the person's folders.
pub(crate) fn tidy_scheme(data: &Path, config: &Path) {
    let program = env::current_exe().ok();
    let Some(program) =
        program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned())
    else {
        return;
    };
    let applications = data.join("applications");
    let _ = fs::remove_file(applications.join(format!("{program}-handler.desktop")));
    for list in [applications.join("mimeinfo.cache"), config.join("mimeapps.list")] {
        if fs::read_to_string(&list).is_ok_and(|text| says_nothing(&text)) {
            let _ = fs::remove_file(&list);
        }
    }
    // Only when nothing else is in it.
    let _ = fs::remove_dir(&applications);
}

/// Whether a list holds nothing but the names of groups.
fn says_nothing(list: &str) -> bool {
    list.lines().map(str::trim).all(|line| line.is_empty() || (line.starts_with('[') && line.ends_with(']')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_item_with_a_space_in_its_path_is_quoted() {
        let written =
            "[Desktop Entry]\nType=Application\nExec=/opt/My Apps/bellhop-desktop --hidden\nTerminal=false";
        let mended = quote_exec(written, Path::new("/opt/My Apps/bellhop-desktop"));
        assert_eq!(
            mended,
            "[Desktop Entry]\nType=Application\nExec=\"/opt/My Apps/bellhop-desktop\" --hidden\nTerminal=false\n"
        );
    }

    #[test]
    fn what_an_exec_line_gives_a_meaning_to_is_escaped() {
        assert_eq!(exec_word(Path::new("/a$b/c%d\"e")), "\"/a\\\\$b/c%%d\\\\\"e\"");
    }

    #[test]
    fn a_list_of_the_person_is_left_alone_and_an_empty_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (data, config) = (folder.path().join("data"), folder.path().join("config"));
        fs::create_dir_all(data.join("applications")).unwrap();
        fs::create_dir_all(&config).unwrap();
        let list = config.join("mimeapps.list");
        fs::write(&list, "[Default Applications]\ntext/html=browser.desktop\n").unwrap();
        fs::write(data.join("applications/mimeinfo.cache"), "[MIME Cache]\n").unwrap();
        tidy_scheme(&data, &config);
        assert!(list.exists());
        assert!(!data.join("applications").exists());
        fs::write(&list, "[Default Applications]\n\n").unwrap();
        tidy_scheme(&data, &config);
        assert!(!list.exists());
    }
}
