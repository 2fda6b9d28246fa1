//! The canonical name of a series: its identity, its bytes on disk, its place in the name order.
//!
//! A name is the text a tidy sender would write: `metric k1=v1 k2=v2`, tags sorted by key, single
//! spaces. So the bytes of an ordinary telnet line are compared with it directly. A space or `=`
//! inside a metric, key or value is written as [`ESCAPE`] and a letter; that byte never occurs in
//! UTF-8, so two different label sets never share a name, whatever characters they hold.
//!
//! Histograms are a series of their own beside the numbers of the same labels: their name ends with
//! a mark, which is no part of any label.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Starts an escaped character; not a byte of any UTF-8 text.
pub const ESCAPE: u8 = 0xff;
const ESCAPED_SPACE: u8 = 1;
const ESCAPED_EQUALS: u8 = 2;
/// Ends the name of a series of histograms; belongs to no label.
pub const HISTOGRAM_MARK: [u8; 2] = [ESCAPE, 3];

/// What selectors and answers call the metric.
pub const METRIC_LABEL: &[u8] = b"__name__";

/// Appends the canonical name of a metric with tags already sorted by key, keys unique.
pub fn encode<'a>(
    out: &mut Vec<u8>,
    metric: &[u8],
    tags: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) {
    escape(out, metric);
    for (key, value) in tags {
        out.push(b' ');
        escape(out, key);
        out.push(b'=');
        escape(out, value);
    }
}

/// Appends a text as it stands in a name.
pub fn escape(out: &mut Vec<u8>, text: &[u8]) {
    if memchr::memchr2(b' ', b'=', text).is_none() {
        return out.extend_from_slice(text);
    }
    for &byte in text {
        match byte {
            b' ' => out.extend_from_slice(&[ESCAPE, ESCAPED_SPACE]),
            b'=' => out.extend_from_slice(&[ESCAPE, ESCAPED_EQUALS]),
            other => out.push(other),
        }
    }
}

/// A text as it was before [`encode`] escaped it.
pub fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESCAPE, text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            ESCAPE if bytes.next() == Some(ESCAPED_SPACE) => b' ',
            ESCAPE => b'=',
            other => other,
        });
    }
    Cow::Owned(out)
}

/// Whether this is the name of a series of histograms.
pub fn is_histogram(name: &[u8]) -> bool {
    name.ends_with(&HISTOGRAM_MARK)
}

/// A canonical name without the mark of histograms: the labels alone.
pub fn labels(name: &[u8]) -> &[u8] {
    name.strip_suffix(&HISTOGRAM_MARK).unwrap_or(name)
}

/// Metric and tags of a canonical name, escaped as they stand there. The one place where a name is
/// taken apart.
pub fn fields(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(labels(name));
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr(b' ', text);
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The metric of a canonical name.
pub fn metric(name: &[u8]) -> Cow<'_, [u8]> {
    unescape(fields(name).next().unwrap_or_default())
}

/// Key and value of a tag, both escaped.
pub fn split_tag(tag: &[u8]) -> (&[u8], &[u8]) {
    let cut = memchr::memchr(b'=', tag).unwrap_or(tag.len());
    (&tag[..cut], tag.get(cut + 1..).unwrap_or_default())
}

/// The tags of a canonical name as key and value, in key order.
pub fn tags(name: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let split = |tag| {
        let (key, value) = split_tag(tag);
        (unescape(key), unescape(value))
    };
    fields(name).skip(1).map(split)
}

/// The value of a label, [`METRIC_LABEL`] included.
pub fn value<'a>(name: &'a [u8], label: &[u8]) -> Option<Cow<'a, [u8]>> {
    if label == METRIC_LABEL {
        return Some(metric(name));
    }
    if memchr::memchr3(b' ', b'=', ESCAPE, label).is_some() {
        return plain_value(name, label);
    }
    let of = |tag: &'a [u8]| tag.strip_prefix(label)?.strip_prefix(b"=");
    fields(name).skip(1).find_map(of).map(unescape)
}

