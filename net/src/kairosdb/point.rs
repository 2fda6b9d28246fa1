//! One point of a KairosDB body: `[timestamp, value]`, or the same as fields of its metric. Pure.

use super::metric::FIELD_DEPTH;
use crate::number::{self, BadNumber};
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::put::rules::trimmed;
use crate::reject::Reason;
use irontsd_engine::types::{TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, Value};

/// What is wrong with a point.
pub(super) enum Bad {
    /// A sentence, behind the place.
    Says(&'static str),
    /// The value's number.
    Value(BadNumber),
    /// A timestamp that is no number.
    Time(String),
    /// A timestamp that cannot be stored.
    Range(i64),
    /// A type that is none of numbers.
    Kind(String),
}

impl Bad {
    /// For counting.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Bad::Says(_) | Bad::Kind(_) => Reason::IllegalArgument,
            Bad::Value(_) | Bad::Time(_) => Reason::InvalidValue,
            Bad::Range(_) => Reason::TimestampRange,
        }
    }

    /// With the point's place.
    pub(super) fn message(&self, place: &str) -> String {
        match self {
            Bad::Says(text) => format!("{place}{text}"),
            Bad::Value(bad) => format!("{place}.value is not a finite number: {bad}"),
            Bad::Time(text) => format!("{place}.timestamp is not a whole number: {text}"),
            Bad::Range(number) => format!("{place}.timestamp is out of range: {number}"),
            Bad::Kind(kind) => format!("Unregistered data point type '{kind}'"),
        }
    }
}

/// For a message.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A scalar's text.
pub(super) fn text<'t>(token: &'t Token<'_>) -> Option<&'t [u8]> {
    match token {
        Token::Text(text) => Some(text),
        Token::Number(text) | Token::Bool(text) => Some(text),
        Token::Null | Token::Object | Token::Array => None,
    }
}

/// Reads `[timestamp, value]` or `[timestamp, value, type]`.
pub(super) fn array_point<'a>(
    reader: &mut Reader<'a>,
    kind: Option<&(Token<'a>, Reader<'a>)>,
) -> Result<Result<(i64, Value), Bad>, Fault> {
    let start = reader.token()?;
    if start != Token::Array {
        reader.skip(&start, FIELD_DEPTH + 1)?;
        return Ok(Err(Bad::Says(" is not an array.")));
    }
    let mut parts = [None, None, None];
    let mut count = 0;
    while reader.item(count == 0)? {
        let token = reader.token()?;
        reader.skip(&token, FIELD_DEPTH + 2)?;
        if let Some(part) = parts.get_mut(count) {
            *part = Some(token);
        }
        count += 1;
    }
    let [time, value, own_kind] = parts;
    Ok(match (time, value) {
        (None, _) => Err(Bad::Says(".timestamp cannot be null or empty.")),
        (_, None) => Err(Bad::Says(".value cannot be null or empty.")),
        (Some(time), Some(value)) => {
            point(&time, &value, own_kind.as_ref().or(kind.map(|(token, _)| token)))
        }
    })
}

/// Judges a point by its parts.
pub(super) fn point(
    time: &Token<'_>,
    value: &Token<'_>,
    kind: Option<&Token<'_>>,
) -> Result<(i64, Value), Bad> {
    let ms = milliseconds(time)?;
    let text = match value {
        Token::Null => return Err(Bad::Says(".value may not be empty.")),
        Token::Text(text) if text.is_empty() => return Err(Bad::Says(".value may not be empty.")),
        Token::Text(text) => text,
        Token::Number(text) => *text,
        _ => return Err(Bad::Says(".value is not a number.")),
    };
    // Numbers are kept as they were written, whichever of the two types they are said to have.
    match kind.map(|kind| (kind, self::text(kind))) {
        None | Some((Token::Null, _)) | Some((_, Some(b"long" | b"double"))) => {}
        Some((_, kind)) => return Err(Bad::Kind(shown(kind.unwrap_or(b"?")))),
    }
    Ok((ms, number::value(text).map_err(Bad::Value)?))
}

/// Milliseconds; a fraction of one is cut off.
fn milliseconds(token: &Token<'_>) -> Result<i64, Bad> {
    let text = match token {
        Token::Null => return Err(Bad::Says(".timestamp may not be null.")),
        Token::Text(text) => trimmed(text),
        Token::Number(text) => text,
        _ => return Err(Bad::Says(".timestamp is not a number.")),
    };
    let number = whole(text).ok_or_else(|| Bad::Time(shown(text)))?;
    if (TIMESTAMP_MS_MIN..=TIMESTAMP_MS_MAX).contains(&number) {
        Ok(number)
    } else {
        Err(Bad::Range(number))
    }
}

fn whole(text: &[u8]) -> Option<i64> {
    if let Ok(number) = number::integer(text) {
        return Some(number);
    }
    // Only a decimal number comes further.
    let decimal = number::value(text).ok()?;
    let end = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let exponent = text.iter().any(|byte| matches!(byte, b'e' | b'E'));
    match number::integer(&text[..end]) {
        Ok(number) if !exponent => Some(number),
        _ => Some(decimal.as_f64() as i64),
    }
}
