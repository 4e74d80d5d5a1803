use crate::{Platform, Surroundings, known::Places};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What shows that the app is on this computer.
pub(crate) fn found(places: &Places, platform: Platform, here: &Surroundings) -> Option<PathBuf> {
    let programs =
        here.path.iter().flat_map(|folder| places.on_path.iter().map(move |name| folder.join(name)));
    let entries = desktop_folders(platform, here)
        .into_iter()
        .flat_map(|folder| places.desktop_files.iter().map(move |name| folder.join(name)));
    programs
        .chain(entries)
        .find(|path| path.is_file())
        .or_else(|| places.places.iter().filter_map(|t| here.expand(t)).find_map(|path| matching(&path)))
}

/// The config's path on this platform.
pub(crate) fn config(places: &Places, here: &Surroundings) -> Option<PathBuf> {
    places.config.iter().find_map(|config| {
        if let Some(sign) = &config.only_if {
            here.expand(sign).filter(|path| path.exists())?;
        }
        here.expand(&config.path)
    })
}

/// Where desktop entries lie (XDG base directories; Flatpak and Snap add their own).
fn desktop_folders(platform: Platform, here: &Surroundings) -> Vec<PathBuf> {
    if platform != Platform::Linux {
        return Vec::new();
    }
    let home =
        here.variable("XDG_DATA_HOME").map_or_else(|| here.home_dir.join(".local/share"), Path::to_owned);
    let mut roots = vec![home.clone(), home.join("flatpak/exports/share")];
    match here.env.get("XDG_DATA_DIRS") {
        Some(list) => roots.extend(std::env::split_paths(list)),
        None => roots.extend(["/usr/local/share", "/usr/share"].map(PathBuf::from)),
    }
    roots.extend(["/var/lib/flatpak/exports/share", "/var/lib/snapd/desktop"].map(PathBuf::from));
    roots.into_iter().map(|root| root.join("applications")).collect()
}

/// The first path that exists and matches; one part of the pattern may hold one `*`.
fn matching(pattern: &Path) -> Option<PathBuf> {
    let parts: Vec<_> = pattern.components().collect();
    let starred = parts.iter().position(|part| part.as_os_str().to_string_lossy().contains('*'));
    let Some(starred) = starred else { return pattern.exists().then(|| pattern.to_owned()) };
    let folder: PathBuf = parts[..starred].iter().collect();
    let rest: PathBuf = parts[starred + 1..].iter().collect();
    let name = parts[starred].as_os_str().to_string_lossy();
    let (head, tail) = name.split_once('*')?;
    let mut names: Vec<_> = fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    names
        .iter()
        .filter_map(|name| name.to_str())
        .filter(|name| {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        })
        .map(
            |name| {
                if rest.as_os_str().is_empty() { folder.join(name) } else { folder.join(name).join(&rest) }
            },
        )
        .find(|path| path.exists())
}
