use crate::{SignInError, SignedIn, flow::Flow, http::Guarded};
use url::Url;

impl Flow {
    /// Sign in to the WordPress site that `typed` belongs to, with an application password.
    pub(crate) async fn application_password(
        &mut self,
        _web: &Guarded,
        typed: &Url,
    ) -> Result<SignedIn, SignInError> {
        Err(SignInError::NotOffered { host: crate::address::host(typed) })
    }
}
