//! Grammar of a selector: `name`, `{matchers}`, `name{matchers}`, any of them in parentheses and behind plus
//! signs.
//!
//! A metric name outside the braces holds for every `or` group. So does a name that is the only
//! one set inside them: `{dc="a" or "cpu", host="b"}` asks for `cpu` on both sides.

use super::lexer::{Lexer, Relation, Token};
use super::text;
use super::{Matcher, NAME_LABEL, Op, Pattern, SelectError, Selector};

/// Regular expressions in one selector; with the bound on one it limits the memory of all.
pub(super) const PATTERNS_MAX: usize = 100;

const PLAIN_ONLY: &str =
    "end of a plain selector expected; other characters in a name need a backslash,";
const NAME_TWICE: &str = "metric name set twice";

type Group = Vec<Matcher>;
type Parsed<T> = Result<T, SelectError>;

/// Parser that sees one token ahead.
pub(super) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token<'a>,
    at: usize,
    patterns: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Parsed<Self> {
        let mut lexer = Lexer::new(text);
        let (token, at) = lexer.next()?;
        Ok(Self { text, lexer, token, at, patterns: 0 })
    }

    /// The whole text as one selector.
    pub(super) fn selector(mut self) -> Parsed<Selector> {
        let mut open = 0_usize;
        // A sign in front of an expression says nothing.
        loop {
            if self.skip('(')? {
                open += 1;
            } else if !self.skip('+')? {
                break;
            }
        }
        let groups = self.plain()?;
        for _ in 0..open {
            self.skip(',')?;
            self.expect(')', "closing parenthesis expected")?;
        }
        match self.token {
            Token::End => Ok(Selector { groups }),
            _ => Err(self.error(PLAIN_ONLY)),
        }
    }

    fn plain(&mut self) -> Parsed<Vec<Group>> {
        let start = self.at;
        let name = self.bare_name()?;
        let groups = match (self.skip('{')?, &name) {
            (true, _) => self.groups()?,
            (false, Some(_)) => vec![Group::new()],
            (false, None) => return Err(self.error("metric name or opening brace expected")),
        };
        if name.is_none() && groups.iter().all(Vec::is_empty) {
            return Err(SelectError::new(self.text, start, "selector without a matcher"));
        }
        with_names(groups, name).map_err(|reason| SelectError::new(self.text, start, reason))
    }

    fn bare_name(&mut self) -> Parsed<Option<String>> {
        let Token::Name(raw) = self.token else {
            return Ok(None);
        };
        if raw.eq_ignore_ascii_case("inf") || raw.eq_ignore_ascii_case("nan") {
            return Err(self.error("a number, not a metric name; escape its first letter"));
        }
        let name = self.decode(text::name(raw))?;
        self.advance()?;
        match self.token {
            Token::Char('(') if raw.eq_ignore_ascii_case("with") => {
                Err(self.error("WITH templates are not supported"))
            }
            Token::Char('(') => Err(self.error("functions are not supported")),
            _ => Ok(Some(name)),
        }
    }

    /// Everything behind the opening brace.
    fn groups(&mut self) -> Parsed<Vec<Group>> {
        let mut groups = vec![Group::new()];
        let mut last = Group::new();
        if self.skip('}')? {
            return Ok(groups);
        }
        loop {
            self.matcher_into(&mut last)?;
            let is_or = matches!(self.token, Token::Name(raw) if raw.eq_ignore_ascii_case("or"));
            if is_or {
                self.advance()?;
                groups.push(std::mem::take(&mut last));
            } else if self.ends_group()? {
                groups.push(last);
                // The empty group in front only served the empty braces.
                groups.remove(0);
                return Ok(groups);
            }
        }
    }

    /// Skips what follows a matcher; true behind the closing brace.
    fn ends_group(&mut self) -> Parsed<bool> {
        if self.skip(',')? {
            return self.skip('}');
        }
        self.expect('}', "comma, `or` or closing brace expected")?;
        Ok(true)
    }

    fn matcher_into(&mut self, group: &mut Group) -> Parsed<()> {
        let matcher = self.matcher()?;
        if !group.contains(&matcher) {
            group.push(matcher);
        }
        Ok(())
    }

    fn matcher(&mut self) -> Parsed<Matcher> {
        let (name, quoted) = match self.token {
            Token::Name(raw) => (self.decode(text::name(raw))?, false),
            Token::Text(raw) => (self.decode(text::quoted_name(raw))?, true),
            _ => return Err(self.error("label name expected")),
        };
        self.advance()?;
        match self.token {
            Token::Relation(relation) => {
                self.advance()?;
                let op = self.op(relation)?;
                Ok(Matcher { label: name, op })
            }
            _ if quoted => Ok(name_matcher(name)),
            _ => Err(self.error("one of = != =~ !~ expected behind the label name")),
        }
    }

    fn op(&mut self, relation: Relation) -> Parsed<Op> {
        let at = self.at;
        let value = self.value()?;
        Ok(match relation {
            Relation::Equal => Op::Equal(value),
            Relation::NotEqual => Op::NotEqual(value),
            Relation::Match => Op::Match(self.pattern(&value, at)?),
            // Peers read "nothing matches everything" as "the label is missing".
            Relation::NotMatch if value == ".*" => Op::NotMatch(self.pattern(".+", at)?),
            Relation::NotMatch => Op::NotMatch(self.pattern(&value, at)?),
        })
    }

    fn pattern(&mut self, value: &str, at: usize) -> Parsed<Pattern> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            let reason = format!("more than {PATTERNS_MAX} regular expressions");
            return Err(SelectError::new(self.text, at, reason));
        }
        Pattern::new(value).map_err(|reason| {
            SelectError::new(self.text, at, format!("bad regular expression: {reason}"))
        })
    }

    /// Strings joined with plus signs.
    fn value(&mut self) -> Parsed<String> {
        let mut value = String::new();
        loop {
            let Token::Text(raw) = self.token else {
                return Err(self.error("quoted string expected"));
            };
            value.push_str(&self.decode(text::value(raw))?);
            self.advance()?;
            if !self.skip('+')? {
                return Ok(value);
            }
        }
    }

    fn advance(&mut self) -> Parsed<()> {
        (self.token, self.at) = self.lexer.next()?;
        Ok(())
    }

    fn skip(&mut self, c: char) -> Parsed<bool> {
        let found = self.token == Token::Char(c);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, c: char, reason: &str) -> Parsed<()> {
        match self.skip(c)? {
            true => Ok(()),
            false => Err(self.error(reason)),
        }
    }

    fn error(&self, reason: &str) -> SelectError {
        SelectError::new(self.text, self.at, reason)
    }

    fn decode(&self, decoded: Result<String, &'static str>) -> Parsed<String> {
        decoded.map_err(|reason| self.error(reason))
    }
}

