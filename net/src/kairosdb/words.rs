//! Words of a KairosDB line: anything up to the space separates, double quotes group. Pure.

use crate::reject::{Reason, Reject};
use std::borrow::Cow;

/// A word; borrowed unless it held quotes.
pub type Word<'a> = Cow<'a, [u8]>;

/// Splits a line; one whose last quote is not closed has no words.
pub fn split(line: &[u8]) -> Result<Vec<Word<'_>>, Reject> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let blank = rest.iter().take_while(|byte| **byte <= b' ').count();
        rest = &rest[blank..];
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, bytes) = first(rest)?;
        words.push(word);
        rest = &rest[bytes..];
    }
}

/// The word that a text begins with, and how many bytes it takes there.
fn first(text: &[u8]) -> Result<(Word<'_>, usize), Reject> {
    let end = text.iter().position(|&byte| byte <= b' ' || byte == b'"').unwrap_or(text.len());
    if text.get(end) != Some(&b'"') {
        return Ok((Cow::Borrowed(&text[..end]), end));
    }
    let (mut word, mut quoted) = (text[..end].to_vec(), false);
    for (at, &byte) in text.iter().enumerate().skip(end) {
        match byte {
            b'"' => quoted = !quoted,
            b'\0'..=b' ' if !quoted => return Ok((Cow::Owned(word), at)),
            _ => word.push(byte),
        }
    }
    if quoted {
        return Err(Reject::new(Reason::IllegalArgument, "a quote is not closed"));
    }
    Ok((Cow::Owned(word), text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let words = split(line.as_bytes()).expect("words");
        words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn white_space_separates_and_quotes_group() {
        for (line, expected) in [
            ("", vec![]),
            (" \t ", vec![]),
            ("put a", vec!["put", "a"]),
            ("  put\t a  ", vec!["put", "a"]),
            ("h=\"a b\" \"c\"d", vec!["h=a b", "cd"]),
            ("\"\" x", vec!["", "x"]),
        ] {
            assert_eq!(words(line), expected, "{line:?}");
        }
        assert!(split(b"put \"a b").is_err());
    }
}
