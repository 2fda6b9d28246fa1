//! The fields of one point as they stand in the body, types checked, nothing else.

use super::histogram_fields::HistogramFields;
use super::reader::Token;
use crate::number::Timestamp;
use crate::put::rules;
use std::borrow::Cow;
use std::collections::HashMap;

/// Text of a body: borrowed unless it held escapes.
pub type Text<'a> = Cow<'a, [u8]>;
/// Key and value of a tag; the value may be null.
pub type Tag<'a> = (Text<'a>, Option<Text<'a>>);

/// Up to so many tags, looking at all of them is the quickest way to find one.
const TAGS_SEARCHED_MAX: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    /// Without the relaxations.
    pub strict: bool,
    /// Missing and null are `None`.
    pub metric: Option<Text<'a>>,
    /// Only missing is `None`; null is 0.
    pub timestamp: Option<Timestamp>,
    /// Missing and null are `None`.
    pub value: Option<Text<'a>>,
    /// With unique keys.
    pub tags: Vec<Tag<'a>>,
    /// How they were sent.
    pub tags_sent: Sent,
    /// Where points are histograms, what only those have.
    pub histogram: Option<HistogramFields<'a>>,
}

/// How the tags of a point were sent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Not at all, or as what they cannot be.
    #[default]
    Missing,
    /// As an explicit null.
    Null,
    /// As an object.
    Object,
}

impl<'a> Fields<'a> {
    /// Forgets all fields, keeps the memory.
    pub fn clear(&mut self) {
        let mut tags = std::mem::take(&mut self.tags);
        tags.clear();
        let histogram = self.histogram.take().map(|_| HistogramFields::default());
        *self = Fields { tags, strict: self.strict, histogram, ..Fields::default() };
    }

    /// Sets a field from a value that is not the beginning of tags; the last of a name wins. The
    /// answer is what is wrong with its type.
    pub fn set(&mut self, name: &[u8], token: Token<'a>) -> Option<&'static str> {
        let histogram = self.histogram.as_mut().and_then(|histogram| histogram.set(name, &token));
        if let Some(wrong) = histogram {
            return wrong;
        }
        match name {
            b"metric" => set_text(&mut self.metric, token, "the metric is not a text"),
            b"value" => set_text(&mut self.value, token, "the value is not a number"),
            b"timestamp" => self.set_timestamp(&token),
            b"tags" => {
                let null = token == Token::Null;
                self.clear_tags(if null { Sent::Null } else { Sent::Missing });
                (!null).then_some("the tags are not an object")
            }
            _ => None,
        }
    }

    fn set_timestamp(&mut self, token: &Token<'a>) -> Option<&'static str> {
        let read = match token {
            Token::Null => Some(rules::NO_TIMESTAMP),
            Token::Number(text) => rules::timestamp_number(text, self.strict),
            Token::Text(text) => rules::timestamp_text(text, self.strict),
            _ => None,
        };
        match read {
            None => Some("the timestamp is not a number"),
            read => {
                self.timestamp = read;
                None
            }
        }
    }

    /// Drops the tags read before.
    pub fn clear_tags(&mut self, sent: Sent) {
        self.tags.clear();
        self.tags_sent = sent;
    }

    /// Sets a tag; [`Fields::unique`] must follow the last one. The answer is what is wrong with
    /// the type of its value.
    pub fn set_tag(&mut self, key: Text<'a>, token: Token<'a>) -> Option<&'static str> {
        let mut value = None;
        let wrong = set_text(&mut value, token, "the value of a tag is not a text");
        let searched = if self.tags.len() < TAGS_SEARCHED_MAX { &mut *self.tags } else { &mut [] };
        match searched.iter_mut().find(|(other, _)| *other == key) {
            Some((_, other)) => *other = value,
            None => self.tags.push((key, value)),
        }
        wrong
    }

    /// Leaves only the last tag of each key.
    pub fn unique(&mut self) {
        if self.tags.len() < TAGS_SEARCHED_MAX {
            return;
        }
        let mut places: HashMap<Text<'a>, usize> = HashMap::new();
        let mut unique: Vec<Tag<'a>> = Vec::new();
        for (key, value) in self.tags.drain(..) {
            match places.get(&key) {
                Some(&place) => unique[place].1 = value,
                None => {
                    places.insert(key.clone(), unique.len());
                    unique.push((key, value));
                }
            }
        }
        self.tags = unique;
    }
}

fn set_text<'a>(
    field: &mut Option<Text<'a>>,
    token: Token<'a>,
    wrong: &'static str,
) -> Option<&'static str> {
    *field = match token {
        Token::Text(text) => Some(text),
        Token::Number(text) | Token::Bool(text) => Some(Cow::Borrowed(text)),
        Token::Null => None,
        Token::Object | Token::Array => return Some(wrong),
    };
    None
}
