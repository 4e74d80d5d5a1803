//! Which loopback port: the apps' configs name it, so it stays what it was until a person says otherwise.

use crate::{Home, options::DEFAULT_PORT};
use model::Problem;
use std::{env, fs};

/// The port to listen on: the one that was asked for, else `BELLHOP_PORT`, else the one of last time. 0 is any.
///
/// # Errors
/// When `BELLHOP_PORT` is no port.
pub(crate) fn wanted(home: &Home, asked: Option<u16>) -> Result<u16, Problem> {
    if let Some(port) = asked {
        return Ok(port);
    }
    match env::var("BELLHOP_PORT") {
        Ok(text) if !text.is_empty() => text.parse().map_err(|_| {
            Problem::new(
                "engine.port",
                format!("BELLHOP_PORT is “{text}”, which is no port."),
                "Set it to 1 to 65535.",
            )
        }),
        _ => Ok(kept(home).unwrap_or(DEFAULT_PORT)),
    }
}

/// Remember the port for a start that says none, such as the bridge's.
pub(crate) fn keep(home: &Home, port: u16) {
    if kept(home).unwrap_or(DEFAULT_PORT) != port
        && let Err(e) = fs::write(file(home), port.to_string())
    {
        // The next start may then say that it uses another one; nothing is lost.
        tracing::warn!("the port could not be written down: {e}");
    }
}

fn kept(home: &Home) -> Option<u16> {
    fs::read_to_string(file(home)).ok()?.trim().parse().ok().filter(|port| *port != 0)
}

fn file(home: &Home) -> std::path::PathBuf {
    home.join("port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_stays_what_it_was_until_somebody_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::find(Some(folder.path().join("a"))).unwrap();
        assert_eq!(kept(&home), None);
        keep(&home, 3000);
        assert_eq!(kept(&home), Some(3000));
        assert_eq!(wanted(&home, Some(4000)).unwrap(), 4000);
        fs::write(file(&home), "no port").unwrap();
        assert_eq!(kept(&home), None);
    }
}
