//! Objects of series that come in the order of last time: each is compared with what it must be, and
//! only its numbers are read.
//!
//! It takes a subset of what splitting and the lookup take together, and gives the same rows.

use super::Cursor;
use super::Field::{Metric, Tags, Time, Value as Number};
use crate::telnet::lookup::{Guess, Lookup, Trail};
use crate::telnet::window;
use irontsd_engine::batch::Row;
use irontsd_engine::types::SeriesId;
use std::ops::Range;

impl Cursor<'_> {
    /// Takes objects for as long as they are written like the last and their series are those that
    /// came next last time. Whether another object follows.
    pub(super) fn predicted(
        &mut self,
        lookup: &Lookup,
        oldest_ms: i64,
        trail: &mut Trail,
        rows: &mut Vec<(SeriesId, Row)>,
    ) -> Option<bool> {
        let mut guesses = lookup.guesses(trail);
        let is_alike = self.around().is_some_and(|around| lookup.around().is(around));
        while let Some(guess) = guesses.peek() {
            let start = self.at;
            let row = if is_alike { self.guessed_alike(&guess) } else { self.guessed(&guess) };
            let row = row.filter(|row| row.timestamp_ms() >= oldest_ms);
            let Some(row) = row else {
                self.at = start;
                break;
            };
            rows.push((guess.series, row));
            guesses.advance(trail);
            if !self.goes_on()? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// What follows the opening brace of a point that is written like the last one split, if its
    /// series is this.
    #[inline(never)]
    fn guessed(&mut self, guess: &Guess<'_>) -> Option<Row> {
        let mut value = None;
        for place in 0..4 {
            self.pass(self.pattern.gaps[place].clone())?;
            match self.pattern.fields[place] {
                Metric => {
                    let (text, bytes) = guess.metric();
                    self.pass_text(text, bytes)?;
                }
                Tags => {
                    let (text, bytes) = guess.tags();
                    self.pass_text(text, bytes)?;
                }
                Time => self.pass_time()?,
                Number => value = Some(self.value()?.1),
            }
        }
        self.pass(self.pattern.gaps[4].clone())?;
        Some(self.pattern.at_time.with(value?))
    }

    /// What the last object has around metric and tags, if those stand at its ends.
    pub(super) fn around(&self) -> Option<[&[u8]; 4]> {
        let gap = |place: usize| &self.body[self.pattern.gaps[place].clone()];
        let is_so = matches!(
            self.pattern.fields,
            [Metric, Time, Number, Tags] | [Metric, Number, Time, Tags]
        );
        is_so.then(|| [gap(0), gap(1), gap(3), gap(4)])
    }

    /// The same as [`Cursor::guessed`], if the guess has around its texts what the last object has.
    #[inline(always)]
    fn guessed_alike(&mut self, guess: &Guess<'_>) -> Option<Row> {
        self.pass_text(guess.head, guess.head_bytes)?;
        let value = if self.pattern.fields[1] == Time {
            self.pass_time_and_gap()?;
            self.value()?.1
        } else {
            let value = self.value()?.1;
            self.pass(self.pattern.gaps[2].clone())?;
            self.pass_time()?;
            value
        };
        self.pass_text(guess.tail, guess.tail_bytes)?;
        Some(self.pattern.at_time.with(value))
    }

    /// Goes behind a timestamp, which mostly is the last one.
    #[inline]
    fn pass_time(&mut self) -> Option<()> {
        if self.pass(self.pattern.time.clone()).is_none() {
            let (stands, ms) = self.time()?;
            (self.pattern.time, self.pattern.at_time) = (stands, Row::at(ms));
        }
        Some(())
    }

    /// Goes behind a timestamp and what follows it. The last ones stand side by side.
    #[inline]
    fn pass_time_and_gap(&mut self) -> Option<()> {
        let (time, gap) = (self.pattern.time.start, self.pattern.gaps[2].clone());
        if self.pass(time..gap.end).is_none() {
            self.pass_time()?;
            let end = self.at;
            self.pass(gap)?;
            self.pattern.time = end - self.pattern.time.len()..end;
            self.pattern.gaps[2] = end..self.at;
        }
        Some(())
    }

    /// Goes behind what stands elsewhere in the body, if that is what comes.
    #[inline(always)]
    fn pass(&mut self, like: Range<usize>) -> Option<()> {
        self.pass_text(&self.body[like.start..], like.len())
    }

    /// Goes behind the first bytes of a text, if they come and the body goes on behind them.
    #[inline]
    fn pass_text(&mut self, text: &[u8], bytes: usize) -> Option<()> {
        window::has(self.body, self.at, text, bytes).then(|| self.at += bytes)
    }
}
