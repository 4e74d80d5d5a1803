use control::{Command, Outcome, Query, Section, SectionName};
use tokio::sync::mpsc;

/// A face of Bellhop in the same process: the tray. It speaks for the person.
#[derive(Clone)]
pub struct Face {}

impl Face {
    /// Do something.
    pub async fn command(&self, _command: Command) -> Outcome {
        Err(crate::engine::not_yet())
    }

    /// Look something up.
    pub async fn query(&self, _query: Query) -> Outcome {
        Err(crate::engine::not_yet())
    }

    /// These sections now, and whenever they change.
    pub fn watch(&self, _sections: &[SectionName]) -> mpsc::Receiver<Section> {
        mpsc::channel(1).1
    }
}