fn name_matcher(name: String) -> Matcher {
    Matcher { label: NAME_LABEL.to_owned(), op: Op::Equal(name) }
}

/// Puts the metric name into the groups it holds for.
fn with_names(mut groups: Vec<Group>, bare: Option<String>) -> Result<Vec<Group>, String> {
    for group in &groups {
        one_name(group, bare.as_deref())?;
    }
    let Some(name) = bare.or_else(|| only_name(&groups)) else {
        return Ok(groups);
    };
    for group in &mut groups {
        if super::pinned_name(group).is_none() {
            group.insert(0, name_matcher(name.clone()));
        }
    }
    Ok(groups)
}

/// Refuses a group whose metric name would have to have two values.
fn one_name(group: &[Matcher], bare: Option<&str>) -> Result<(), String> {
    // An empty one in the braces pins nothing, but beside a name it is another.
    let inside = group.iter().filter_map(|matcher| match &matcher.op {
        Op::Equal(name) if matcher.label == NAME_LABEL => Some(name.as_str()),
        _ => None,
    });
    let inside = inside.filter(|name| bare.is_some() || !name.is_empty());
    let mut names = bare.into_iter().chain(inside);
    let Some(first) = names.next() else {
        return Ok(());
    };
    match names.find(|&name| name != first) {
        Some(other) => Err(format!("{NAME_TWICE}: {first:?} and {other:?}")),
        None => Ok(()),
    }
}

/// The metric name set inside the braces, if all that set one agree.
fn only_name(groups: &[Group]) -> Option<String> {
    let mut names = groups.iter().filter_map(|group| super::pinned_name(group));
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.to_owned())
}
