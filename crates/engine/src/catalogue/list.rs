use super::{
    read::{self, Wrong},
    tile::Tile,
};
use model::Problem;
use serde_json::value::RawValue;
use std::{
    fs,
    io::Read,
    path::Path,
    sync::{Arc, OnceLock},
};

/// More than anybody writes by hand.
const MOST: u64 = 1024 * 1024;

/// The tiles, in the order in which they are shown, and what is wrong with the person's own.
pub(crate) struct List {
    tiles: Vec<Arc<Tile>>,
    problem: Option<Problem>,
}

impl List {
    /// Bellhop's tiles, and those of the person's file. What is wrong there takes nothing else away.
    pub(super) fn with(own: Option<&Path>) -> Self {
        let mut list = Self { tiles: built_in().to_vec(), problem: None };
        let Some(file) = own else { return list };
        let text = match text(file) {
            Ok(text) => text,
            Err(what) => {
                list.problem = Some(problem(file, None, &what));
                return list;
            }
        };
        let (tiles, wrong) = entries(&text, true);
        let mut wrong = wrong.into_iter();
        let mut first = wrong.next();
        for (line, tile) in tiles {
            if list.tile(&tile.id).is_some() {
                first.get_or_insert((line, format!("there is a tile “{}” already", tile.id)));
            } else {
                list.tiles.push(Arc::new(tile));
            }
        }
        list.problem = first.map(|(line, what)| problem(file, Some(line), &what));
        list
    }

    /// All of them.
    pub(crate) fn tiles(&self) -> &[Arc<Tile>] {
        &self.tiles
    }

    /// The tile of that id.
    pub(crate) fn tile(&self, id: &str) -> Option<Arc<Tile>> {
        self.tiles.iter().find(|t| t.id == id).cloned()
    }

    /// What is wrong with the person's file.
    pub(crate) fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

#[allow(clippy::panic, reason = "the data is part of the program and a test reads it")]
fn built_in() -> &'static [Arc<Tile>] {
    static TILES: OnceLock<Vec<Arc<Tile>>> = OnceLock::new();
    TILES.get_or_init(|| {
        let (tiles, wrong) = entries(include_str!("../../data/catalogue.json"), false);
        assert!(wrong.is_empty(), "the catalogue is well formed: {wrong:?}");
        tiles.into_iter().map(|(_, tile)| Arc::new(tile)).collect()
    })
}

/// What is in a file, each with its line, counted from 1; and what is wrong, likewise.
type Entries = (Vec<(usize, Tile)>, Vec<(usize, String)>);

fn entries(text: &str, own: bool) -> Entries {
    // By hand one writes a list, or copies a single entry as it is.
    let raw: Result<Vec<&RawValue>, _> = match serde_json::from_str(text) {
        Ok(list) => Ok(list),
        Err(_) if text.trim_start().starts_with('{') => serde_json::from_str(text).map(|one| vec![one]),
        Err(e) => Err(e),
    };
    let raw = match raw {
        Ok(raw) => raw,
        Err(e) => {
            let Wrong { line, what } = e.into();
            return (Vec::new(), vec![(line + 1, what)]);
        }
    };
    let (mut tiles, mut wrong) = (Vec::new(), Vec::new());
    for entry in raw {
        // A raw value is a part of the text it was read from.
        let before = entry.get().as_ptr() as usize - text.as_ptr() as usize;
        let line = 1 + text[..before].bytes().filter(|b| *b == b'\n').count();
        match read::tile(entry.get(), own) {
            Ok(tile) => tiles.push((line, tile)),
            Err(e) => wrong.push((line + e.line, e.what)),
        }
    }
    (tiles, wrong)
}

fn text(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(file).map_err(|e| e.to_string())?;
    file.take(MOST + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
    if text.len() as u64 > MOST { Err("it has more than 1 MiB".to_owned()) } else { Ok(text) }
}

fn problem(file: &Path, line: Option<usize>, what: &str) -> Problem {
    let place = line.map_or_else(String::new, |n| format!(", line {n}"));
    Problem::new(
        "engine.catalogue_file",
        format!("Bellhop can't use all of {}{place}: {what}.", file.display()),
        "Mend it; all other entries are there.",
    )
    .with("file", file.display())
    .with("line", line.map_or_else(|| "–".to_owned(), |n| n.to_string()))
}
