//! Rewrites an RE2 expression into the syntax of the `regex` crate with the same meaning.
//!
//! The two differ where users would notice: in RE2 `\w`, `\d`, `\s` and `\b` know ASCII only,
//! `\Q...\E` quotes, octal escapes exist, a lone brace is a character, and brackets or `&&` inside
//! a class are characters; `a**`, the flags `x` and `u` and counts above 1000 are errors. So every
//! character is written out again, in a form that has one reading. Names of Unicode classes, order
//! of counts and the like are left for the crate to check.

use std::iter::Peekable;
use std::str::Chars;

/// Largest count in braces.
const REPEAT_MAX: u32 = 1000;

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

type Rewritten<T> = Result<T, String>;

/// Rewrites a whole expression.
pub(super) fn translate(pattern: &str) -> Rewritten<String> {
    let mut rewriter = Rewriter {
        rest: pattern.chars(),
        out: String::with_capacity(pattern.len() + 8),
        depth: 0,
        repeated: false,
    };
    while let Some(c) = rewriter.rest.next() {
        rewriter.element(c)?;
    }
    match rewriter.depth {
        0 => Ok(rewriter.out),
        _ => Err("missing )".to_owned()),
    }
}

/// The strings an expression lists, if it is only an alternation of plain text.
pub(super) fn literals(pattern: &str) -> Option<Vec<String>> {
    let mut all = vec![];
    let mut current = String::new();
    let mut rest: Peekable<Chars<'_>> = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '|' => all.push(std::mem::take(&mut current)),
            '\\' => current.push(rest.next_if(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            _ => current.push(c),
        }
    }
    all.push(current);
    Some(all)
}

/// An escape, in or outside a class.
enum Escape {
    Char(char),
    /// A class, written as the crate has it.
    Class(String),
}

struct Rewriter<'a> {
    rest: Chars<'a>,
    out: String,
    /// Groups open.
    depth: usize,
    /// A repetition ends here, so that another one may not follow.
    repeated: bool,
}

