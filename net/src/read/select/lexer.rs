//! Cuts the text of a selector into tokens.
//!
//! Tokens are slices of the text, escapes and quotes included: what an escape means depends on
//! whether the parser finds a name or a value, so decoding is left to `text`.

use super::SelectError;
use super::text::{escaped_char, is_name_char, is_name_start};

/// Relation between a label and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Match,
    NotMatch,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A bare name with its escapes.
    Name(&'a str),
    /// A string with its quotes.
    Text(&'a str),
    Relation(Relation),
    /// Any other character; few of them have a meaning, the rest only end in an error.
    Char(char),
    End,
}

/// The tokens of a selector, one at a time.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it starts.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, usize), SelectError> {
        self.skip_blank();
        let at = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok((Token::End, at));
        };
        let token = match first {
            '"' | '\'' | '`' => Token::Text(self.string(first)?),
            '\\' => Token::Name(self.name()?),
            _ if is_name_start(first) => Token::Name(self.name()?),
            _ => self.sign(first),
        };
        Ok((token, at))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// White space is ASCII only: a no-break space is an error, not a separator.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
            let comment = match trimmed.starts_with('#') {
                true => trimmed.find('\n').unwrap_or(trimmed.len()),
                false => 0,
            };
            self.at += rest.len() - trimmed.len() + comment;
            if comment == 0 {
                return;
            }
        }
    }

    fn sign(&mut self, first: char) -> Token<'a> {
        let second = self.rest().as_bytes().get(1);
        let (token, len) = match (first, second) {
            ('=', Some(b'~')) => (Token::Relation(Relation::Match), 2),
            ('!', Some(b'~')) => (Token::Relation(Relation::NotMatch), 2),
            ('!', Some(b'=')) => (Token::Relation(Relation::NotEqual), 2),
            ('=', _) => (Token::Relation(Relation::Equal), 1),
            _ => (Token::Char(first), first.len_utf8()),
        };
        self.at += len;
        token
    }

    fn name(&mut self) -> Result<&'a str, SelectError> {
        let start = self.at;
        while let Some(next) = self.rest().chars().next() {
            if next == '\\' {
                let Some((_, len)) = escaped_char(&self.rest()[1..]) else {
                    return Err(SelectError::new(self.text, self.at, "bad escape in a name"));
                };
                self.at += 1 + len;
            } else if is_name_char(next) {
                self.at += next.len_utf8();
            } else {
                break;
            }
        }
        Ok(&self.text[start..self.at])
    }

    /// A backslash hides the next character, except in backticks, where nothing is escaped.
    fn string(&mut self, quote: char) -> Result<&'a str, SelectError> {
        let rest = self.rest();
        let mut hidden = false;
        for (i, c) in rest.char_indices().skip(1) {
            if c == quote && !hidden {
                self.at += i + 1;
                return Ok(&rest[..=i]);
            }
            hidden = c == '\\' && !hidden && quote != '`';
        }
        Err(SelectError::new(self.text, self.at, "string without a closing quote"))
    }
}
