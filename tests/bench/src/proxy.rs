//! The floor: a reverse proxy that does nothing but pass on, made of the same HTTP library as Bellhop.

use hyper::{Request, Response, StatusCode, Uri, body::Incoming, header, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

/// Pass everything on to this authority.
pub(crate) async fn serve(listener: TcpListener, upstream: String) -> std::io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, upstream) = (client.clone(), upstream.clone());
        tokio::spawn(async move {
            let pass = service_fn(|request| pass(&client, &upstream, request));
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
        });
    }
}

async fn pass(
    client: &Client<HttpConnector, Incoming>,
    upstream: &str,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::builder().scheme("http").authority(upstream).path_and_query(path).build()?;
    request.headers_mut().remove(header::HOST);
    let mut answer = client.request(request).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().remove(header::CONNECTION);
    }
    Ok(answer)
}
