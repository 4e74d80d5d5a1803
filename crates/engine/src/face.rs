use crate::{commands, inner::Inner};
use control::{Command, Outcome, Query, Section, SectionName};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A face of Bellhop in the same process, which speaks for the person: the tray.
///
/// Faces in other processes speak through the owner-only socket, which asks for a proof before a command that
/// widens access reaches this.
#[derive(Clone)]
pub struct Face {
    inner: Arc<Inner>,
}

impl Face {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Do something.
    ///
    /// # Errors
    /// What stands in its way; nothing is lost by that.
    pub async fn command(&self, command: Command) -> Outcome {
        let inner = Arc::clone(&self.inner);
        // In a task of its own: what was begun is brought to its end, also when whoever wanted it has left. A
        // connection that is revoked in the files and not yet in memory would go on.
        let carried = tokio::spawn(async move { commands::command(&inner, command).await });
        carried.await.unwrap_or_else(|_| Err(commands::broke()))
    }

    /// Look something up.
    ///
    /// # Errors
    /// What stands in its way.
    pub async fn query(&self, query: Query) -> Outcome {
        commands::query(&self.inner, query).await
    }

    /// These sections now, and whenever they change, at most four times a second.
    pub fn watch(&self, sections: &[SectionName]) -> mpsc::Receiver<Section> {
        let (sender, receiver) = mpsc::channel(SectionName::ALL.len());
        let mut changes = self.inner.publisher.watch(sections);
        tokio::spawn(async move {
            while let Some((_, section)) = changes.recv().await {
                if sender.send(Section::clone(&section)).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }
}
