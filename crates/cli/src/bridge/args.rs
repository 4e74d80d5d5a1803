use std::{ffi::OsString, path::PathBuf};

/// What the bridge is told on the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// Whom it was started for.
    pub app: String,
    /// The folder with Bellhop's files.
    pub home: Option<PathBuf>,
    /// Whether to start Bellhop when it isn't running.
    pub start: bool,
}

impl Args {
    /// Read `[--home PATH] mcp [--app APP] [--home PATH] [--no-start]`.
    ///
    /// `None` for anything else, which the parser of the other commands then judges: it knows these too, and says
    /// what is wrong.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let mut mcp = false;
        let mut read = Self { app: String::new(), home: None, start: true };
        while let Some(arg) = args.next() {
            let arg = arg.to_str()?;
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (arg, None),
            };
            match name {
                "mcp" if !mcp && inline.is_none() => mcp = true,
                "--home" => read.home = Some(inline.or_else(|| args.next())?.into()),
                "--app" if mcp => read.app = inline.or_else(|| args.next())?.into_string().ok()?,
                "--no-start" if mcp && inline.is_none() => read.start = false,
                _ => return None,
            }
        }
        mcp.then_some(read)
    }
}
