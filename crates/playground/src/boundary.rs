use crate::House;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// Lets in only what was meant for this address and comes from no foreign web page.
///
/// The port is open to every web page in the person's browser. A page that made its own name point at 127.0.0.1
/// (DNS rebinding) shows by `Host`; one that posts from elsewhere shows by `Origin`.
pub(crate) async fn check(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let ours = house.origin.trim_start_matches("http://");
    let headers = request.headers();
    let host = only(headers, &header::HOST);
    let origin = only(headers, &header::ORIGIN);
    let foreign = host != Ok(Some(ours)) || !matches!(origin, Ok(None)) && origin != Ok(Some(&*house.origin));
    if foreign {
        return (StatusCode::FORBIDDEN, "This address is not for that page.\n").into_response();
    }
    next.run(request).await
}

/// The header's only value; an error when there are several or it is no text.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}
