use control::{Section, SectionName};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc, watch};

/// The least time between two looks at what changed: at most four a second reach a person's eyes.
const PACE: Duration = Duration::from_millis(250);

/// How long is waited for more before a look: what belongs together is built together, and a call that was let in has
/// begun by then.
const GATHER: Duration = Duration::from_millis(20);

/// A section with its version; nothing before it was first built.
type Published = Option<(u64, Arc<Section>)>;

/// Keeps the newest of each section of the view, and hands changed ones to whoever watches.
///
/// Whoever changes something calls [`Publisher::mark`], which costs two atomic operations; the section is
/// built later, once, however often it was marked.
pub(crate) struct Publisher {
    dirty: AtomicU32,
    wake: Notify,
    channels: Vec<watch::Sender<Published>>,
}

fn index(name: SectionName) -> usize {
    SectionName::ALL.iter().position(|n| *n == name).unwrap_or(0)
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let channels = SectionName::ALL.iter().map(|_| watch::Sender::new(None)).collect();
        Self { dirty: AtomicU32::new(0), wake: Notify::new(), channels }
    }

    /// This section has to be built again.
    pub(crate) fn mark(&self, name: SectionName) {
        self.dirty.fetch_or(1 << index(name), Ordering::AcqRel);
        self.wake.notify_one();
    }

    /// All sections have to be built again.
    pub(crate) fn mark_all(&self) {
        for name in SectionName::ALL {
            self.mark(name);
        }
    }

    /// Build what was marked, for ever.
    pub(crate) async fn run<F, T>(&self, build: F)
    where
        F: Fn(SectionName) -> T,
        T: Future<Output = Section>,
    {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(GATHER).await;
            let dirty = self.dirty.swap(0, Ordering::AcqRel);
            for name in SectionName::ALL {
                if dirty & (1 << index(name)) != 0 {
                    self.put(build(name).await);
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Publish a section if it differs from the last one of its name.
    fn put(&self, section: Section) {
        self.channels[index(section.name())].send_if_modified(|last| {
            let version = match last {
                Some((_, same)) if **same == section => return false,
                Some((version, _)) => *version + 1,
                None => 1,
            };
            *last = Some((version, Arc::new(section)));
            true
        });
    }

    /// These sections with their versions, now and whenever they change. Ends when the receiver is dropped.
    pub(crate) fn watch(&self, names: &[SectionName]) -> mpsc::Receiver<(u64, Arc<Section>)> {
        let (sender, receiver) = mpsc::channel(SectionName::ALL.len());
        for name in names {
            let mut changes = self.channels[index(*name)].subscribe();
            changes.mark_changed();
            let sender = sender.clone();
            tokio::spawn(async move {
                loop {
                    let changed = tokio::select! {
                        changed = changes.changed() => changed,
                        () = sender.closed() => return,
                    };
                    if changed.is_err() {
                        return;
                    }
                    let now = changes.borrow_and_update().clone();
                    if let Some(now) = now
                        && sender.send(now).await.is_err()
                    {
                        return;
                    }
                }
            });
        }
        receiver
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::SettingsView;
    use std::sync::atomic::AtomicU16;

    fn settings(port: u16) -> Section {
        Section::Settings(SettingsView { autostart: false, autostart_fixed: None, port })
    }

    #[tokio::test]
    async fn a_watcher_gets_the_section_now_and_each_change_once() {
        let publisher = Arc::new(Publisher::new());
        let port = Arc::new(AtomicU16::new(1));
        let (running, shown) = (Arc::clone(&publisher), Arc::clone(&port));
        let task = tokio::spawn(async move {
            running
                .run(|_| {
                    let port = shown.load(Ordering::SeqCst);
                    async move { settings(port) }
                })
                .await;
        });
        let mut seen = publisher.watch(&[SectionName::Settings]);
        publisher.mark(SectionName::Settings);
        assert_eq!(seen.recv().await.unwrap(), (1, Arc::new(settings(1))));
        // Marked without a change: nothing is sent, so that the next thing seen is the change.
        publisher.mark(SectionName::Settings);
        tokio::time::sleep(PACE * 2).await;
        port.store(2, Ordering::SeqCst);
        publisher.mark(SectionName::Settings);
        assert_eq!(seen.recv().await.unwrap(), (2, Arc::new(settings(2))));
        task.abort();
    }
}
