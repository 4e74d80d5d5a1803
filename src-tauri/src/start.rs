use crate::{
    deep_link::{self, Link},
    desk::Entrance,
};
use model::RequestId;
use std::ffi::OsString;

/// What the terminal shows for `--help`.
pub(crate) const USAGE: &str = "\
usage: bellhop-desktop [--hidden | --show | app.bellhop.desktop:…]

  --hidden   start in the tray, without a window
  --show     show the window, starting Bellhop when it isn't running (as without arguments)
  --version  say the version

For everything else on the terminal see `bellhop --help`.";

/// What this process was started for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// To be the tray process, or to show the window of the one that runs.
    Desk {
        /// How it enters.
        entrance: Entrance,
    },
    /// To be a window of the tray process.
    Window {
        /// The request that the window asks about; `None` for the main window.
        request: Option<RequestId>,
    },
    /// To say the version.
    Version,
    /// To say how it is used.
    Help,
}

impl Start {
    /// From the arguments, without the program's name. They are not trusted: any process of the session can
    /// hand arguments to the one that runs.
    pub(crate) fn from_args<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Result<Self, String> {
        let args = args
            .into_iter()
            .map(|arg| arg.into().into_string().map_err(|_| "an argument is not readable".to_owned()))
            .collect::<Result<Vec<_>, _>>()?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match args.as_slice() {
            [] | ["--show"] => Ok(Self::Desk { entrance: Entrance::Shown }),
            ["--hidden"] => Ok(Self::Desk { entrance: Entrance::Hidden }),
            ["--window"] => Ok(Self::Window { request: None }),
            ["--window", "--request", id] => {
                let request = deep_link::request_id(id).ok_or_else(|| format!("{id:?} names no request"))?;
                Ok(Self::Window { request: Some(request) })
            }
            ["--version" | "-V"] => Ok(Self::Version),
            ["--help" | "-h"] => Ok(Self::Help),
            // The deep-link plugin hands the address itself to `deep_link::listen`.
            [one] if Link::parse(one).is_some() => Ok(Self::Desk { entrance: Entrance::Linked }),
            _ => Err("the arguments are not understood".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Start, String> {
        Start::from_args(args.iter().copied())
    }

    #[test]
    fn without_arguments_the_window_opens_and_with_hidden_it_does_not() {
        assert_eq!(parsed(&[]), Ok(Start::Desk { entrance: Entrance::Shown }));
        assert_eq!(parsed(&["--hidden"]), Ok(Start::Desk { entrance: Entrance::Hidden }));
    }

    #[test]
    fn a_deep_link_counts_only_as_the_only_argument() {
        let link = "app.bellhop.desktop:/oauth/callback?code=a&state=b";
        assert_eq!(parsed(&[link]), Ok(Start::Desk { entrance: Entrance::Linked }));
        assert!(parsed(&[link, "--hidden"]).is_err());
        assert!(parsed(&["--hidden", link]).is_err());
    }

    #[test]
    fn a_request_that_is_no_id_is_refused() {
        assert!(parsed(&["--window", "--request", "0f"]).is_ok());
        assert!(parsed(&["--window", "--request", "../x"]).is_err());
        assert!(parsed(&["--window", "--request"]).is_err());
    }

    #[test]
    fn an_unknown_argument_is_an_error() {
        assert!(parsed(&["--port"]).is_err());
        assert!(parsed(&["https://example.org"]).is_err());
    }
}
