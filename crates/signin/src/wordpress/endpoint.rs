use super::{WordPressError, rest::Rest};
use crate::{
    SignInError,
    address::host,
    http::{Ask, Guarded},
    probe::{self, Seen},
};
use serde_json::Value;
use url::Url;

/// WordPress's own namespaces: none of them is MCP, and the first is large.
const CORE: [&str; 5] = ["wp/v2", "oembed/1.0", "wp-site-health/v1", "wp-block-editor/v1", "wp-abilities/v1"];
/// What mcp-adapter calls its server, unless told otherwise.
const DEFAULT_SERVER: &str = "/mcp/mcp-adapter-default-server";
/// The most namespaces that are looked into.
const NAMESPACES: usize = 12;
/// The most routes that are asked whether they are MCP.
const ROUTES: usize = 6;

/// Find the MCP server among a site's routes. If the person typed the address of one, it is that.
pub(super) async fn find(
    web: &Guarded,
    rest: &Rest,
    index: &Value,
    typed: &Url,
) -> Result<Seen, SignInError> {
    let mut routes: Vec<String> = Vec::new();
    for namespace in namespaces(index) {
        let ask = Ask::get(rest.route(&namespace, &[("_fields", "routes")])).accept("application/json");
        // One namespace that is too large or broken says nothing of the others.
        let Ok(answer) = web.send(ask).await else { continue };
        let Ok(listed) = serde_json::from_slice::<Value>(&answer.body) else { continue };
        routes.extend(mcp_routes(&listed));
    }
    let typed_route = routes.iter().find(|r| rest.route(r, &[]).as_str() == typed.as_str()).cloned();
    routes.sort_by_key(|r| (Some(r) != typed_route.as_ref(), r != DEFAULT_SERVER, r.len()));
    for route in routes.iter().take(ROUTES) {
        let url = rest.route(route, &[]);
        // A redirect may lead anywhere; a password that may do all that its user may goes to the site alone.
        if let Ok(seen) = probe::look(web, url).await
            && seen.url.origin() == rest.root().origin()
        {
            return Ok(seen);
        }
    }
    Err(WordPressError::NoMcp { host: host(rest.root()) }.into())
}

/// The namespaces that may hold an MCP server, the likely ones first.
fn namespaces(index: &Value) -> Vec<String> {
    let all = index.get("namespaces").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<String> = all
        .filter_map(Value::as_str)
        .filter(|n| !CORE.contains(n) && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)))
        .map(str::to_owned)
        .collect();
    all.sort_by_key(|n| (!n.contains("mcp"), !(n.contains("ai") || n.contains("connector"))));
    all.truncate(NAMESPACES);
    all
}

/// The routes of a namespace that may be MCP: with that word in them, taking POST, and without a variable part.
fn mcp_routes(listed: &Value) -> Vec<String> {
    let routes = listed.get("routes").and_then(Value::as_object).into_iter().flatten();
    routes
        .filter(|(route, about)| {
            let methods = about.get("methods").and_then(Value::as_array).into_iter().flatten();
            let word = route.split(['/', '-', '_']).any(|part| part == "mcp");
            word && !route.contains('(') && methods.into_iter().any(|m| m == "POST")
        })
        .map(|(route, _)| route.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_routes_that_may_be_mcp_are_asked() {
        let listed = json!({ "routes": {
            "/mcp": { "methods": ["GET"] },
            "/mcp/mcp-adapter-default-server": { "methods": ["POST", "GET"] },
            "/ai/v1/mcp": { "methods": ["POST"] },
            "/ai/v1/mcp/(?P<id>\\d+)": { "methods": ["POST"] },
            "/ai/v1/mcpherson": { "methods": ["POST"] },
        } });
        let mut found = mcp_routes(&listed);
        found.sort();
        assert_eq!(found, ["/ai/v1/mcp", "/mcp/mcp-adapter-default-server"]);
    }

    #[test]
    fn namespaces_that_name_mcp_are_looked_into_first_and_wordpresss_own_never() {
        let index =
            json!({ "namespaces": ["wp/v2", "oembed/1.0", "shop/v3", "ai-connector/v1", "mcp", "x?y"] });
        assert_eq!(namespaces(&index), ["mcp", "ai-connector/v1", "shop/v3"]);
    }
}
