//! Agent-like lines whose series or values are the hard cases: series that come and go, doubles of
//! all their digits, histograms.
//!
//! A sample follows from the seed, its series and its step alone, without what came before it.

use std::io::Write;
use std::ops::Range;

use super::chance::{below, draw};
use super::rotation::{Place, Rotation};
use super::{Shape, Workload, agent};

/// Room to set aside for a line; more than almost every line takes.
const LINE_BYTES: usize = 112;
/// Upper bounds of the buckets of a histogram, in milliseconds, as latencies are counted.
const BOUNDS_MS: [&str; 9] = ["0", "1", "2.5", "5", "10", "25", "50", "100", "250"];
const HANDLERS: [&str; 4] = ["/api/put", "/api/query", "/login", "/"];

/// What is hard about the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variety {
    /// A series ends after so many samples, and a new one takes its place. With `staggered` they do
    /// so in turn, as pods are replaced; without, all at once.
    Replaced {
        /// Samples of a series.
        lifetime: u64,
        /// Whether they take turns.
        staggered: bool,
    },
    /// Values are doubles that need all their digits.
    Doubles,
    /// Values are histograms.
    Histograms,
}

/// The varied lines of one connection.
pub struct VariedLines {
    shape: Shape,
    variety: Variety,
    rotation: Rotation,
}

impl VariedLines {
    /// The lines of the given series of a load.
    pub fn new(shape: &Shape, series: Range<u64>, variety: Variety) -> Self {
        VariedLines { shape: *shape, variety, rotation: Rotation::new(shape, series) }
    }

    fn push_line(&mut self, out: &mut Vec<u8>) {
        let place = self.rotation.place();
        let series = self.series(place);
        let random = draw(self.shape.seed, series, place.step + 1);
        if self.variety == Variety::Histograms {
            push_histogram_line(out, series, self.rotation.stamp(), random);
        } else {
            out.extend_from_slice(b"put ");
            agent::push_metric(out, series);
            out.extend_from_slice(self.rotation.stamp());
            match self.variety {
                Variety::Doubles => push_double(out, random),
                _ => agent::push_value_of(out, series, place.step, random),
            }
            agent::push_tags(out, series);
        }
        self.rotation.advance();
    }

    /// The series that is in a place at a step.
    fn series(&self, place: Place) -> u64 {
        let Variety::Replaced { lifetime, staggered } = self.variety else { return place.series };
        let ahead = if staggered { place.series % lifetime } else { 0 };
        let generation = (place.step + ahead) / lifetime;
        place.series.wrapping_add(generation.wrapping_mul(self.shape.series_count))
    }
}

impl Workload for VariedLines {
    fn fill(&mut self, out: &mut Vec<u8>, lines_max: u64) -> u64 {
        let lines = lines_max.min(self.rotation.left());
        out.reserve(lines as usize * LINE_BYTES);
        for _ in 0..lines {
            self.push_line(out);
        }
        lines
    }
}

/// A double between 0 and 100 with 53 random bits, in the fewest digits that stand for it.
fn push_double(out: &mut Vec<u8>, random: u64) {
    let double = (random >> 11) as f64 / (1u64 << 53) as f64 * 100.0;
    // Memory takes every byte.
    let _ = write!(out, "{double}");
}

fn push_histogram_line(out: &mut Vec<u8>, series: u64, stamp: &[u8], random: u64) {
    out.extend_from_slice(b"histogram http.request.duration_ms");
    out.extend_from_slice(stamp);
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"u=0:o=");
    out.extend_from_slice(digits.format(random % 3).as_bytes());
    for (at, bounds) in BOUNDS_MS.windows(2).enumerate() {
        let count = below(random.rotate_left(at as u32 * 7), 1 + (1000 >> at.abs_diff(3)));
        let _ = write!(out, ":{},{}={count}", bounds[0], bounds[1]);
    }
    let (host, handler) = (series / HANDLERS.len() as u64, series as usize % HANDLERS.len());
    let _ = writeln!(out, " host=web{:04} handler={}", host + 1, HANDLERS[handler]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::collect;
    use std::collections::BTreeMap;

    const SHAPE: Shape = Shape {
        seed: 1,
        series_count: 240,
        samples_per_series: 32,
        start_s: 1_700_000_000,
        interval_s: 15,
    };

    /// Lines in words.
    fn lines(variety: Variety) -> Vec<Vec<String>> {
        let (bytes, _) = collect(&mut VariedLines::new(&SHAPE, 0..240, variety));
        let text = String::from_utf8(bytes).expect("ASCII");
        text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// Times by series, in the order sent.
    fn times(variety: Variety) -> BTreeMap<String, Vec<u64>> {
        let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for line in lines(variety) {
            let series = format!("{} {}", line[1], line[4..].join(" "));
            times.entry(series).or_default().push(line[2].parse().expect("a time"));
        }
        times
    }

    #[test]
    fn replaced_series_live_as_long_as_they_should() {
        let all_at_once = times(Variety::Replaced { lifetime: 8, staggered: false });
        assert_eq!(all_at_once.len(), 240 * 32 / 8);
        assert!(all_at_once.values().all(|times| times.len() == 8));
        let in_turn = times(Variety::Replaced { lifetime: 8, staggered: true });
        assert_eq!(in_turn.len(), 240 + 240 * 32 / 8 - 240 / 8);
        assert!(in_turn.values().all(|times| times.len() <= 8));
        assert_eq!(in_turn.values().map(Vec::len).sum::<usize>(), 240 * 32);
    }

    #[test]
    fn doubles_need_their_digits() {
        let values: Vec<String> =
            lines(Variety::Doubles).into_iter().map(|line| line[3].clone()).collect();
        let long = values.iter().filter(|value| value.len() >= 17).count();
        assert!(long * 10 > values.len() * 8, "{long} of {}", values.len());
        assert!(values.iter().all(|value| value.parse::<f64>().is_ok_and(|v| v < 100.0)));
    }

    #[test]
    fn histograms_have_ascending_buckets() {
        let line = &lines(Variety::Histograms)[0];
        assert_eq!((line[0].as_str(), line[4].as_str()), ("histogram", "host=web0001"));
        assert!(line[3].starts_with("u=0:o=") && line[3].contains(":2.5,5="), "{}", line[3]);
        assert_eq!(line[3].matches(',').count(), BOUNDS_MS.len() - 1);
    }
}
