use crate::desk::{Wish, Wishes};
use control::{RequestView, Section, SectionName};
use engine::Face;
use model::RequestId;
use std::collections::BTreeSet;

/// Show the consent window of every request, once, as soon as it is there. Closed unanswered, it stays closed
/// until the person opens it from the tray or the main window.
pub(crate) async fn ask(face: Face, wishes: Wishes) {
    let mut sections = face.watch(&[SectionName::Requests]);
    let mut seen = Seen::default();
    while let Some(section) = sections.recv().await {
        if let Section::Requests(requests) = section {
            for request in seen.fresh(&requests) {
                wishes.send(Wish::Show(Some(request)));
            }
        }
    }
}

/// The requests that were there when they were last looked at.
#[derive(Default)]
struct Seen(BTreeSet<RequestId>);

impl Seen {
    fn fresh(&mut self, now: &[RequestView]) -> Vec<RequestId> {
        let now: BTreeSet<_> = now.iter().map(|request| request.id.clone()).collect();
        let fresh = now.difference(&self.0).cloned().collect();
        self.0 = now;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::Method;
    use model::{Scope, Timestamp};

    fn request(id: &str) -> RequestView {
        RequestView {
            id: id.into(),
            snapshot: String::new(),
            code: String::new(),
            app: "Cursor".into(),
            app_id: None,
            computer: String::new(),
            method: Method::Bridge,
            redirect: String::new(),
            program: None,
            asked: Scope::default(),
            services: Vec::new(),
            asked_on: Timestamp::default(),
            until: Timestamp::default(),
        }
    }

    #[test]
    fn a_request_is_asked_about_once_however_often_the_list_arrives() {
        let mut seen = Seen::default();
        assert_eq!(seen.fresh(&[request("a")]), ["a".into()]);
        assert_eq!(seen.fresh(&[request("a"), request("b")]), ["b".into()]);
        assert!(seen.fresh(&[request("a"), request("b")]).is_empty());
        assert!(seen.fresh(&[request("b")]).is_empty());
    }
}
