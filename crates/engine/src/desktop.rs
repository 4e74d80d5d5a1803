use async_trait::async_trait;
use model::RequestId;

/// What the engine asks of the desktop that holds it. `bellhop serve` has none.
#[async_trait]
pub trait Desktop: Send + Sync + 'static {
    /// Bring a window to the front: the consent window of this request, or the main one.
    fn raise(&self, request: Option<RequestId>);

    /// Tell the person something that happened while no window was open.
    fn notify(&self, notice: Notice);

    /// Open an address, checked already, in the person's browser.
    ///
    /// # Errors
    /// A sentence about why no browser opened.
    async fn open(&self, address: &url::Url) -> Result<(), String>;

    /// Start Bellhop when the person logs in to the computer, or don't.
    ///
    /// # Errors
    /// A sentence about why that can't be switched.
    fn set_autostart(&self, on: bool) -> Result<(), String>;

    /// Whether Bellhop starts when the person logs in.
    ///
    /// # Errors
    /// A sentence about why that is fixed, such as in a build from the tree.
    fn autostart(&self) -> Result<bool, String>;
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A few words.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The request it is about; a click raises its window.
    pub request: Option<RequestId>,
}
