//! Incremental decoder for the chunked transfer coding of a request body.
//!
//! A byte-by-byte state machine, so that the result cannot depend on how the network cut the
//! stream; only chunk data is copied in bulk. As strict as the head parser and for the same
//! reason: where a chunk ends decides where the next request begins. All that costs memory or
//! time without adding data (sizes, extensions, trailers) is bounded, and a chunk that would pass
//! the limit of the body is refused when its size is read, before its data.

use std::fmt;

use super::head::is_token_byte;

/// Hex digits of a chunk size; 16 make up 64 bits.
const SIZE_DIGITS_MAX: u32 = 16;
/// Bytes of chunk extensions in one body.
const EXTENSION_BYTES_MAX: u32 = 4096;
/// Bytes of the trailer section, line ends included.
const TRAILER_BYTES_MAX: u32 = 8192;

/// Why a body was refused. The connection must be closed after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyError {
    /// Status to answer with: 400 or 413.
    pub status: u16,
    /// Where in the encoded body, in bytes.
    pub offset: u64,
    /// What was wrong.
    pub message: &'static str,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the chunked body", self.message, self.offset)
    }
}

impl std::error::Error for BodyError {}

/// What the next byte has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A hex digit of the chunk size, or what may follow the size.
    Size,
    /// White space behind the size, which only an extension may follow.
    BeforeExtension,
    /// The name of an extension, or white space before it.
    ExtensionName,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// First byte of a trailer line or of the empty line that ends the body.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// Decoder of one chunked body.
#[derive(Debug, Clone)]
pub struct ChunkedDecoder {
    state: State,
    bytes_max: u64,
    decoded: u64,
    /// Size of the chunk being read, then what is left of it.
    chunk: u64,
    digits: u32,
    extension_bytes: u32,
    trailer_bytes: u32,
    offset: u64,
    failed: Option<BodyError>,
}

impl ChunkedDecoder {
    /// A decoder that refuses bodies of more than `bytes_max` decoded bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            state: State::Size,
            bytes_max,
            decoded: 0,
            chunk: 0,
            digits: 0,
            extension_bytes: 0,
            trailer_bytes: 0,
            offset: 0,
            failed: None,
        }
    }

    /// Bytes decoded so far.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Decodes `input`, appends the data to `out` and tells how many bytes were used and whether
    /// the body is complete. All input is used unless the body ends within it.
    ///
    /// # Errors
    /// When the coding is broken or a limit is passed; the same error again on later calls.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), BodyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut used = 0;
        while used < input.len() && self.state != State::Done {
            used += match self.state {
                State::Data => self.copy(&input[used..], out),
                _ => self.step(input[used])?,
            };
        }
        Ok((used, self.state == State::Done))
    }

    fn copy(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let count = usize::try_from(self.chunk).map_or(input.len(), |left| left.min(input.len()));
        out.extend_from_slice(&input[..count]);
        self.chunk -= count as u64;
        self.decoded += count as u64;
        self.offset += count as u64;
        if self.chunk == 0 {
            self.state = State::DataCr;
        }
        count
    }

    fn step(&mut self, byte: u8) -> Result<usize, BodyError> {
        match self.next_state(byte) {
            Ok(state) => self.state = state,
            Err((status, message)) => {
                let error = BodyError { status, offset: self.offset, message };
                self.failed = Some(error);
                return Err(error);
            }
        }
        self.offset += 1;
        Ok(1)
    }

    fn next_state(&mut self, byte: u8) -> Result<State, (u16, &'static str)> {
        match self.state {
            State::Size => self.size(byte),
            State::BeforeExtension | State::ExtensionName | State::Extension => {
                self.extension(byte)
            }
            State::SizeLf => self.size_lf(byte),
            State::DataCr => expect(byte, b'\r', State::DataLf, "chunk data not followed by CRLF"),
            State::DataLf => {
                self.digits = 0;
                expect(byte, b'\n', State::Size, "chunk data not followed by CRLF")
            }
            State::EndLf => expect(byte, b'\n', State::Done, "CR without LF"),
            State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLf => {
                self.trailer(byte)
            }
            State::Data | State::Done => Ok(self.state),
        }
    }

    fn size(&mut self, byte: u8) -> Result<State, (u16, &'static str)> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            return self.size_digit(digit);
        }
        if self.digits == 0 {
            return Err((400, "chunk size does not start with a hex digit"));
        }
        match byte {
            b'\r' => Ok(State::SizeLf),
            b';' => Ok(State::ExtensionName),
            b' ' | b'\t' => Ok(State::BeforeExtension),
            _ => Err((400, "chunk size is not hexadecimal")),
        }
    }

    fn size_digit(&mut self, digit: u32) -> Result<State, (u16, &'static str)> {
        if self.digits == SIZE_DIGITS_MAX {
            return Err((400, "chunk size has more than 16 digits"));
        }
        // Nothing is left of the chunk before, so this starts from zero.
        self.chunk = (self.chunk << 4) | u64::from(digit);
        self.digits += 1;
        Ok(State::Size)
    }

    /// RFC 9112 7.1.1 has white space only around the semicolon and wants a name behind it; the
    /// rest of the extension is skipped.
    fn extension(&mut self, byte: u8) -> Result<State, (u16, &'static str)> {
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX {
            return Err((400, "chunk extensions too long"));
        }
        match (self.state, byte) {
            (State::BeforeExtension | State::ExtensionName, b' ' | b'\t') => Ok(self.state),
            (State::BeforeExtension, b';') => Ok(State::ExtensionName),
            (State::BeforeExtension, _) => Err((400, "white space behind the chunk size")),
            (State::ExtensionName, _) if is_token_byte(byte) => Ok(State::Extension),
            (State::ExtensionName, _) => Err((400, "chunk extension without a name")),
            (_, b'\r') => Ok(State::SizeLf),
            (_, _) if is_value_byte(byte) => Ok(State::Extension),
            _ => Err((400, "control byte in a chunk extension")),
        }
    }

    fn size_lf(&mut self, byte: u8) -> Result<State, (u16, &'static str)> {
        expect(byte, b'\n', State::Data, "CR without LF behind the chunk size")?;
        if self.chunk > self.bytes_max - self.decoded {
            return Err((413, "body larger than allowed"));
        }
        Ok(if self.chunk == 0 { State::TrailerStart } else { State::Data })
    }

    fn trailer(&mut self, byte: u8) -> Result<State, (u16, &'static str)> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES_MAX {
            return Err((400, "trailers too long"));
        }
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::EndLf),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) => {
                Err((400, "byte not allowed in a trailer name"))
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, _) if is_value_byte(byte) => Ok(State::TrailerValue),
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            (State::TrailerLf, _) => Err((400, "CR without LF in the trailers")),
            _ => Err((400, "control byte in a trailer")),
        }
    }
}

