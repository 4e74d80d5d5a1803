use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// A JSON object whose members' values are the JSON text they came as, in the order they came.
///
/// What Bellhop does not interpret goes through it unchanged: numbers of any size, escapes, unknown members.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Cow<'a, RawValue>)>,
}

/// Any value as raw JSON. `null` for a value that has no JSON, such as a map whose keys are no text.
pub fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl<'a> Object<'a> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an object. Does not look into its members: see [`crate::Message`] for what comes from outside.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// A member's value.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref())
    }

    /// A member that is a text; `None` when it is not there or something else.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        serde_json::from_str::<Text<'_>>(self.get(name)?.get()).ok().map(|t| t.0)
    }

    /// A member that is an object; `None` when it is not there or something else.
    pub fn object(&self, name: &str) -> Option<Object<'_>> {
        Object::parse(self.get(name)?.get()).ok()
    }

    /// A member that is a list; `None` when it is not there or something else.
    pub fn list(&self, name: &str) -> Option<Vec<&RawValue>> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// A member that is true or false; `None` when it is not there or something else.
    pub fn flag(&self, name: &str) -> Option<bool> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Puts a value in the place of the member of this name, or at the end.
    pub fn set(&mut self, name: &'static str, value: Box<RawValue>) {
        match self.members.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => *v = Cow::Owned(value),
            None => self.members.push((Cow::Borrowed(name), Cow::Owned(value))),
        }
    }

    /// The same object with this member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.set(name, raw(&value));
        self
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|(n, _)| n != name);
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Puts a value under a name that is only known while running, at the end. The caller sees to it that
    /// each name is put once.
    pub fn put(&mut self, name: String, value: Box<RawValue>) {
        self.members.push((Cow::Owned(name), Cow::Owned(value)));
    }

    /// The same object, holding its own text.
    pub fn into_owned(self) -> Object<'static> {
        let own = |(name, value): (Cow<'a, str>, Cow<'a, RawValue>)| {
            (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned()))
        };
        Object { members: self.members.into_iter().map(own).collect() }
    }

    /// The members in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.members.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))
    }

    pub(crate) fn into_members(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, RawValue>)> {
        self.members.into_iter()
    }

    /// As JSON.
    pub fn to_raw(&self) -> Box<RawValue> {
        raw(self)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value.as_ref())?;
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some(name) = map.next_key_seed(TextSeed)? {
                    members.push((name, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
                }
                Ok(Object { members })
            }
        }
        d.deserialize_map(Members)
    }
}

/// A JSON text, borrowed where it has no escapes. (`Cow` of serde's own always copies.)
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        TextSeed.deserialize(d).map(Self)
    }
}

struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text_to_the_last_digit_and_escape() {
        let json = r#"{"n":123456789012345678901234567890.10,"e":1e400,"s":"\u00e4\/","z":null,"a":[1, 2]}"#;
        assert_eq!(Object::parse(json).unwrap().to_raw().get(), json);
    }

    #[test]
    fn a_replaced_member_keeps_its_place() {
        let object = Object::parse(r#"{"a":1,"name":"x","b":2}"#).unwrap().with("name", "y").with("c", 3);
        assert_eq!(object.to_raw().get(), r#"{"a":1,"name":"y","b":2,"c":3}"#);
    }
}
