//! The digest of what an export returned: JSON lines of series with their samples.
//!
//! A line is `{"metric":{"__name__":"m","k":"v"},"values":[1,2.5],"timestamps":[1,2]}`; a series
//! may take several. The parser knows this shape and nothing else, so that it keeps up with an
//! export of tens of millions of samples.

use std::borrow::Cow;
use std::io::{self, Read};

use super::buckets;
use super::digest::{Digest, DigestError, SeriesHash, Tally, ValueHash};
use super::sent::number;

const READ_BYTES: usize = 256 * 1024;

type Parsed<T> = Result<T, &'static str>;

/// Digests an export to its end.
pub fn digest_export(body: impl Read) -> io::Result<Digest> {
    tally_export(body)
}

/// Reads an export to its end.
pub(super) fn tally_export<T: Tally + Default>(mut body: impl Read) -> io::Result<T> {
    let mut export = Export::default();
    let mut chunk = vec![0; READ_BYTES];
    loop {
        match body.read(&mut chunk) {
            Ok(0) => return export.finish().map_err(io::Error::other),
            Ok(length) => export.feed(&chunk[..length]).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Digests an export that arrives in pieces.
#[derive(Default)]
pub struct ExportDigest {
    export: Export<Digest>,
}

impl ExportDigest {
    /// Takes the next piece of the body.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), DigestError> {
        self.export.feed(piece)
    }

    /// Takes the end of the body; a last line without a line end counts.
    pub fn finish(self) -> Result<Digest, DigestError> {
        self.export.finish()
    }
}

/// An export that is read in pieces.
#[derive(Default)]
struct Export<T> {
    tally: T,
    /// The start of a line whose end has not arrived.
    partial: Vec<u8>,
    samples: Samples,
}

impl<T: Tally + Default> Export<T> {
    fn feed(&mut self, mut piece: &[u8]) -> Result<(), DigestError> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&piece[..end], &piece[end + 1..]);
            if self.partial.is_empty() {
                self.add_line(line)?;
            } else {
                self.partial.extend_from_slice(line);
                self.add_partial()?;
            }
            piece = rest;
        }
        self.partial.extend_from_slice(piece);
        Ok(())
    }

    fn finish(mut self) -> Result<T, DigestError> {
        self.add_partial()?;
        Ok(self.tally)
    }

    fn add_partial(&mut self) -> Result<(), DigestError> {
        let mut line = std::mem::take(&mut self.partial);
        self.add_line(&line)?;
        line.clear();
        self.partial = line;
        Ok(())
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), DigestError> {
        if line.is_empty() {
            return Ok(());
        }
        let series = self.samples.read(line).map_err(|reason| DigestError::new(reason, line))?;
        for (value, time_ms) in self.samples.values.iter().zip(&self.samples.times_ms) {
            self.tally.add(series, *time_ms, *value);
        }
        Ok(())
    }
}

/// The two arrays of one line.
#[derive(Default)]
struct Samples {
    values: Vec<ValueHash>,
    times_ms: Vec<i64>,
}

impl Samples {
    /// Reads a line into the arrays and returns its series.
    fn read(&mut self, line: &[u8]) -> Parsed<SeriesHash> {
        self.values.clear();
        self.times_ms.clear();
        let mut text = Text { rest: line };
        let mut series = None;
        text.list(b'{', b'}', |text| {
            match text.key()?.as_ref() {
                b"metric" => series = Some(text.labels()?),
                b"values" | b"histograms" => text.numbers(&mut self.values, value)?,
                b"timestamps" => text.numbers(&mut self.times_ms, number)?,
                _ => return Err("an unknown key"),
            }
            Ok(())
        })?;
        if !text.rest.is_empty() {
            return Err("text behind the object");
        }
        if self.values.len() != self.times_ms.len() {
            return Err("unequal numbers of values and timestamps");
        }
        series.ok_or("no metric")
    }
}

/// A number, or a histogram's object.
#[inline]
fn value(text: &[u8]) -> Option<ValueHash> {
    ValueHash::of(text).or_else(|| buckets::of_json(text))
}

