//! Standard input and output: lines, each whole, bounded both ways.
//!
//! Apps hand on pipes or sockets, which are read and written without waiting by the one thread there is. For all
//! else, such as a terminal or a file, and on other systems, each direction has a thread, since such reads and
//! writes can't be cancelled and must not hold up the rest.

mod framer;
mod input;
mod output;
#[cfg(target_os = "linux")]
mod pipe;

pub(super) use framer::Line;
pub(super) use input::Input;
pub(super) use output::Out;
