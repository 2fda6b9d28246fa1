//! Histograms of an imported line: `{"u":0,"o":1,"buckets":[[0,1.5,42]]}`, or `{"id":7,"base64":".."}`,
//! whose bytes are taken back as they are, whatever codecs this node knows. Pure.

use super::{Sample, json};
use crate::histogram::{self, codecs, refuse, text};
use crate::number;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::reject::Reject;
use irontsd_engine::histogram::{Buckets, Histogram};

/// Reads the items of an array; a `null` is no sample.
pub fn read(reader: &mut Reader<'_>) -> Result<Vec<Option<Sample>>, Reject> {
    let (mut items, mut first) = (Vec::new(), true);
    while reader.item(first).map_err(json)? {
        first = false;
        let at = reader.offset();
        items.push(match reader.token().map_err(json)? {
            Token::Null => None,
            Token::Object => {
                let mut bytes = Vec::new();
                histogram::encode(&object(reader, at)?, &mut bytes)?;
                Some(Sample::Histogram(bytes))
            }
            _ => return Err(json(Fault { at, what: "a histogram is not an object" })),
        });
    }
    Ok(items)
}

fn object(reader: &mut Reader<'_>, start: usize) -> Result<Histogram, Reject> {
    let (mut underflow, mut overflow, mut list) = (0, 0, Vec::new());
    let (mut id, mut bytes) = (None, None);
    let mut first = true;
    while let Some(key) = reader.key(first).map_err(json)? {
        first = false;
        let at = reader.offset();
        let token = reader.token().map_err(json)?;
        let wrong = |what| json(Fault { at, what });
        match &*key {
            b"u" => underflow = count(&token).ok_or_else(|| wrong("u is not an integer"))?,
            b"o" => overflow = count(&token).ok_or_else(|| wrong("o is not an integer"))?,
            b"id" => {
                let number = count(&token).and_then(|id| u8::try_from(id).ok());
                id = Some(number.ok_or_else(|| wrong("id is not a number from 0 to 255"))?);
            }
            b"base64" => match &token {
                Token::Text(text) => bytes = Some(codecs::from_base64(text)?),
                _ => return Err(wrong("base64 is not a string")),
            },
            b"buckets" if token == Token::Array => list = buckets(reader)?,
            b"buckets" => return Err(wrong("buckets are not an array")),
            _ => reader.skip(&token, 4).map_err(json)?,
        }
    }
    match (id, bytes) {
        (None, None) => {
            let buckets = Buckets::new(underflow, overflow, list);
            let placed = |bad| refuse(format!("histogram at byte {start}: {bad}"));
            buckets.map(Histogram::Buckets).map_err(placed)
        }
        (Some(id), Some(bytes)) => Ok(Histogram::Opaque { id, bytes }),
        _ => Err(json(Fault { at: start, what: "id and base64 come together or not at all" })),
    }
}

type Bucket = (f64, f64, i64);

fn buckets(reader: &mut Reader<'_>) -> Result<Vec<Bucket>, Reject> {
    let (mut list, mut first) = (Vec::new(), true);
    while reader.item(first).map_err(json)? {
        first = false;
        let at = reader.offset();
        let wrong = || json(Fault { at, what: "a bucket is not [lower, upper, count]" });
        if reader.token().map_err(json)? != Token::Array {
            return Err(wrong());
        }
        let mut fields = Vec::new();
        while reader.item(fields.is_empty()).map_err(json)? {
            match reader.token().map_err(json)? {
                Token::Number(text) if fields.len() < 3 => fields.push(text),
                _ => return Err(wrong()),
            }
        }
        let &[low, high, count] = &fields[..] else { return Err(wrong()) };
        let bounds = text::bound(low).zip(text::bound(high));
        let (low, high) = bounds.ok_or_else(wrong)?;
        list.push((low, high, text::count(count).ok_or_else(wrong)?));
    }
    Ok(list)
}

fn count(token: &Token<'_>) -> Option<i64> {
    match token {
        Token::Number(text) => number::integer(text).ok(),
        _ => None,
    }
}
