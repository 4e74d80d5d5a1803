use crate::SectionName;
use model::{AppId, AttemptId, RequestId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Something a person looks up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "ask", rename_all = "snake_case")]
#[ts(export)]
pub enum Query {
    /// One section of the view, as it is now.
    Section {
        /// Which.
        section: SectionName,
    },
    /// What Connect would write into an app's config.
    AppPreview {
        /// Which app.
        app: AppId,
        /// How it would reach Bellhop; the app's default when missing.
        method: Option<crate::AppMethod>,
    },
    /// Past activity, newest first.
    Activity {
        /// Which.
        filter: ActivityFilter,
    },
    /// How a sign-in ends. Waits until it has ended.
    SignInEnd {
        /// Which sign-in.
        attempt: AttemptId,
    },
    /// How an app's request ends. Waits until it is decided or gone.
    RequestEnd {
        /// Which request.
        request: RequestId,
    },
    /// What was done about the sign-ins of services that were removed, newest first.
    Receipts,
    /// What a person types into a program that Bellhop doesn't know.
    GenericClient,
    /// Is all well? Each thing that can be checked, checked.
    Doctor,
}

/// Which activity to show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityFilter {
    /// Only entries with a number below this one.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    /// Only entries with a number above this one.
    #[ts(type = "number | null")]
    pub after: Option<i64>,
    /// At most this many; 100 when missing, 1,000 at most.
    pub limit: Option<u32>,
}
