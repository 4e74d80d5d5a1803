use std::collections::HashSet;
use url::form_urlencoded;

/// The parameters of a query or a form, in order.
///
/// One without a value counts as left out (RFC 6749 §3.1).
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Read a query or a form body. Any bytes are one.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter that may stand once.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may stand more than once.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether that parameter stands more than once.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }

    /// Whether any parameter stands more than once; only `resource` may (RFC 8707 §2).
    pub(crate) fn any_repeats(&self) -> bool {
        let mut seen = HashSet::new();
        self.0.iter().any(|(name, _)| name != "resource" && !seen.insert(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_counts_as_left_out() {
        let params = Params::read(b"a=&b=1&c");
        assert_eq!((params.get("a"), params.get("b"), params.get("c")), (None, Some("1"), None));
    }

    #[test]
    fn only_the_resource_may_stand_twice() {
        assert!(Params::read(b"a=1&b=2&a=1").any_repeats());
        assert!(!Params::read(b"resource=1&b=2&resource=3").any_repeats());
    }
}
