//! What can't be had across the eras. Each line stands in docs/behaviour.md too, with the sentence of the
//! specification that makes it impossible, and a test of what Bellhop answers instead.

use crate::conformance::suite::Failure;

/// A check that can't hold.
pub(super) struct Exception {
    /// The requirements.
    pub revision: &'static str,
    /// The era of the service.
    pub era: &'static str,
    /// The suite's scenario.
    pub scenario: &'static str,
    /// The check in it.
    pub check: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for who reads the table")]
    pub why: &'static str,
}

/// All of them are of the new era's suite with a service of the old one.
pub(super) const EXCEPTIONS: &[Exception] = &[
    Exception {
        revision: "2026-07-28",
        era: "legacy",
        scenario: "input-required-result-basic-elicitation",
        check: "sep-2322-elicitation-incomplete",
        why: "the suite wants its question under the key `user_name`; in the old era a question has an id and no \
              name",
    },
    Exception {
        revision: "2026-07-28",
        era: "legacy",
        scenario: "input-required-result-ignore-extra-params",
        check: "sep-2322-ignore-unexpected-params",
        why: "the suite answers a question that was never asked, and sends no `requestState`; in the old era an \
              answer belongs to a call that is under way",
    },
];

impl Exception {
    /// Whether it is about this run.
    pub(super) fn applies(&self, revision: &str, era: &str) -> bool {
        (self.revision, self.era) == (revision, era)
    }

    /// Whether it is about this failure.
    pub(super) fn covers(&self, revision: &str, era: &str, failure: &Failure) -> bool {
        self.applies(revision, era) && self.scenario == failure.scenario && self.check == failure.check
    }
}
