//! A JSON reader that keeps the text of numbers. Strict, but for the words that OpenTSDB takes as
//! numbers: `NaN`, `Infinity`, and signed `Infinity` and `INF`. The bytes are known to be UTF-8.

use std::borrow::Cow;

/// How deep objects and arrays may stand in each other, the outermost counted.
pub const DEPTH_MAX: usize = 64;

/// What is wrong with a body, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset in the body.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// A scalar, or the beginning of an object or array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{`, read already: [`Reader::key`] goes on.
    Object,
    /// `[`, read already: [`Reader::item`] goes on.
    Array,
    /// A string, unescaped.
    Text(Cow<'a, [u8]>),
    /// A number, or a word that counts as one, as written.
    Number(&'a [u8]),
    /// `true` or `false`, as written.
    Bool(&'a [u8]),
    /// `null`.
    Null,
}

/// Reads one JSON value step by step.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Byte offset of what comes next, white space aside.
    pub fn offset(&mut self) -> usize {
        self.white();
        self.at
    }

    fn wrong<T>(&self, what: &'static str) -> Result<T, Fault> {
        let what = if self.at < self.bytes.len() { what } else { "the text ends too early" };
        Err(Fault { at: self.at, what })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes the byte if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The next key of an object, colon read; `None` at its end. `first` is true for the first.
    pub fn key(&mut self, first: bool) -> Result<Option<Cow<'a, [u8]>>, Fault> {
        if !self.more(first, b'}', "expected a comma or the object's end")? {
            return Ok(None);
        }
        if !self.take(b'"') {
            return self.wrong("expected a key");
        }
        let key = self.text()?;
        self.white();
        if self.take(b':') { Ok(Some(key)) } else { self.wrong("expected a colon") }
    }

    /// Whether another item of an array follows. `first` is true for the first.
    pub fn item(&mut self, first: bool) -> Result<bool, Fault> {
        self.more(first, b']', "expected a comma or the array's end")
    }

    fn more(&mut self, first: bool, end: u8, what: &'static str) -> Result<bool, Fault> {
        self.white();
        if self.take(end) {
            return Ok(false);
        }
        if !first {
            if !self.take(b',') {
                return self.wrong(what);
            }
            self.white();
        }
        Ok(true)
    }

    /// The next value, or its beginning.
    pub fn token(&mut self) -> Result<Token<'a>, Fault> {
        self.white();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Token::Text(self.text()?))
            }
            Some(b'-' | b'+' | b'0'..=b'9' | b'N' | b'I') => {
                self.number()?;
                Ok(Token::Number(&self.bytes[start..self.at]))
            }
            Some(b'{') => {
                self.at += 1;
                Ok(Token::Object)
            }
            Some(b'[') => {
                self.at += 1;
                Ok(Token::Array)
            }
            Some(b't') => self.word(b"true").map(Token::Bool),
            Some(b'f') => self.word(b"false").map(Token::Bool),
            Some(b'n') => self.word(b"null").map(|_| Token::Null),
            _ => self.wrong("expected a value"),
        }
    }

    /// Reads over the rest of a value that begins with this token, `depth` deep itself.
    pub fn skip(&mut self, token: &Token<'a>, depth: usize) -> Result<(), Fault> {
        if !matches!(token, Token::Object | Token::Array) {
            return Ok(());
        }
        if depth > DEPTH_MAX {
            return Err(Fault { at: self.at - 1, what: "nested too deeply" });
        }
        let mut first = true;
        while match token {
            Token::Object => self.key(first)?.is_some(),
            _ => self.item(first)?,
        } {
            first = false;
            let inner = self.token()?;
            self.skip(&inner, depth + 1)?;
        }
        Ok(())
    }

    /// Refuses whatever follows.
    pub fn end(&mut self) -> Result<(), Fault> {
        match self.offset() {
            at if at < self.bytes.len() => Err(Fault { at, what: "text behind the end" }),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        if !rest.starts_with(word) {
            return self.wrong("expected a value");
        }
        self.at += word.len();
        Ok(&rest[..word.len()])
    }

    fn number(&mut self) -> Result<(), Fault> {
        let plus = self.take(b'+');
        let signed = plus || self.take(b'-');
        match self.peek() {
            Some(b'I') if signed && self.bytes.get(self.at + 1) == Some(&b'N') => {
                return self.word(b"INF").map(drop);
            }
            Some(b'I') => return self.word(b"Infinity").map(drop),
            Some(b'N') if !signed => return self.word(b"NaN").map(drop),
            _ if plus => return self.wrong("a number does not start with +"),
            _ => {}
        }
        if self.take(b'0') {
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return self.wrong("a number does not start with 0");
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { self.wrong("expected a digit") }
    }

    /// A string whose opening quote is read.
    fn text(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let plain = self.run();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        loop {
            if self.take(b'"') {
                return Ok(Cow::Owned(text));
            }
            if !self.take(b'\\') {
                return self.wrong("a control character in a text");
            }
            self.escape(&mut text)?;
            text.extend_from_slice(self.run());
        }
    }

    /// Bytes of a string up to a quote, a backslash, a control character or the end.
    fn run(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let odd = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let run = &rest[..rest.iter().position(odd).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Fault> {
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'u') => return self.unicode(text),
            _ => return self.wrong("an unknown escape"),
        };
        self.at += 1;
        text.push(byte);
        Ok(())
    }

    /// An escape of four hex digits, or two of them for one character; `u` comes next.
    fn unicode(&mut self, text: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.at - 1;
        let lone = Err(Fault { at: start, what: "half of a surrogate pair" });
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.take(b'\\') || self.peek() != Some(b'u') {
                return lone;
            }
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return lone;
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        let Some(character) = char::from_u32(code) else { return lone };
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.wrong("expected a hex digit");
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<usize, Fault> {
        let mut reader = Reader::new(text.as_bytes());
        let token = reader.token()?;
        reader.skip(&token, 1)?;
        Ok(reader.at)
    }

    #[test]
    fn strict_but_for_the_words_of_java() {
        for text in [
            "{}",
            "[]",
            " [ 1 , -0.5e+3 , 0 , 1E3 ] ",
            "[NaN,Infinity,-Infinity,+Infinity,-INF,+INF]",
            r#"{"a":{"b":[null,true,false]},"a":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\"}"#,
        ] {
            let read = read(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            assert_eq!(read, text.trim_end().len(), "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (text, at, what) in [
            ("[1,]", 3, "expected a value"),
            ("[1 2]", 3, "expected a comma or the array's end"),
            ("[", 1, "the text ends too early"),
            ("[01]", 2, "a number does not start with 0"),
            ("[-01]", 3, "a number does not start with 0"),
            ("[+5]", 2, "a number does not start with +"),
            ("[.5]", 1, "expected a value"),
            ("[5.]", 3, "expected a digit"),
            ("[1e]", 3, "expected a digit"),
            ("[-]", 2, "expected a digit"),
            ("[Nan]", 1, "expected a value"),
            ("[INF]", 1, "expected a value"),
            ("[+inf]", 2, "a number does not start with +"),
            ("[-NaN]", 2, "expected a digit"),
            ("[NaNs]", 4, "expected a comma or the array's end"),
            ("{\"a\" 1}", 5, "expected a colon"),
            ("{\"a\":1,}", 7, "expected a key"),
            ("{a:1}", 1, "expected a key"),
            ("[\"\t\"]", 2, "a control character in a text"),
            ("[\"\\x\"]", 3, "an unknown escape"),
            ("[\"\\u12g4\"]", 6, "expected a hex digit"),
            ("[\"\\ud800\"]", 2, "half of a surrogate pair"),
            ("[\"\\ud800\\u0041\"]", 2, "half of a surrogate pair"),
            ("[\"\\udc00\"]", 2, "half of a surrogate pair"),
            ("[\"abc", 5, "the text ends too early"),
            ("[\"abc\\", 6, "the text ends too early"),
        ] {
            assert_eq!(read(text), Err(Fault { at, what }), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(&nested(DEPTH_MAX)).is_ok());
        let refused = Fault { at: DEPTH_MAX, what: "nested too deeply" };
        assert_eq!(read(&nested(DEPTH_MAX + 1)), Err(refused));
        assert_eq!(read(&"[{\"a\":".repeat(1 << 20)), Err(Fault { at: 192, ..refused }));
    }
}