impl Rewriter<'_> {
    fn element(&mut self, c: char) -> Rewritten<()> {
        let repeated = std::mem::take(&mut self.repeated);
        match c {
            '*' | '+' | '?' => self.repeat(&c.to_string(), repeated)?,
            '{' => match self.counts()? {
                Some(counts) => self.repeat(&counts, repeated)?,
                None => self.push_literal(c),
            },
            '(' => self.open()?,
            ')' => self.close()?,
            '[' => self.class()?,
            '\\' => self.escape()?,
            '.' | '^' | '$' | '|' => self.out.push(c),
            _ => self.push_literal(c),
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.as_str().strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest.chars();
                true
            }
            None => false,
        }
    }

    /// By number, so that no character can mean something to the crate.
    fn push_literal(&mut self, c: char) {
        match c.is_ascii_alphanumeric() || !c.is_ascii() {
            true => self.out.push(c),
            false => self.push_number(c),
        }
    }

    fn push_number(&mut self, c: char) {
        self.out.push_str(&format!(r"\x{{{:X}}}", u32::from(c)));
    }

    fn repeat(&mut self, operator: &str, repeated: bool) -> Rewritten<()> {
        if repeated {
            return Err(format!("repetition of a repetition: {operator}"));
        }
        self.out.push_str(operator);
        if self.skip("?") {
            self.out.push('?');
        }
        self.repeated = true;
        Ok(())
    }

    /// `{n}`, `{n,}` or `{n,m}` behind an opening brace; anything else is plain text.
    fn counts(&mut self) -> Rewritten<Option<String>> {
        let Some((inner, behind)) = self.rest.as_str().split_once('}') else {
            return Ok(None);
        };
        let (min, max) = inner.split_once(',').unwrap_or((inner, inner));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if min.is_empty() || !is_number(min) || !is_number(max) {
            return Ok(None);
        }
        let fits = |text: &str| text.parse::<u32>().is_ok_and(|count| count <= REPEAT_MAX);
        if !fits(min) || !(max.is_empty() || fits(max)) {
            return Err(format!("repeat count above {REPEAT_MAX}"));
        }
        let counts = format!("{{{inner}}}");
        self.rest = behind.chars();
        Ok(Some(counts))
    }

    fn open(&mut self) -> Rewritten<()> {
        if !self.skip("?") {
            self.out.push('(');
            self.depth += 1;
            return Ok(());
        }
        match self.skip("P<") || self.skip("<") {
            true => self.open_named(),
            false => self.flags(),
        }
    }

    /// A named group. The name selects nothing in a matcher, so that it is dropped.
    fn open_named(&mut self) -> Rewritten<()> {
        let (name, behind) = self.rest.as_str().split_once('>').ok_or("group name without >")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err("bad group name".to_owned());
        }
        self.out.push_str("(?:");
        self.depth += 1;
        self.rest = behind.chars();
        Ok(())
    }

    /// `i`, `m`, `s`, `U` and a minus sign, for a group or for what follows.
    fn flags(&mut self) -> Rewritten<()> {
        let rest = self.rest.as_str();
        let len = rest.find([')', ':']).unwrap_or(rest.len());
        let flags = &rest[..len];
        let end = rest[len..].chars().next();
        let Some(end) = end.filter(|_| flags.bytes().all(|byte| b"imsU-".contains(&byte))) else {
            return Err("unsupported group after (?".to_owned());
        };
        if end == ':' {
            self.depth += 1;
        }
        self.out.push_str("(?");
        self.out.push_str(flags);
        self.out.push(end);
        self.rest = rest[len + 1..].chars();
        Ok(())
    }

    /// Checked here, because a stray parenthesis would close the group that anchors the whole.
    fn close(&mut self) -> Rewritten<()> {
        self.depth = self.depth.checked_sub(1).ok_or("unexpected )")?;
        self.out.push(')');
        Ok(())
    }

    fn escape(&mut self) -> Rewritten<()> {
        match self.peek() {
            Some('b') => self.out.push_str(r"(?-u:\b)"),
            Some('B') => self.out.push_str(r"(?-u:\B)"),
            Some('A') => self.out.push_str(r"\A"),
            Some('z') => self.out.push_str(r"\z"),
            Some('Q') => return self.quoted(),
            _ => {
                match self.escaped()? {
                    Escape::Char(c) => self.push_literal(c),
                    Escape::Class(class) => self.out.push_str(&class),
                }
                return Ok(());
            }
        }
        self.rest.next();
        Ok(())
    }

    /// `\Q...\E`; without the end all the rest is quoted.
    fn quoted(&mut self) -> Rewritten<()> {
        self.rest.next();
        while !self.rest.as_str().is_empty() && !self.skip(r"\E") {
            if let Some(c) = self.rest.next() {
                self.push_literal(c);
            }
        }
        Ok(())
    }

    fn escaped(&mut self) -> Rewritten<Escape> {
        let Some(c) = self.rest.next() else {
            return Err(r"trailing \".to_owned());
        };
        let class = |text: &str| Ok(Escape::Class(text.to_owned()));
        match c {
            'd' => class("[0-9]"),
            'D' => class("[^0-9]"),
            's' => class(r"[\t\n\f\r ]"),
            'S' => class(r"[^\t\n\f\r ]"),
            'w' => class("[0-9A-Za-z_]"),
            'W' => class("[^0-9A-Za-z_]"),
            'p' | 'P' => self.unicode_class(c).map(Escape::Class),
            _ => self.escaped_char(c).map(Escape::Char),
        }
    }

    fn escaped_char(&mut self, c: char) -> Rewritten<char> {
        match c {
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            'x' => self.hex(),
            '0'..='7' => self.octal(c),
            // Anything of ASCII that is no letter or digit stands for itself, blanks and controls too.
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            _ => Err(format!(r"invalid escape \{}", c.escape_debug())),
        }
    }

    fn hex(&mut self) -> Rewritten<char> {
        let rest = self.rest.as_str();
        let (digits, behind) = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or(("", "")),
            None => rest.split_at_checked(2).unwrap_or(("", "")),
        };
        self.rest = behind.chars();
        let number = Some(digits).filter(|digits| !digits.is_empty()).and_then(super::text::hex);
        number.and_then(char::from_u32).ok_or_else(|| r"invalid escape \x".to_owned())
    }

    /// Up to three digits; a single one other than 0 would be a back reference.
    fn octal(&mut self, first: char) -> Rewritten<char> {
        let mut value = first.to_digit(8).unwrap_or(0);
        let mut digits = 1;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(8)).filter(|_| digits < 3) {
            value = value * 8 + digit;
            digits += 1;
            self.rest.next();
        }
        match char::from_u32(value) {
            Some(c) if digits > 1 || first == '0' => Ok(c),
            _ => Err("back references are not supported".to_owned()),
        }
    }

    /// `\pL`, `\p{Greek}`, `\p{^Greek}` and the same with `P`.
    fn unicode_class(&mut self, kind: char) -> Rewritten<String> {
        let rest = self.rest.as_str();
        let (name, behind) = match rest.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or(r"\p{ without }")?,
            None => rest.split_at(rest.chars().next().map_or(0, char::len_utf8)),
        };
        self.rest = behind.chars();
        let (name, turned) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
            return Err("bad name of a Unicode class".to_owned());
        }
        let kind = if (kind == 'P') != turned { 'P' } else { 'p' };
        Ok(format!(r"\{kind}{{{name}}}"))
    }

    fn class(&mut self) -> Rewritten<()> {
        self.out.push('[');
        if self.skip("^") {
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.skip("]") {
            first = false;
            self.class_item()?;
        }
        self.out.push(']');
        Ok(())
    }

    fn class_item(&mut self) -> Rewritten<()> {
        if self.posix_class()? {
            return Ok(());
        }
        let low = match self.class_char()? {
            Escape::Class(class) => {
                self.out.push_str(&class);
                return Ok(());
            }
            Escape::Char(low) => low,
        };
        self.push_number(low);
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']') {
            self.skip("-");
            let Escape::Char(high) = self.class_char()? else {
                return Err("range up to a class".to_owned());
            };
            self.out.push('-');
            self.push_number(high);
        }
        Ok(())
    }

    fn class_char(&mut self) -> Rewritten<Escape> {
        match self.rest.next() {
            Some('\\') => self.escaped(),
            Some(c) => Ok(Escape::Char(c)),
            None => Err("missing ]".to_owned()),
        }
    }

    /// `[:alpha:]` or `[:^alpha:]`; without the closing `:]` the bracket is a character.
    fn posix_class(&mut self) -> Rewritten<bool> {
        let Some(inner) = self.rest.as_str().strip_prefix("[:") else {
            return Ok(false);
        };
        let Some((name, behind)) = inner.split_once(":]") else {
            return Ok(false);
        };
        if !POSIX_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err("unknown class in [: :]".to_owned());
        }
        self.out.push_str(&format!("[:{name}:]"));
        self.rest = behind.chars();
        Ok(true)
    }
}
