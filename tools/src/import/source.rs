//! A file to import: opened, unpacked if it is packed, and its form seen from how it begins.

use super::shown;
use crate::files::Input;
use crate::format::Format;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Looked at to tell the form: the header of a CSV file must be in it.
const BEGINNING_BYTES: u64 = 64 << 10;
/// Unpacked at a time.
const UNPACKED_BYTES: usize = 256 << 10;

/// See the module.
pub struct Source {
    /// As messages show it.
    pub name: String,
    /// Nothing is to be read from an empty file.
    pub format: Option<Format>,
    /// What is read.
    pub text: Text,
}

/// The bytes.
pub enum Text {
    /// From the beginning on.
    Stream(Box<dyn BufRead>),
    /// A file as it lies there, for who reads it here and there.
    File(std::fs::File),
}

impl Source {
    /// Opens a file. Nothing but its beginning is read.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Source, String> {
        let name = shown(path);
        let failed = |error: io::Error| format!("cannot read {name}: {error}");
        let mut input = Input::open(path).map_err(failed)?;
        let mut beginning = beginning(&mut input).map_err(failed)?;
        let packed = beginning.starts_with(&[0x1f, 0x8b]);
        if !packed && is_parquet(&beginning, format) {
            let file = input.seekable().ok_or_else(|| {
                format!("{name}: Parquet is read from its end: give a file, not a pipe")
            })?;
            return Ok(Source { name, format: Some(Format::Parquet), text: Text::File(file) });
        }
        let mut stream: Box<dyn BufRead> = Box::new(Cursor::new(beginning.clone()).chain(input));
        if packed {
            stream =
                Box::new(BufReader::with_capacity(UNPACKED_BYTES, MultiGzDecoder::new(stream)));
            beginning = self::beginning(&mut stream).map_err(failed)?;
            if is_parquet(&beginning, format) {
                return Err(format!("{name}: Parquet is read from its end: unpack the file first"));
            }
            stream = Box::new(Cursor::new(beginning.clone()).chain(stream));
        }
        let format = match format {
            _ if beginning.trim_ascii().is_empty() => None,
            Some(format) => Some(format),
            None => Some(seen(&beginning).ok_or_else(|| {
                format!("cannot tell the form of {name} from its beginning: say it with --format")
            })?),
        };
        Ok(Source { name, format, text: Text::Stream(stream) })
    }

    /// What is read from the beginning on.
    pub fn stream(self) -> Box<dyn BufRead> {
        match self.text {
            Text::Stream(stream) => stream,
            Text::File(file) => Box::new(BufReader::new(file)),
        }
    }
}

fn beginning(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    input.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    Ok(beginning)
}

fn is_parquet(beginning: &[u8], format: Option<Format>) -> bool {
    format.unwrap_or(Format::Parquet) == Format::Parquet
        && (format.is_some() || beginning.starts_with(b"PAR1"))
}

/// The form of a text.
fn seen(beginning: &[u8]) -> Option<Format> {
    let text = beginning.trim_ascii_start();
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let contains = |word: &[u8]| first.windows(word.len()).any(|window| window == word);
    if text.starts_with(b"{") {
        Some(Format::Json)
    } else if text.starts_with(b"put ") || text.starts_with(b"histogram ") {
        Some(Format::Put)
    } else if contains(b"__value__") && contains(b"__timestamp__") {
        Some(Format::Csv)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_seen_from_the_beginning() {
        for (text, form) in [
            ("\n {\"metric\"", Some(Format::Json)),
            ("put m 1 1", Some(Format::Put)),
            ("histogram m 1 u=1", Some(Format::Put)),
            ("__name__,host,__value__,__timestamp__:rfc3339\r\n", Some(Format::Csv)),
            ("time,value\n1,2\n", None),
        ] {
            assert_eq!(seen(text.as_bytes()), form, "{text}");
        }
    }
}
