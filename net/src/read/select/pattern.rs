//! A regular expression of a matcher: RE2 syntax, matched against whole values.

use std::fmt;
use std::sync::{Arc, OnceLock};

use irontsd_engine::index::filter::{self, Automaton, Start};
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{Extractor, Literal};

use super::re2;

/// Bytes one compiled expression may take, and again as many for its lazily built tables.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A compiled expression. Two are equal when their texts are.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// Made when many values are to be tried; shared by copies.
    automaton: Arc<OnceLock<Option<Automaton>>>,
}

impl Pattern {
    /// Compiles an expression, with a reason in one line when that is impossible.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(&anchored(text)?)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| one_line(&error))?;
        Ok(Self { text: text.to_owned(), regex, automaton: Arc::default() })
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole value matches.
    pub fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(value.as_bytes())
    }

    /// How matching values may begin, as far as that can be told; no two allow the same value.
    pub fn starts(&self) -> Vec<Start> {
        let any = || vec![Start { text: Vec::new(), whole: false }];
        let Ok(translated) = re2::translate(&self.text) else { return any() };
        let parsed = ParserBuilder::new().utf8(false).build().parse(&format!("(?s:{translated})"));
        let Ok(parsed) = parsed else { return any() };
        let found = Extractor::new().extract(&parsed);
        let Some(literals) = found.literals() else { return any() };
        let start = |one: &Literal| Start { text: one.as_bytes().to_vec(), whole: one.is_exact() };
        let mut starts: Vec<Start> = literals.iter().map(start).collect();
        starts.sort_by(|a, b| (&a.text, a.whole).cmp(&(&b.text, b.whole)));
        // Behind a start come those that it allows, too.
        starts.dedup_by(|next, kept| match kept.whole {
            true => next == kept,
            false => next.text.starts_with(&kept.text),
        });
        starts
    }

    /// All values that match, when the expression only lists some: `a`, `a|b`, `(a|b)`. Readers
    /// with an index look these up instead of trying every value.
    pub fn literals(&self) -> Option<Vec<String>> {
        let text = self.text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        re2::literals(text.unwrap_or(&self.text))
    }
}

impl filter::Pattern for Pattern {
    fn matches(&self, value: &[u8]) -> bool {
        self.regex.is_match(value)
    }

    fn automaton(&self) -> Option<&Automaton> {
        self.automaton.get_or_init(|| automaton(&anchored(&self.text).ok()?)).as_ref()
    }
}

/// The expression for a whole value. Values may hold line ends, and peers let the dot match them.
fn anchored(text: &str) -> Result<String, String> {
    Ok(format!(r"\A(?s:{})\z", re2::translate(text)?))
}

/// All states of an anchored expression, unless it is one that needs too many, or looks at words of
/// all alphabets.
fn automaton(anchored: &str) -> Option<Automaton> {
    let limit = Some(COMPILED_BYTES_MAX);
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(limit)
        .determinize_size_limit(limit);
    let dfa = dense::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().utf8(false))
        .thompson(thompson::Config::new().utf8(false).nfa_size_limit(limit))
        .build(anchored)
        .ok()?;
    let start = dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
    Automaton::explore(
        start,
        |state, byte| dfa.next_state(state, byte),
        |state| dfa.is_match_state(dfa.next_eoi_state(state)),
    )
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// The library draws the place of a syntax error over several lines; the last one has the reason.
fn one_line(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "too large when compiled".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("invalid");
            last.trim_start_matches("error: ").to_owned()
        }
    }
}
