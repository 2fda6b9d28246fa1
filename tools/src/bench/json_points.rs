//! Lines as the JSON that `/api/put` and `/api/histogram` take.

use std::io::Write;

use super::Outcome;

/// What a line carries, which decides the path that takes it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Number,
    Histogram,
}

/// The body of a request: an object for one point, as agents send it, else an array.
struct Body<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    points: u64,
}

impl<'a> Body<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Body { start: out.len(), out, points: 0 }
    }

    fn push(&mut self, line: &Line<'_>) -> Outcome<()> {
        self.out.push(if self.points == 0 { b'[' } else { b',' });
        self.points += 1;
        line.push_point(self.out)
    }

    /// How many points it has.
    fn end(self) -> u64 {
        match self.points {
            0 => self.out.extend_from_slice(b"[]"),
            1 => drop(self.out.remove(self.start)),
            _ => self.out.push(b']'),
        }
        self.points
    }
}

/// Appends the body with the points of whole `put` lines.
pub fn push_body(out: &mut Vec<u8>, lines: &[u8]) -> Outcome<()> {
    let mut body = Body::new(out);
    for line in each(lines) {
        let line = line?;
        if line.sort != Sort::Number {
            return Err("a histogram among numbers".into());
        }
        body.push(&line)?;
    }
    body.end();
    Ok(())
}

/// Appends a body with the numbers and one with the histograms among whole lines; returns how many
/// points each has.
pub(super) fn push_bodies(
    numbers: &mut Vec<u8>,
    histograms: &mut Vec<u8>,
    lines: &[u8],
) -> Outcome<[u64; 2]> {
    let (mut numbers, mut histograms) = (Body::new(numbers), Body::new(histograms));
    for line in each(lines) {
        let line = line?;
        match line.sort {
            Sort::Number => numbers.push(&line)?,
            Sort::Histogram => histograms.push(&line)?,
        }
    }
    Ok([numbers.end(), histograms.end()])
}

fn each(lines: &[u8]) -> impl Iterator<Item = Outcome<Line<'_>>> {
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(Line::read)
}

/// `put METRIC TIME VALUE KEY=VALUE...`, or a histogram.
struct Line<'a> {
    sort: Sort,
    metric: &'a [u8],
    time: &'a [u8],
    /// From the value on.
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    fn read(line: &'a [u8]) -> Outcome<Self> {
        let (command, rest) = word(line);
        let (metric, rest) = word(rest);
        let (time, rest) = word(rest);
        let sort = match command {
            b"put" => Sort::Number,
            b"histogram" => Sort::Histogram,
            _ => return Err(bad(line)),
        };
        if word(rest).0.is_empty() {
            return Err(bad(line));
        }
        Ok(Line { sort, metric, time, rest })
    }

    fn push_point(&self, out: &mut Vec<u8>) -> Outcome<()> {
        out.extend_from_slice(br#"{"metric":""#);
        push_text(out, self.metric)?;
        out.extend_from_slice(br#"","timestamp":"#);
        out.extend_from_slice(self.time);
        let (value, mut tags) = word(self.rest);
        match self.sort {
            Sort::Number => {
                out.extend_from_slice(br#","value":"#);
                out.extend_from_slice(value);
            }
            Sort::Histogram if value.contains(&b'=') => push_buckets(out, value)?,
            Sort::Histogram => {
                let (bytes, rest) = word(tags);
                tags = rest;
                out.extend_from_slice(br#","id":"#);
                out.extend_from_slice(value);
                out.extend_from_slice(br#","value":""#);
                push_text(out, bytes)?;
                out.push(b'"');
            }
        }
        push_tags(out, tags)?;
        out.push(b'}');
        Ok(())
    }
}

/// The first word of a text, empty if there is none, and what stands behind it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    text.split_at(text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len()))
}

fn bad(line: &[u8]) -> Box<dyn std::error::Error + Send + Sync> {
    format!("not a line of a point: {:?}", String::from_utf8_lossy(line)).into()
}

/// `u=0:o=1:0,1.5=42` as the fields that are not there when they are 0 and an object of buckets.
fn push_buckets(out: &mut Vec<u8>, text: &[u8]) -> Outcome<()> {
    let entries =
        || text.split(|byte| matches!(byte, b':' | b';')).filter(|entry| !entry.is_empty());
    for (short, long) in [(&b"u="[..], "underflow"), (&b"o="[..], "overflow")] {
        if let Some(count) = entries().find_map(|entry| entry.strip_prefix(short)) {
            write!(out, ",\"{long}\":")?;
            out.extend_from_slice(count);
        }
    }
    out.extend_from_slice(br#","buckets":{"#);
    let buckets = entries().filter(|entry| !entry.starts_with(b"u=") && !entry.starts_with(b"o="));
    for (at, bucket) in buckets.enumerate() {
        let cut = bucket.iter().position(|byte| *byte == b'=').ok_or("a bucket without =")?;
        out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        push_text(out, &bucket[..cut])?;
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&bucket[cut + 1..]);
    }
    out.push(b'}');
    Ok(())
}

fn push_tags(out: &mut Vec<u8>, tags: &[u8]) -> Outcome<()> {
    out.extend_from_slice(br#","tags":{"#);
    let words = tags.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for (at, tag) in words.enumerate() {
        let cut = tag.iter().position(|byte| *byte == b'=').ok_or("a tag without =")?;
        out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        push_text(out, &tag[..cut])?;
        out.extend_from_slice(br#"":""#);
        push_text(out, &tag[cut + 1..])?;
        out.push(b'"');
    }
    out.push(b'}');
    Ok(())
}

/// The inside of a string.
fn push_text(out: &mut Vec<u8>, text: &[u8]) -> Outcome<()> {
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => write!(out, "\\u{byte:04x}")?,
            _ => out.push(*byte),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lines: &str) -> String {
        let mut out = Vec::new();
        push_body(&mut out, lines.as_bytes()).expect("put lines");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn lines_become_objects() {
        let one = r#"{"metric":"m","timestamp":1,"value":2.5,"tags":{"a":"b","c":"\"\\"}}"#;
        assert_eq!(body("put m 1 2.5 a=b c=\"\\\n"), one);
        assert_eq!(
            body("put m 1 2.5 a=b  c=\"\\\r\nput n 3 4\n"),
            format!(r#"[{one},{{"metric":"n","timestamp":3,"value":4,"tags":{{}}}}]"#)
        );
        assert!(push_body(&mut Vec::new(), b"version\n").is_err());
    }

    #[test]
    fn histograms_have_a_body_of_their_own() {
        let lines =
            b"put m 1 2\nhistogram h 3 u=4:o=5:0,1.5=42;1.5,2=7 a=b\nhistogram h 6 7 AAE= a=b\n";
        let (mut numbers, mut histograms) = (Vec::new(), Vec::new());
        let points = push_bodies(&mut numbers, &mut histograms, lines).expect("lines of points");
        assert_eq!(points, [1, 2]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let number = r#"{"metric":"m","timestamp":1,"value":2,"tags":{}}"#;
        assert_eq!(text(numbers), number);
        let expected = [
            r#"[{"metric":"h","timestamp":3,"underflow":4,"overflow":5,"#,
            r#""buckets":{"0,1.5":42,"1.5,2":7},"tags":{"a":"b"}},"#,
            r#"{"metric":"h","timestamp":6,"id":7,"value":"AAE=","tags":{"a":"b"}}]"#,
        ];
        assert_eq!(text(histograms), expected.concat());
        assert!(push_body(&mut Vec::new(), lines).is_err());
        assert!(push_body(&mut Vec::new(), b"put m 1\n").is_err());
    }
}
