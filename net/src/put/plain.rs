//! The plain reader: any body, element by element. Its results are what the fast one is measured
//! by, and the only ones for a body that is not entirely good.

pub mod fields;
pub mod histogram_fields;
pub mod reader;

use super::rules::{self, BAD_JSON, Judge};
use super::{Batch, BodyError, NO_DATAPOINTS, Refused, What};
use crate::point::Tags;
use crate::reject::{Reason, Reject};
use fields::{Fields, Sent};
use histogram_fields::HistogramFields;
use reader::{Fault, Reader, Token};

/// One element of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `null`.
    Null,
    /// An object whose known fields have the right types.
    Point,
    /// An object with a field of the wrong type.
    Wrong(Fault),
    /// Something else.
    Other(Fault),
}

/// The elements of a body: one object, or those of an array.
#[derive(Debug)]
pub struct Elements<'a> {
    reader: Reader<'a>,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Array,
    End,
}

/// How deep an element of an array is.
const ELEMENT_DEPTH: usize = 2;

impl<'a> Elements<'a> {
    /// Starts before the first element.
    pub fn new(body: &'a [u8]) -> Elements<'a> {
        Elements { reader: Reader::new(body), place: Place::Start }
    }

    /// Reads the next element into `fields`, which hold what has the right type.
    pub fn next(&mut self, fields: &mut Fields<'a>) -> Result<Option<Element>, Fault> {
        let first = self.place == Place::Start;
        let (mut at, mut token) = (0, Token::Array);
        if first {
            at = self.reader.offset();
            token = self.reader.token()?;
            self.place = if token == Token::Array { Place::Array } else { Place::End };
        } else if self.place == Place::End {
            return Ok(None);
        }
        if self.place == Place::Array {
            if !self.reader.item(first)? {
                self.place = Place::End;
                return Ok(None);
            }
            at = self.reader.offset();
            token = self.reader.token()?;
        }
        self.element(at, &token, fields).map(Some)
    }

    fn element(
        &mut self,
        at: usize,
        token: &Token<'a>,
        fields: &mut Fields<'a>,
    ) -> Result<Element, Fault> {
        fields.clear();
        match token {
            Token::Null => Ok(Element::Null),
            Token::Object => self.object(fields),
            other => {
                self.reader.skip(other, ELEMENT_DEPTH)?;
                Ok(Element::Other(Fault { at, what: "the element is not an object" }))
            }
        }
    }

    fn object(&mut self, fields: &mut Fields<'a>) -> Result<Element, Fault> {
        let (mut first, mut wrong) = (true, None);
        while let Some(key) = self.reader.key(first)? {
            first = false;
            let at = self.reader.offset();
            let token = self.reader.token()?;
            let found = if *key == *b"tags" && token == Token::Object {
                self.tags(fields)?
            } else if *key == *b"buckets" && token == Token::Object && fields.histogram.is_some() {
                self.buckets(fields)?
            } else {
                self.reader.skip(&token, ELEMENT_DEPTH + 1)?;
                fields.set(&key, token).map(|what| Fault { at, what })
            };
            wrong = wrong.or(found);
        }
        Ok(wrong.map_or(Element::Point, Element::Wrong))
    }

    fn buckets(&mut self, fields: &mut Fields<'a>) -> Result<Option<Fault>, Fault> {
        let mut histogram = fields.histogram.take().unwrap_or_default();
        histogram.buckets.clear();
        let (mut first, mut wrong) = (true, None);
        while let Some(key) = self.reader.key(first)? {
            first = false;
            let at = self.reader.offset();
            let token = self.reader.token()?;
            self.reader.skip(&token, ELEMENT_DEPTH + 2)?;
            let found = histogram.set_bucket(key, &token).map(|what| Fault { at, what });
            wrong = wrong.or(found);
        }
        fields.histogram = Some(histogram);
        Ok(wrong)
    }

    fn tags(&mut self, fields: &mut Fields<'a>) -> Result<Option<Fault>, Fault> {
        fields.clear_tags(Sent::Object);
        let (mut first, mut wrong) = (true, None);
        while let Some(key) = self.reader.key(first)? {
            first = false;
            let at = self.reader.offset();
            let token = self.reader.token()?;
            self.reader.skip(&token, ELEMENT_DEPTH + 2)?;
            let found = fields.set_tag(key, token).map(|what| Fault { at, what });
            wrong = wrong.or(found);
        }
        fields.unique();
        Ok(wrong)
    }
}

/// Judges all points of a body: the good ones are in the batch then.
pub fn collect(
    body: &[u8],
    judge: &Judge<'_>,
    what: What,
    batch: &mut Batch,
) -> Result<Refused, BodyError> {
    batch.clear();
    if let Err(error) = std::str::from_utf8(body) {
        let at = error.valid_up_to();
        return Err(BodyError::at(Reason::InvalidUtf8, Fault { at, what: "invalid UTF-8" }));
    }
    let strict = judge.policy.strict;
    let histogram = (what == What::Histograms).then(HistogramFields::default);
    let mut elements = Elements::new(body);
    let mut fields = Fields { strict, histogram, ..Fields::default() };
    let (mut tags, mut refused) = (Tags::default(), Refused::default());
    let (mut count, mut right, mut wrong) = (0, 0, None);
    while let Some(element) = elements.next(&mut fields).map_err(BodyError::json)? {
        let verdict = match element {
            Element::Null => Err(rules::illegal("Unexpected null datapoint encountered in set.")),
            Element::Point => judge.fields(count, &mut fields, &mut tags, batch),
            Element::Wrong(_) | Element::Other(_) => Err(Reject::new(Reason::Json, BAD_JSON)),
        };
        match element {
            Element::Wrong(fault) | Element::Other(fault) => wrong = wrong.or(Some(fault)),
            _ => right += 1,
        }
        if let Err(reject) = verdict {
            refused.add(count, reject);
        }
        count += 1;
    }
    match wrong {
        Some(fault) if right == 0 || strict => Err(BodyError::json(fault)),
        None if count == 0 => Err(BodyError::bare(NO_DATAPOINTS)),
        _ => Ok(refused),
    }
}
