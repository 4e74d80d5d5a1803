use url::Url;

/// The root of a site's REST API: `…/wp-json/`, or `…/?rest_route=/` where permalinks are off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest(Url);

impl Rest {
    /// The root at this address, whichever form it has.
    pub(super) fn at(mut root: Url) -> Self {
        root.set_fragment(None);
        if query_form(&root) {
            root.set_query(Some("rest_route=/"));
        } else {
            root.set_query(None);
            if !root.path().ends_with('/') {
                root.set_path(&format!("{}/", root.path()));
            }
        }
        Self(root)
    }

    /// The address of a route such as `/wp/v2/users/me`, with these parameters.
    pub(crate) fn route(&self, route: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        let route = route.trim_start_matches('/');
        if query_form(&url) {
            // Written by hand: WordPress itself leaves the slashes of a route as they are.
            url.set_query(Some(&format!("rest_route=/{route}")));
        } else {
            url.set_path(&format!("{}{route}", self.0.path()));
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// The root's address, to be kept with a credential.
    pub(crate) fn root(&self) -> &Url {
        &self.0
    }
}

/// Whether an address is that of a route, and not of a page.
pub(crate) fn is_route(url: &Url) -> bool {
    query_form(url) || url.path().contains("/wp-json/")
}

fn query_form(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name == "rest_route")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_in_both_forms_of_the_rest_api() {
        let at = |text: &str| Rest::at(Url::parse(text).unwrap());
        for (root, expected) in [
            ("https://a.example/wp-json", "https://a.example/wp-json/wp/v2/users/me?context=edit"),
            (
                "https://a.example/blog/wp-json/?x=1",
                "https://a.example/blog/wp-json/wp/v2/users/me?context=edit",
            ),
            (
                "https://a.example/index.php?rest_route=/",
                "https://a.example/index.php?rest_route=/wp/v2/users/me&context=edit",
            ),
            (
                "https://a.example/?rest_route=%2F",
                "https://a.example/?rest_route=/wp/v2/users/me&context=edit",
            ),
        ] {
            assert_eq!(at(root).route("/wp/v2/users/me", &[("context", "edit")]).as_str(), expected);
        }
    }
}
