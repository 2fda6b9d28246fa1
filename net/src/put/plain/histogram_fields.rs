//! The fields of one point of `/api/histogram` beyond those of every point, types checked.

use super::fields::Text;
use super::reader::Token;
use crate::number;
use crate::put::rules::trimmed;

/// See the module.
#[derive(Debug, Default)]
pub struct HistogramFields<'a> {
    /// The codec of a binary value; 0 if missing.
    pub id: i64,
    /// The count below all buckets; 0 if missing.
    pub underflow: i64,
    /// The count above all buckets; 0 if missing.
    pub overflow: i64,
    /// Bounds as sent, and counts; repeats are found later.
    pub buckets: Vec<(Text<'a>, i64)>,
}

impl<'a> HistogramFields<'a> {
    /// Sets a field from a value that is not the beginning of buckets; `None` if the name is none
    /// of these. The answer is what is wrong with its type.
    pub fn set(&mut self, name: &[u8], token: &Token<'a>) -> Option<Option<&'static str>> {
        let slot = match name {
            b"id" => &mut self.id,
            b"underflow" => &mut self.underflow,
            b"overflow" => &mut self.overflow,
            b"buckets" => {
                self.buckets.clear();
                let null = *token == Token::Null;
                return Some((!null).then_some("the buckets are not an object"));
            }
            _ => return None,
        };
        Some(match integer(token) {
            Some(number) => {
                *slot = number;
                None
            }
            None => Some("a count or id is not an integer"),
        })
    }

    /// Adds a bucket. The answer is what is wrong with the type of its count.
    pub fn set_bucket(&mut self, key: Text<'a>, token: &Token<'a>) -> Option<&'static str> {
        let Some(count) = integer(token) else { return Some("a count is not an integer") };
        self.buckets.push((key, count));
        None
    }
}

/// As OpenTSDB's JSON library takes integers: texts, cut fractions, null as 0.
fn integer(token: &Token<'_>) -> Option<i64> {
    match token {
        Token::Null => Some(0),
        Token::Text(text) if trimmed(text).is_empty() => Some(0),
        Token::Text(text) => number::integer(trimmed(text)).ok(),
        Token::Number(text) => number::integer(text).ok().or_else(|| {
            let float: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (float.abs() < 9.2e18).then_some(float as i64)
        }),
        _ => None,
    }
}
