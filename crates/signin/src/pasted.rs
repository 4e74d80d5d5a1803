use crate::{
    FixedSecret, Method, Phase, Said, SignInError, SignedIn, SignedInKind,
    account::account_of_secret,
    flow::{Flow, WAIT},
    http::Guarded,
    moment::Moment,
    probe,
};
use model::Explain;
use url::Url;

impl Flow {
    /// Sign in with an API token. Nothing is kept until a real request of MCP has shown that the service takes it; one
    /// that it does not take is asked for again.
    pub(crate) async fn api_token(
        &mut self,
        web: &Guarded,
        url: &Url,
        userinfo: Option<&str>,
    ) -> Result<SignedIn, SignInError> {
        let end = Moment::after(&*self.room.clock, WAIT);
        let mut why = None;
        loop {
            let page = self.target.token_page.clone();
            self.phase.send_replace(Phase::Token { page, why: why.take(), until: end.wall });
            let Said::Token(token) = self.hear(end).await? else { continue };
            self.phase.send_replace(Phase::Finishing);
            let secret = FixedSecret::Token(token);
            match probe::admits(web, url, &secret.proof()).await {
                Ok(title) => {
                    let tool = self.target.account_tool.as_deref();
                    let account = account_of_secret(web, url, &secret.proof(), userinfo, tool).await;
                    let kind = SignedInKind::Fixed { secret, page: self.target.token_page.clone() };
                    let url = url.to_string();
                    return Ok(SignedIn { url, title, method: Method::Token, asked: None, kind, account });
                }
                Err(e) => why = Some(e.problem()),
            }
        }
    }
}
