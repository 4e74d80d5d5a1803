//! Counting what passed.

use std::ops::AddAssign;

/// How many checks passed, failed, and were left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Passed.
    pub passed: u32,
    /// Failed.
    pub failed: u32,
    /// Left out.
    pub skipped: u32,
}

impl Count {
    /// One check that passed.
    pub const PASS: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One check that failed.
    pub const FAIL: Self = Self { passed: 0, failed: 1, skipped: 0 };
    /// One check that was left out.
    pub const SKIP: Self = Self { passed: 0, failed: 0, skipped: 1 };
}

impl AddAssign for Count {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What the test runners said at their ends: nextest, cargo's own, vitest.
pub fn counted(output: &str) -> Count {
    let mut count = Count::default();
    for line in output.lines() {
        let line = plain(line);
        let line = line.trim();
        if line.starts_with("Summary [") || line.starts_with("test result:") || line.starts_with("Tests ") {
            count += in_line(line);
        }
    }
    count
}

fn in_line(line: &str) -> Count {
    let mut count = Count::default();
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].trim_matches(|c: char| !c.is_ascii_digit()).parse::<u32>() else { continue };
        match pair[1].trim_matches(|c: char| !c.is_ascii_alphabetic()) {
            "passed" => count.passed += number,
            "failed" => count.failed += number,
            "skipped" | "ignored" | "todo" => count.skipped += number,
            _ => {}
        }
    }
    count
}

/// A line without colours.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let _ = chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_three_runners_are_understood() {
        let nextest = "     Summary [   0.123s] 47 tests run: 44 passed (1 slow), 3 failed, 2 skipped\n";
        assert_eq!(counted(nextest), Count { passed: 44, failed: 3, skipped: 2 });
        let cargo =
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(counted(cargo), Count { passed: 3, failed: 0, skipped: 1 });
        let vitest = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m | 11 passed (12)\n";
        assert_eq!(counted(vitest), Count { passed: 11, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_test_that_is_named_like_a_summary_does_not_count() {
        assert_eq!(counted("test a_call_that_is_passed_on ... ok\n5 passed\n"), Count::default());
    }
}
