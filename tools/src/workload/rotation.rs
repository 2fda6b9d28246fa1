//! The order of samples on one connection: every series once per step, step after step.

use std::ops::Range;

use super::Shape;

/// Walks a range of series once per time step and keeps the step's timestamp as text.
pub(super) struct Rotation {
    series: Range<u64>,
    series_next: u64,
    step: u64,
    steps_left: u64,
    start_s: u64,
    interval_s: u64,
    stamp: Vec<u8>,
}

/// One place in the rotation.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The series, counted from the first one of this connection.
    pub(super) index: usize,
    /// The series, counted over the whole load.
    pub(super) series: u64,
    /// The time step, from 0.
    pub(super) step: u64,
}

impl Rotation {
    /// Starts at the first step of the first series.
    pub(super) fn new(shape: &Shape, series: Range<u64>) -> Self {
        let steps_left = if series.is_empty() { 0 } else { shape.samples_per_series };
        let mut rotation = Rotation {
            series_next: series.start,
            series,
            step: 0,
            steps_left,
            start_s: shape.start_s,
            interval_s: shape.interval_s,
            stamp: Vec::new(),
        };
        rotation.print_stamp();
        rotation
    }

    /// Samples not yet walked over.
    pub(super) fn left(&self) -> u64 {
        let whole_steps = self.steps_left * self.series.end.saturating_sub(self.series.start);
        whole_steps - (self.series_next - self.series.start)
    }

    /// Where the next sample stands. Call only while [`Rotation::left`] is not 0.
    #[inline]
    pub(super) fn place(&self) -> Place {
        let index = (self.series_next - self.series.start) as usize;
        Place { index, series: self.series_next, step: self.step }
    }

    /// The Unix time of the next sample in seconds, between two spaces.
    #[inline]
    pub(super) fn stamp(&self) -> &[u8] {
        &self.stamp
    }

    /// Moves on by one sample.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.series_next += 1;
        if self.series_next == self.series.end {
            self.series_next = self.series.start;
            self.step += 1;
            self.steps_left -= 1;
            self.print_stamp();
        }
    }

    fn print_stamp(&mut self) {
        let time_s = self.start_s.saturating_add(self.step.saturating_mul(self.interval_s));
        self.stamp.clear();
        self.stamp.push(b' ');
        self.stamp.extend_from_slice(itoa::Buffer::new().format(time_s).as_bytes());
        self.stamp.push(b' ');
    }
}
