use model::ShortName;

/// A short name for a service at `url`: the telling part of its host's name, else its own title.
pub(crate) fn name_for(url: &str, title: Option<&str>) -> ShortName {
    const COMMON: [&str; 6] = ["www", "mcp", "api", "app", "apis", "server"];
    let host = url::Url::parse(url).ok().and_then(|u| match u.host() {
        Some(url::Host::Domain(d)) if d != "localhost" => Some(d.to_owned()),
        _ => None,
    });
    let from_host = host.and_then(|h| {
        let labels: Vec<&str> = h.split('.').collect();
        // The last label is the country or the kind; before it stands whose it is.
        let own = if labels.len() > 1 { &labels[..labels.len() - 1] } else { &labels[..] };
        let telling = own.iter().rev().find(|l| l.len() > 2 && !COMMON.contains(l));
        ShortName::nearest(telling.or(own.last())?)
    });
    from_host.or_else(|| ShortName::nearest(title?)).unwrap_or_else(fallback)
}

#[allow(clippy::expect_used, reason = "a constant that a test reads")]
fn fallback() -> ShortName {
    ShortName::nearest("service").expect("a short name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_for_whose_it_is() {
        let cases = [
            ("https://mcp.mittwald.de/mcp", None, "mittwald"),
            ("https://api.githubcopilot.com/mcp/", None, "githubcopilo"),
            ("https://blog.anna.example.co.uk/wp-json/mcp", None, "example"),
            ("http://127.0.0.1:9000/mcp", Some("Notes of Anna"), "notes_of_ann"),
            ("http://[::1]:9000/mcp", None, "service"),
            ("https://x.io", None, "x"),
        ];
        for (url, title, name) in cases {
            assert_eq!(name_for(url, title).as_str(), name, "{url}");
        }
    }
}
