//! A plain JSON parser that keeps numbers as the text they were.

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a whole document.
    #[track_caller]
    pub fn parse(text: &str) -> Json {
        let (value, rest) = Json::prefix(text);
        assert!(rest.trim().is_empty(), "{rest:?} behind the JSON value");
        value
    }

    /// Parses the value at the start of `text` and returns what follows.
    #[track_caller]
    pub fn prefix(text: &str) -> (Json, &str) {
        let mut parser = Parser { text, at: 0 };
        let parsed = parser.value();
        let value = parsed.unwrap_or_else(|| panic!("not JSON at byte {}: {text:.300}", parser.at));
        (value, &text[parser.at..])
    }

    /// The member called `key`.
    #[track_caller]
    pub fn get(&self, key: &str) -> &Json {
        self.find(key).unwrap_or_else(|| panic!("no `{key}` in {self:?}"))
    }

    /// The member called `key`, if there is one.
    pub fn find(&self, key: &str) -> Option<&Json> {
        let Json::Object(members) = self else {
            return None;
        };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a string or number.
    #[track_caller]
    pub fn str(&self) -> &str {
        match self {
            Json::Text(text) | Json::Number(text) => text,
            other => panic!("neither text nor number: {other:?}"),
        }
    }

    /// The elements of an array.
    #[track_caller]
    pub fn items(&self) -> &[Json] {
        let Json::Array(items) = self else { panic!("not an array: {self:?}") };
        items
    }

    /// The members of an object.
    #[track_caller]
    pub fn members(&self) -> &[(String, Json)] {
        let Json::Object(members) = self else { panic!("not an object: {self:?}") };
        members
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self) -> Option<Json> {
        self.space();
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string().map(Json::Text),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self) -> Option<Json> {
        let mut members = Vec::new();
        self.list(b'}', |parser| {
            parser.space();
            let name = parser.string()?;
            parser.space();
            parser.take(b':')?;
            members.push((name, parser.value()?));
            Some(())
        })?;
        Some(Json::Object(members))
    }

    fn array(&mut self) -> Option<Json> {
        let mut items = Vec::new();
        self.list(b']', |parser| {
            items.push(parser.value()?);
            Some(())
        })?;
        Some(Json::Array(items))
    }

    /// What stands between an opening byte and `end`, separated by commas.
    fn list(&mut self, end: u8, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.space();
        if self.peek()? == end {
            return self.take(end);
        }
        loop {
            element(self)?;
            self.space();
            if self.peek()? == end {
                return self.take(end);
            }
            self.take(b',')?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length =
            self.text.as_bytes()[self.at..].iter().take_while(|byte| is_part(byte)).count();
        let text = &self.text[self.at..self.at + length];
        text.parse::<f64>().ok()?;
        self.at += length;
        Some(Json::Number(text.to_owned()))
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let length = rest.find(['"', '\\'])?;
            out.push_str(&rest[..length]);
            self.at += length + 1;
            if rest.as_bytes()[length] == b'"' {
                return Some(out);
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        match self.text.as_bytes().get(self.at - 1)? {
            b'n' => Some('\n'),
            b'r' => Some('\r'),
            b't' => Some('\t'),
            b'b' => Some('\u{8}'),
            b'f' => Some('\u{c}'),
            b'u' => self.code_point(),
            byte @ (b'"' | b'\\' | b'/') => Some(char::from(*byte)),
            _ => None,
        }
    }

    fn code_point(&mut self) -> Option<char> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high);
        }
        self.take(b'\\')?;
        self.take(b'u')?;
        let low = self.hex4()?.checked_sub(0xdc00)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())?;
        Some(value)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }
}

#[test]
fn the_plain_parser_reads_what_it_must() {
    let text = r#" {"a":[1,-2.5e3,"\"\u00e9\ud83d\ude00\n"],"b":{},"c":[],"d":[true,null]} "#;
    let json = Json::parse(text);
    assert_eq!(json.get("a").items()[1], Json::Number("-2.5e3".into()));
    assert_eq!(json.get("a").items()[2].str(), "\"\u{e9}\u{1f600}\n");
    assert_eq!(json.get("d"), &Json::Array(vec![Json::Bool(true), Json::Null]));
    assert_eq!((json.get("b").members().len(), json.get("c").items().len()), (0, 0));
}