fn expect(
    byte: u8,
    wanted: u8,
    next: State,
    message: &'static str,
) -> Result<State, (u16, &'static str)> {
    if byte == wanted { Ok(next) } else { Err((400, message)) }
}

fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Outcome = Result<(Vec<u8>, usize, bool), BodyError>;

    /// Feeds the parts between the cuts.
    fn decode(input: &[u8], bytes_max: u64, cuts: &[usize]) -> Outcome {
        let mut decoder = ChunkedDecoder::new(bytes_max);
        let (mut out, mut used, mut done) = (vec![], 0, false);
        for end in cuts.iter().copied().chain([input.len()]) {
            while !done && used < end {
                let (count, complete) = decoder.feed(&input[used..end], &mut out)?;
                assert!(complete || used + count == end, "input left over");
                (used, done) = (used + count, complete);
            }
        }
        assert_eq!(decoder.decoded(), out.len() as u64);
        Ok((out, used, done))
    }

    /// The outcome, which must be the same for every place of one cut and for single bytes.
    fn decode_split(input: &[u8], bytes_max: u64) -> Outcome {
        let whole = decode(input, bytes_max, &[]);
        for cut in 0..input.len() {
            assert_eq!(decode(input, bytes_max, &[cut]), whole, "{}", input.escape_ascii());
        }
        let every: Vec<usize> = (0..input.len()).collect();
        assert_eq!(decode(input, bytes_max, &every), whole, "{}", input.escape_ascii());
        whole
    }

    #[test]
    fn accepted() {
        for (input, data) in [
            ("0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!"),
            ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
            ("0000000000000001\r\nx\r\n0\r\n\r\n", "x"),
            ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
            ("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
            ("1;a\r\nx\r\n0;b=c;d=\"e;f\"\r\n\r\n", "x"),
            ("1 \t; a=b\r\nx\r\n0\r\n\r\n", "x"),
            ("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n", "x"),
        ] {
            let want = Ok((data.as_bytes().to_vec(), input.len(), true));
            assert_eq!(decode_split(input.as_bytes(), 10), want, "{input:?}");
        }
    }

    #[test]
    fn refused() {
        for (input, offset, message) in [
            ("\r\n", 0, "does not start with a hex digit"),
            (" 1\r\n", 0, "does not start with a hex digit"),
            ("+1\r\n", 0, "does not start with a hex digit"),
            (";a\r\n", 0, "does not start with a hex digit"),
            ("-1\r\n", 0, "does not start with a hex digit"),
            ("0x1\r\n", 1, "not hexadecimal"),
            ("1_0\r\n", 1, "not hexadecimal"),
            ("1g\r\n", 1, "not hexadecimal"),
            ("1,1\r\n", 1, "not hexadecimal"),
            ("1\nx", 1, "not hexadecimal"),
            ("00000000000000001\r\n", 16, "more than 16 digits"),
            ("1\rx", 2, "CR without LF"),
            ("1\r\r\n", 2, "CR without LF"),
            ("1 \r\n", 2, "white space behind the chunk size"),
            ("1 2\r\n", 2, "white space behind the chunk size"),
            ("1;\r\n", 2, "extension without a name"),
            ("1; \r\n", 3, "extension without a name"),
            ("1;=\r\n", 2, "extension without a name"),
            ("1;a\nx\r\n", 3, "control byte in a chunk extension"),
            ("1;a\0\r\n", 3, "control byte in a chunk extension"),
            ("1\r\nxy\r\n", 4, "not followed by CRLF"),
            ("1\r\nx\n", 4, "not followed by CRLF"),
            ("1\r\nx\r0", 5, "not followed by CRLF"),
            ("0\r\n\n", 3, "byte not allowed in a trailer name"),
            ("0\r\n\rx", 4, "CR without LF"),
            ("0\r\nA b: c\r\n", 4, "byte not allowed in a trailer name"),
            ("0\r\n: c\r\n", 3, "byte not allowed in a trailer name"),
            ("0\r\n folded\r\n", 3, "byte not allowed in a trailer name"),
            ("0\r\nA\r\n", 4, "byte not allowed in a trailer name"),
            ("0\r\nA: b\n", 7, "control byte in a trailer"),
            ("0\r\nA: b\0", 7, "control byte in a trailer"),
            ("0\r\nA: b\rx", 8, "CR without LF in the trailers"),
        ] {
            let error = decode_split(input.as_bytes(), 10).expect_err(input);
            assert_eq!((error.status, error.offset), (400, offset), "{input:?}: {error}");
            assert!(error.message.contains(message), "{input:?}: {error}");
        }
    }

    #[test]
    fn too_large_before_the_data_arrives() {
        for (input, offset) in
            [("b\r\n", 2), ("ffffffffffffffff\r\n", 17), ("6\r\n123456\r\n5\r\n", 13)]
        {
            let error = decode_split(input.as_bytes(), 10).expect_err(input);
            assert_eq!((error.status, error.offset), (413, offset), "{input:?}: {error}");
        }
    }

    #[test]
    fn unfinished_and_what_follows() {
        for (input, data) in [("", ""), ("5", ""), ("5\r\nhel", "hel"), ("1\r\nx\r\n0\r\n\r", "x")]
        {
            let want = Ok((data.as_bytes().to_vec(), input.len(), false));
            assert_eq!(decode_split(input.as_bytes(), 10), want, "{input:?}");
        }
        let next = b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
        assert_eq!(decode_split(next, 10), Ok((b"x".to_vec(), 11, true)));
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extension = |bytes: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(bytes - 1));
        assert!(decode(extension(EXTENSION_BYTES_MAX as usize).as_bytes(), 10, &[]).is_ok());
        let many = "1;a\r\nx\r\n".repeat(3000);
        for input in [extension(EXTENSION_BYTES_MAX as usize + 1), many] {
            let error = decode(input.as_bytes(), 10_000, &[]).expect_err("too long");
            assert_eq!(error.message, "chunk extensions too long");
        }
        let trailer = |bytes: usize| format!("0\r\nA:{}\r\n\r\n", "b".repeat(bytes - 5));
        assert!(decode(trailer(TRAILER_BYTES_MAX as usize).as_bytes(), 10, &[]).is_ok());
        let error = decode(trailer(TRAILER_BYTES_MAX as usize + 1).as_bytes(), 10, &[]);
        assert_eq!(error.expect_err("too long").message, "trailers too long");
    }

    #[test]
    fn an_error_stays() {
        let mut decoder = ChunkedDecoder::new(10);
        let error = decoder.feed(b"x", &mut vec![]).expect_err("no digit");
        assert_eq!(decoder.feed(b"0\r\n\r\n", &mut vec![]), Err(error));
    }

    proptest! {
        #[test]
        fn round_trip(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            cuts in prop::collection::vec(0_usize..300, 0..8),
        ) {
            let mut input = vec![];
            for chunk in &chunks {
                input.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                input.extend_from_slice(chunk);
                input.extend_from_slice(b"\r\n");
            }
            input.extend_from_slice(b"0\r\n\r\n");
            let mut cuts: Vec<usize> = cuts.iter().map(|&cut| cut.min(input.len())).collect();
            cuts.sort_unstable();
            let want = (chunks.concat(), input.len(), true);
            prop_assert_eq!(decode(&input, 1000, &cuts), Ok(want));
        }
    }
}