/// The same of any tag: keys as they stand need not be those that are meant.
fn plain_value<'a>(name: &'a [u8], label: &[u8]) -> Option<Cow<'a, [u8]>> {
    tags(name).find(|(key, _)| **key == *label).map(|(_, value)| value)
}

/// Name order: by metric, then by tags in key order, all bytewise; a shorter text comes first, and
/// numbers before the histograms of the same labels.
pub fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let common = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    rank(left, common).cmp(&rank(right, common))
}

/// Where the byte at `at` sorts: end of name, mark, end of a field, end of a key, then text bytes. Both
/// names agree before `at`, so an escape is either ahead of both or just behind both.
fn rank(name: &[u8], at: usize) -> u16 {
    let escaped = at > 0 && name[at - 1] == ESCAPE;
    match name.get(at) {
        None => 0,
        Some(&byte) if escaped && byte == HISTOGRAM_MARK[1] => 0,
        Some(&byte) if escaped => u16::from(byte),
        Some(b' ') => 2,
        Some(b'=') => 3,
        Some(&ESCAPE) => match name.get(at + 1) {
            Some(&ESCAPED_SPACE) => 4 + u16::from(b' '),
            Some(&ESCAPED_EQUALS) => 4 + u16::from(b'='),
            _ => 1,
        },
        Some(&byte) => 4 + u16::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Labels = (String, BTreeMap<String, String>);

    fn named((metric, tags): &Labels) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, metric.as_bytes(), tags.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())));
        out
    }

    fn decoded(name: &[u8]) -> Labels {
        let text = |bytes: Cow<[u8]>| String::from_utf8(bytes.into_owned()).expect("utf-8");
        (text(metric(name)), tags(name).map(|(k, v)| (text(k), text(v))).collect())
    }

    fn labels() -> impl Strategy<Value = Labels> {
        let word = "[a-c =\u{1}\u{2}\u{1F}\u{e9}]{1,3}";
        (word, proptest::collection::btree_map(word, word, 0..3))
    }

    proptest! {
        #[test]
        fn labels_survive(labels in labels()) {
            let mut name = named(&labels);
            prop_assert_eq!(&decoded(&name), &labels);
            for key in labels.1.keys().chain(["a", " ", "b="].map(String::from).iter()) {
                let wanted = labels.1.get(key).map(|value| Cow::Borrowed(value.as_bytes()));
                prop_assert_eq!(&value(&name, key.as_bytes()), &wanted);
                prop_assert_eq!(&plain_value(&name, key.as_bytes()), &wanted);
            }
            name.extend_from_slice(&HISTOGRAM_MARK);
            prop_assert_eq!(decoded(&name), labels);
        }

        #[test]
        fn order_is_that_of_the_labels(
            left in (labels(), any::<bool>()), right in (labels(), any::<bool>())
        ) {
            let key = |(l, histogram): &(Labels, bool)| {
                (l.0.clone(), l.1.clone().into_iter().collect::<Vec<_>>(), *histogram)
            };
            let named = |(l, histogram): &(Labels, bool)| {
                let mark = if *histogram { &HISTOGRAM_MARK[..] } else { &[] };
                [&named(l), mark].concat()
            };
            prop_assert_eq!(compare(&named(&left), &named(&right)), key(&left).cmp(&key(&right)));
        }
    }

    #[test]
    fn a_mark_belongs_to_no_label() {
        for (plain, marked) in [(&b"m"[..], &b"m\xff\x03"[..]), (b"m k=v", b"m k=v\xff\x03")] {
            assert_eq!(decoded(marked), decoded(plain));
            assert_eq!(compare(plain, marked), Ordering::Less);
        }
    }

    #[test]
    fn an_ordinary_name_is_the_wire_text() {
        let mut out = Vec::new();
        encode(&mut out, b"cpu.user", [(&b"cpu"[..], &b"0"[..]), (b"host", b"web01")]);
        assert_eq!(out, b"cpu.user cpu=0 host=web01");
    }
}
