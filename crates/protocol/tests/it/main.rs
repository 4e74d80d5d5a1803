//! What the fuzz targets look for (`cargo xtask fuzz`), on the inputs that are kept: seeds made by hand, and
//! what was found. `docs/running.md` tells how one is added.
#![allow(clippy::unwrap_used, reason = "a test ends where it finds something amiss")]

#[path = "../../fuzz/bodies/envelope.rs"]
mod envelope;
#[path = "../../fuzz/bodies/headers.rs"]
mod headers;
#[path = "../../fuzz/bodies/stream.rs"]
mod stream;

use std::{fs, panic, path::Path};

fn replay(target: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "{} inputs in {}", inputs.len(), folder.display());
    let failed: Vec<_> = inputs
        .iter()
        .filter(|input| {
            let bytes = fs::read(input).unwrap();
            panic::catch_unwind(|| holds(&bytes)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn whatever_body_comes_two_readers_agree_on_what_is_sent_on() {
    replay("envelope", envelope::holds);
}

#[test]
fn whatever_stream_comes_its_events_are_the_same_in_any_pieces_and_bounded() {
    replay("stream", stream::holds);
}

#[test]
fn whatever_headers_come_what_passes_says_what_the_body_says() {
    replay("headers", headers::holds);
}
