//! Text of a JSON file that is not copied where it stands there as it is. A `tokenizer.json` has some hundred thousand.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// A text, equal to and hashed like its `str`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JsonText<'f>(#[serde(borrow)] Cow<'f, str>);

/// Entry -> id.
pub type Vocabulary<'f> = FxHashMap<JsonText<'f>, u32>;

impl Deref for JsonText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for JsonText<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Hash for JsonText<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// A merge: two entries, in a list or with a space between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge<'f> {
    /// `"a b"`.
    Joined(JsonText<'f>),
    /// `["a", "b"]`.
    Pair(JsonText<'f>, JsonText<'f>),
}

impl<'de: 'f, 'f> Deserialize<'de> for Merge<'f> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'f> Visitor<'f> for Either {
            type Value = Merge<'f>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("two entries")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'f str) -> Result<Self::Value, E> {
                Ok(Merge::Joined(JsonText(Cow::Borrowed(text))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Merge::Joined(JsonText(Cow::Owned(text.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'f>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let two = || A::Error::custom("not two entries");
                let (left, right) = (seq.next_element()?, seq.next_element()?);
                if seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
                    return Err(two());
                }
                Ok(Merge::Pair(left.ok_or_else(two)?, right.ok_or_else(two)?))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_copied_only_where_it_is_escaped() {
        let vocabulary: Vocabulary<'_> = serde_json::from_str(r#"{"Ġa": 1, "\u0120b": 2, "\"": 3}"#).unwrap();
        for (entry, id) in [("Ġa", 1), ("Ġb", 2), ("\"", 3)] {
            assert_eq!(vocabulary.get(entry), Some(&id));
        }
        let borrowed = vocabulary.keys().filter(|key| matches!(key.0, Cow::Borrowed(_))).count();
        assert_eq!(borrowed, 1);
    }

    #[test]
    fn merges_are_lists_of_two_or_texts() {
        let merges: Vec<Merge<'_>> = serde_json::from_str(r#"["a b", ["c", "\"d"]]"#).unwrap();
        let text = |text: &'static str| JsonText(Cow::Borrowed(text));
        assert_eq!(merges, [Merge::Joined(text("a b")), Merge::Pair(text("c"), text("\"d"))]);
        for wrong in [r#"[["a"]]"#, r#"[["a", "b", "c"]]"#, "[1]", "[null]"] {
            assert!(serde_json::from_str::<Vec<Merge<'_>>>(wrong).is_err(), "{wrong}");
        }
    }
}