/// What is left of a line.
struct Text<'a> {
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn take(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn need(&mut self, byte: u8, reason: &'static str) -> Parsed<()> {
        self.take(byte).then_some(()).ok_or(reason)
    }

    /// Items with commas between them, from `open` to `close`.
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Parsed<()>,
    ) -> Parsed<()> {
        self.need(open, "no opening bracket")?;
        if self.take(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take(close) {
                return Ok(());
            }
            self.need(b',', "neither a comma nor a closing bracket")?;
        }
    }

    fn key(&mut self) -> Parsed<Cow<'a, [u8]>> {
        let key = self.string()?;
        self.need(b':', "no colon after a key")?;
        Ok(key)
    }

    fn labels(&mut self) -> Parsed<SeriesHash> {
        let mut series = SeriesHash::default();
        self.list(b'{', b'}', |text| {
            let (key, value) = (text.key()?, text.string()?);
            series = match key.as_ref() {
                b"__name__" => series.metric(&value),
                key => series.tag(key, &value),
            };
            Ok(())
        })?;
        Ok(series)
    }

    fn numbers<T>(&mut self, out: &mut Vec<T>, read: impl Fn(&[u8]) -> Option<T>) -> Parsed<()> {
        self.list(b'[', b']', |text| {
            let end = match text.rest.first() {
                // A histogram's only braces are around it.
                Some(b'{') => text.rest.iter().position(|byte| *byte == b'}').map(|at| at + 1),
                _ => text.rest.iter().position(|byte| matches!(byte, b',' | b']')),
            };
            let (digits, rest) = text.rest.split_at(end.ok_or("an array without an end")?);
            text.rest = rest;
            out.push(read(digits).ok_or("not a number")?);
            Ok(())
        })
    }

    fn string(&mut self) -> Parsed<Cow<'a, [u8]>> {
        self.need(b'"', "no opening quote")?;
        let end = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        let (plain, rest) = self.rest.split_at(end.ok_or("a string without an end")?);
        self.rest = rest;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain.to_vec()).map(Cow::Owned)
    }

    /// The rest of a string that holds escapes.
    fn escaped(&mut self, mut out: Vec<u8>) -> Parsed<Vec<u8>> {
        loop {
            match self.byte()? {
                b'"' => return Ok(out),
                b'\\' => self.escape(&mut out)?,
                byte => out.push(byte),
            }
        }
    }

    fn byte(&mut self) -> Parsed<u8> {
        let (first, rest) = self.rest.split_first().ok_or("a string without an end")?;
        self.rest = rest;
        Ok(*first)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let plain = match self.byte()? {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(out),
            byte => byte,
        };
        out.push(plain);
        Ok(())
    }

    /// Four hexadecimal digits, or twice four for a character beyond the first plane.
    fn unicode(&mut self, out: &mut Vec<u8>) -> Parsed<()> {
        let first = self.hex4()?;
        let paired = (0xd800..0xdc00).contains(&first) && self.take(b'\\') && self.take(b'u');
        let second = if paired { Some(self.hex4()?) } else { None };
        let units = [Some(first), second].into_iter().flatten();
        for decoded in char::decode_utf16(units) {
            let decoded = decoded.map_err(|_| "half a surrogate pair")?;
            out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }

    fn hex4(&mut self) -> Parsed<u16> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or("a string without an end")?;
        self.rest = rest;
        let digits = std::str::from_utf8(digits).map_err(|_| "no hexadecimal digits")?;
        u16::from_str_radix(digits, 16).map_err(|_| "no hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::digest_lines;

    fn sent(lines: &str) -> Digest {
        digest_lines(lines.as_bytes()).expect("good lines")
    }

    fn exported(body: &str) -> io::Result<Digest> {
        digest_export(body.as_bytes())
    }

    const SENT: &str =
        "put m 1700000000 12.50 a=b c=d\nput m 1700000015 -3 c=d a=b\nput n 1 0 x=y\n";
    const EXPORT: &str = concat!(
        r#"{"metric":{"__name__":"n","x":"y"},"values":[0],"timestamps":[1000]}"#,
        "\n",
        r#"{"metric":{"__name__":"m","c":"d","a":"b"},"#,
        r#""values":[12.5,-3],"timestamps":[1700000000000,1700000015000]}"#,
        "\n"
    );

    #[test]
    fn what_was_sent_equals_what_came_back() {
        assert_eq!(exported(EXPORT).expect("good export"), sent(SENT));
    }

    #[test]
    fn a_body_may_be_cut_anywhere() {
        for cut in 0..EXPORT.len() {
            let mut digest = ExportDigest::default();
            digest.feed(&EXPORT.as_bytes()[..cut]).expect("first piece");
            digest.feed(&EXPORT.as_bytes()[cut..]).expect("second piece");
            assert_eq!(digest.finish().expect("whole lines"), sent(SENT));
        }
    }

    #[test]
    fn a_series_may_take_several_lines_and_the_keys_any_order() {
        let body = concat!(
            r#"{"timestamps":[1000],"values":[1e0],"metric":{"a":"b","__name__":"m"}}"#,
            "\n",
            r#"{"metric":{"__name__":"m","a":"b"},"values":[],"timestamps":[]}"#,
            "\n\n",
            r#"{"metric":{"__name__":"m","a":"b"},"values":[2],"timestamps":[2000]}"#,
        );
        assert_eq!(exported(body).expect("good export"), sent("put m 1 1 a=b\nput m 2 2 a=b\n"));
    }

    #[test]
    fn escapes_in_labels_are_undone() {
        let body = concat!(
            r#"{"metric":{"__name__":"m","k":"\u0061\/\"\\\ud83d\ude00\u00e9"},"#,
            r#""values":[1],"timestamps":[1000]}"#
        );
        assert_eq!(exported(body).expect("good export"), sent("put m 1 1 k=a/\"\\\u{1f600}\u{e9}"));
    }

    #[test]
    fn what_is_not_an_export_is_an_error() {
        let bad = [
            "x",
            "{}",
            r#"{"metric":{"__name__":"m"},"values":[1,2],"timestamps":[1]}"#,
            r#"{"metric":{"__name__":"m"},"values":[null],"timestamps":[1]}"#,
            r#"{"metric":{"__name__":"m"},"values":["NaN"],"timestamps":[1]}"#,
            r#"{"metric":{"__name__":"m"},"values":[1"#,
            r#"{"metric":{"__name__":"m"},"values":[1],"timestamps":[1]}x"#,
            r#"{"metric":{"__name__":"\ud83d"},"values":[1],"timestamps":[1]}"#,
            r#"{"metric":{"__name__":"m"},"value":[1],"timestamps":[1]}"#,
        ];
        for body in bad {
            assert!(exported(body).is_err(), "{body}");
        }
    }
}
