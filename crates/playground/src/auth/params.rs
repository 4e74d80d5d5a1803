use std::collections::BTreeMap;

/// The parameters of a query or a form.
pub(crate) struct Params(BTreeMap<String, Vec<String>>);

impl Params {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut all = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            // A parameter without a value counts as missing (RFC 6749 §3.1).
            if !value.is_empty() {
                all.entry(name.into_owned()).or_default().push(value.into_owned());
            }
        }
        Self(all)
    }

    /// Whether one is there twice, which RFC 6749 §3.1 forbids; RFC 8707 allows it for `resource` alone.
    pub(crate) fn repeated(&self) -> bool {
        self.0.iter().any(|(name, values)| name != "resource" && values.len() > 1)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|values| values.first()).map(String::as_str)
    }

    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}
