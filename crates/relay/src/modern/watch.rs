//! Hearing of changes of resources, at services of either era, for apps of either era.

use crate::{
    Relay, Service,
    legacy::{exchange, link::Link, listen},
    modern::ask,
    problem::RelayError,
    shelf::Speaks,
};
use protocol::{Id, Message, Object, Request, Revision, method, raw};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Tells `each` of every change of these resources of a service, by the service's own URI, until `stop`.
pub(crate) fn resources(
    relay: &Arc<Relay>,
    service: Arc<Service>,
    uris: Vec<String>,
    stop: CancellationToken,
    each: impl Fn(&str) + Send + Sync + 'static,
) {
    let relay = relay.clone();
    tokio::spawn(async move {
        let mut pause = listen::Pause::new(&relay.limits);
        while !stop.is_cancelled() {
            // A sign-in that was renewed, an era that changed: as it is now.
            let services = relay.access.services();
            let Some(service) = services.iter().find(|s| s.id == service.id).cloned() else { return };
            let work = async {
                match relay.speaks(&service).await {
                    Ok(Speaks::Modern) => Some(modern(&relay, &service, &uris, &each).await),
                    Ok(Speaks::Legacy) => None,
                    Err(error) => Some(Err(error)),
                }
            };
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = work => ended,
            };
            let ended = match ended {
                Some(ended) => ended,
                None => legacy(&relay, &service, &uris, &stop, &each).await,
            };
            let Some(pause) = pause.after(&ended) else {
                tracing::debug!(service = %service.name, ?ended, "its resources can't be watched");
                return;
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// The URI of a resource that changed.
fn changed(data: &str) -> Option<String> {
    let Ok(Message::Notification(notice)) = Message::peek(data.as_bytes()) else { return None };
    (notice.method == method::RESOURCE_UPDATED)
        .then(|| notice.params?.text("uri").map(std::borrow::Cow::into_owned))
        .flatten()
}

async fn modern(
    relay: &Relay,
    service: &Service,
    uris: &[String],
    each: &(impl Fn(&str) + Sync),
) -> Result<(), RelayError> {
    let wanted = Object::new().with("resourceSubscriptions", uris);
    let id = format!("bellhop-watch-{}", relay.number());
    let body = ask::subscribe(&relay.http, service, &id, wanted).await?;
    listen::read(body, relay.limits.message, &service.title, |data| {
        if let Some(uri) = changed(data) {
            each(&uri);
        }
    })
    .await
}

async fn legacy(
    relay: &Arc<Relay>,
    service: &Arc<Service>,
    uris: &[String],
    stop: &CancellationToken,
    each: &(impl Fn(&str) + Sync),
) -> Result<(), RelayError> {
    let link = Link::new(service.clone());
    let declared = raw(&Object::new());
    let opened = link.open(&relay.http, &relay.limits, Revision::NEWEST_LEGACY, &declared).await?;
    let listening = listen::events(
        &relay.http,
        &relay.limits,
        &link,
        || {},
        |data| {
            if let Some(uri) = changed(data) {
                each(&uri);
            }
        },
    );
    let subscribing = async {
        for uri in uris {
            let params = Object::new().with("uri", uri);
            let id = Id::text(&format!("bellhop-watch-{}", relay.number()));
            let request = Request::new(id, method::SUBSCRIBE, Some(params));
            let asked = exchange::ask(&relay.http, &relay.limits, service, opened, &request).await;
            if let Err(error) = asked {
                tracing::debug!(service = %service.name, %error, "a resource can't be watched");
            }
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = listening => ended,
        () = subscribing => Ok(()),
        () = stop.cancelled() => Ok(()),
    };
    link.close(&relay.http, &relay.limits).await;
    ended
}
