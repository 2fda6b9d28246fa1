//! A load without end at the cost of almost nothing: lines made once, sent again and again with
//! timestamps that go on.
//!
//! A sender on the cores of the node it loads must not spend them on making lines. The values of the
//! rounds that were made come back in turn, so counters jump back once in so many rounds.

use std::ops::Range;

use super::{Kind, Shape, collect};

/// Digits of a timestamp in seconds from 2001 to 2286, the only ones that can be replaced in place.
const STAMP_DIGITS: usize = 10;

/// The endless load of one connection: every series once in each round.
pub struct EndlessLines {
    bytes: Vec<u8>,
    /// Where each line begins, and behind them where the last one ends.
    starts: Vec<u32>,
    /// Where the timestamp of each line begins, counted from the line's beginning.
    stamps: Vec<u8>,
    lines_per_round: usize,
    line_next: usize,
    time_s: u64,
    interval_s: u64,
}

impl EndlessLines {
    /// As many rounds as the shape has samples of a series are made; their bytes must be less than
    /// 4 GiB.
    ///
    /// # Panics
    ///
    /// If there is no line, or more bytes of them, or the shape begins before 2001.
    pub fn new(kind: Kind, shape: &Shape, series: Range<u64>) -> Self {
        let lines_per_round = (series.end - series.start) as usize;
        let (bytes, lines) = collect(kind.workload(shape, series).as_mut());
        assert!(lines > 0 && bytes.len() < u32::MAX as usize && shape.start_s >= 1_000_000_000);
        let mut endless = EndlessLines {
            starts: vec![0],
            stamps: Vec::with_capacity(lines as usize),
            lines_per_round,
            line_next: 0,
            time_s: shape.start_s,
            interval_s: shape.interval_s,
            bytes: Vec::new(),
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let start = endless.starts.last().copied().unwrap_or(0);
            endless.starts.push(start + line.len() as u32);
            endless.stamps.push(stamp_of(line));
        }
        endless.bytes = bytes;
        endless
    }

    /// Unix time of the line that comes next, in seconds.
    pub fn time_s(&self) -> u64 {
        self.time_s
    }

    /// The next whole lines, at most `lines_max` and not beyond the end of a round, and how many.
    pub fn take(&mut self, lines_max: u64) -> (&[u8], u64) {
        let round = self.line_next / self.lines_per_round;
        let round_end = (round + 1) * self.lines_per_round;
        let count = (round_end - self.line_next).min(lines_max as usize);
        let lines = self.line_next..self.line_next + count;
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.time_s).as_bytes();
        for line in lines.clone() {
            let at = self.starts[line] as usize + usize::from(self.stamps[line]);
            self.bytes[at..at + STAMP_DIGITS].copy_from_slice(digits);
        }
        self.line_next = lines.end;
        if self.line_next == round_end {
            self.time_s += self.interval_s;
            self.line_next %= self.stamps.len();
        }
        (
            &self.bytes[self.starts[lines.start] as usize..self.starts[lines.end] as usize],
            count as u64,
        )
    }
}

/// Behind `put METRIC `.
fn stamp_of(line: &[u8]) -> u8 {
    let spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    let second = spaces.map(|(at, _)| at).nth(1);
    second.and_then(|at| u8::try_from(at + 1).ok()).expect("a put line with a short metric")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::digest_lines;

    const SHAPE: Shape = Shape {
        seed: 1,
        series_count: 100,
        samples_per_series: 3,
        start_s: 1_700_000_000,
        interval_s: 15,
    };

    fn taken(pieces: &[u64]) -> (Vec<u8>, u64) {
        let mut lines = EndlessLines::new(Kind::Agent, &SHAPE, 0..100);
        let mut bytes = Vec::new();
        let mut count = 0;
        for lines_max in pieces {
            let (piece, lines) = lines.take(*lines_max);
            bytes.extend_from_slice(piece);
            count += lines;
        }
        (bytes, count)
    }

    #[test]
    fn the_rounds_made_come_first_as_they_are() {
        let (plain, lines) = collect(Kind::Agent.workload(&SHAPE, 0..100).as_mut());
        let (bytes, count) = taken(&[40, 60, 1000, 99, 1]);
        assert_eq!((count, bytes == plain), (lines, true));
    }

    #[test]
    fn later_rounds_have_later_timestamps_and_the_same_values() {
        let (bytes, count) = taken(&[100; 7]);
        assert_eq!(count, 700);
        let text = String::from_utf8(bytes).expect("ASCII");
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
        for (at, line) in lines.iter().enumerate() {
            assert_eq!(line[2], (1_700_000_000 + at / 100 * 15).to_string());
            assert_eq!((line[1], line[3]), (lines[at % 300][1], lines[at % 300][3]));
        }
        assert_eq!(digest_lines(text.as_bytes()).map(|digest| digest.count), Ok(700));
    }
}
