use bytes::Bytes;

/// The longest line, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;
/// How much is read at once, and kept for the next line.
pub(super) const PIECE: usize = 8 * 1024;

/// A line of standard input.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::bridge) enum Line {
    /// Without its end, and not blank.
    Whole(Bytes),
    /// Longer than 4 MiB; it was skipped.
    TooLong,
}

/// Makes lines of pieces of any size. Holds one line and one piece at most.
#[derive(Default)]
pub(in crate::bridge) struct Framer {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no line break behind `start`.
    searched: usize,
    /// Whether the rest of a line that is too long is being skipped.
    skipping: bool,
}

impl Framer {
    /// Where the next piece is to be appended. Call [`Framer::next`] until it says `None` before that.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > PIECE {
            self.buffer = Vec::new();
        }
        // Grows by doubling while a long line arrives.
        self.buffer.reserve(PIECE);
        &mut self.buffer
    }

    /// The next line; `None` when more is needed.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let rest = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(found) = rest.iter().position(|b| *b == b'\n') else {
                self.searched = self.buffer.len();
                if self.searched - self.start > LONGEST {
                    self.skipping = true;
                }
                if self.skipping {
                    self.forget();
                }
                return None;
            };
            let end = self.searched + found;
            let line = self.take(end);
            if line.is_some() {
                return line;
            }
        }
    }

    /// The last line, which has no end.
    pub(super) fn rest(&mut self) -> Option<Line> {
        let end = self.buffer.len();
        if end == self.start && !self.skipping { None } else { self.take(end) }
    }

    /// The line that ends here; `None` when it is blank.
    fn take(&mut self, end: usize) -> Option<Line> {
        let text = self.buffer.get(self.start..end).unwrap_or_default();
        let long = std::mem::take(&mut self.skipping) || text.len() > LONGEST;
        let text = text.trim_ascii_end();
        let line = match (long, text.trim_ascii_start().is_empty()) {
            (true, _) => Some(Line::TooLong),
            (false, true) => None,
            // A long line that nothing follows, which is the rule, is handed on as it is.
            (false, false) if self.start == 0 && text.len() > PIECE && end + 1 >= self.buffer.len() => {
                let length = text.len();
                let mut whole = std::mem::take(&mut self.buffer);
                whole.truncate(length);
                self.searched = 0;
                return Some(Line::Whole(whole.into()));
            }
            (false, false) => Some(Line::Whole(Bytes::copy_from_slice(text))),
        };
        self.start = (end + 1).min(self.buffer.len());
        self.searched = self.start;
        if self.start == self.buffer.len() {
            self.forget();
        }
        line
    }

    fn forget(&mut self) {
        self.buffer.clear();
        self.start = 0;
        self.searched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Line> {
        let mut framer = Framer::default();
        let mut lines = Vec::new();
        for piece in pieces {
            framer.room().extend_from_slice(piece);
            lines.extend(std::iter::from_fn(|| framer.next()));
            assert!(framer.buffer.len() <= LONGEST + piece.len());
        }
        lines.extend(framer.rest());
        lines
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_are_the_same_whatever_the_pieces() {
        let text = b"{\"a\":1}\n\r\n  \n{\"b\":2}\r\n{\"c\":3}";
        let want = [whole("{\"a\":1}"), whole("{\"b\":2}"), whole("{\"c\":3}")];
        for size in 1..=text.len() {
            assert_eq!(read(&text.chunks(size).collect::<Vec<_>>()), want, "{size}");
        }
    }

    #[test]
    fn a_line_of_4_mib_is_read_and_one_byte_more_is_skipped_to_its_end() {
        let mut text = vec![b'x'; LONGEST];
        text.extend_from_slice(b"\nshort\n");
        text.extend(vec![b'y'; LONGEST + 1]);
        text.extend_from_slice(b"\nlast\n");
        for size in [PIECE, 3 * LONGEST] {
            let lines = read(&text.chunks(size).collect::<Vec<_>>());
            assert!(matches!(&lines[0], Line::Whole(line) if line.len() == LONGEST), "{size}");
            assert_eq!(lines[1..], [whole("short"), Line::TooLong, whole("last")], "{size}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_and_never_ends_is_said_once() {
        let long = vec![b'x'; LONGEST];
        assert_eq!(read(&[&long, &long, &long]), [Line::TooLong]);
        assert_eq!(read(&[]), []);
    }
}
