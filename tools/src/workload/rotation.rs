//! The order of samples on one connection: every series once per step, step after step.

use std::ops::Range;

use super::Shape;
use super::chance::draw;

/// Samples out of order lie within so many steps of their place.
const SHUFFLED_STEPS: u64 = 16;
/// Of so many series one is sent out of order.
const SHUFFLED_SERIES: u64 = 4;
/// One step in so many has the time of the step before it.
const REPEATED_STEPS: u64 = 8;

/// Which step's time a sample has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Its own.
    InOrder,
    /// One series in four is out of order, within sixteen steps.
    Shuffled,
    /// Every eighth step has the time of the step before it.
    Repeated,
}

/// Walks a range of series once per time step and keeps the step's timestamp as text.
pub(super) struct Rotation {
    series: Range<u64>,
    series_next: u64,
    step: u64,
    steps_left: u64,
    start_s: u64,
    interval_s: u64,
    order: Order,
    seed: u64,
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
            order: Order::InOrder,
            seed: shape.seed,
            stamp: Vec::new(),
        };
        rotation.print_stamp();
        rotation
    }

    /// The same with the times of its steps in another order.
    pub(super) fn ordered(self, order: Order) -> Self {
        let mut rotation = Rotation { order, ..self };
        rotation.print_stamp();
        rotation
    }

    /// The Unix time of a series at the present step where it is not that of the others.
    #[inline]
    pub(super) fn own_time_s(&self, series: u64) -> Option<u64> {
        let shuffled = self.order == Order::Shuffled && series.is_multiple_of(SHUFFLED_SERIES);
        shuffled.then(|| {
            // An odd factor visits each step of a window of a power of two once.
            let random = draw(self.seed, series, 0);
            let within = self.step.wrapping_mul(random | 1).wrapping_add(random >> 32);
            self.time_s(self.step - self.step % SHUFFLED_STEPS + within % SHUFFLED_STEPS)
        })
    }

    fn time_s(&self, step: u64) -> u64 {
        self.start_s.saturating_add(step.saturating_mul(self.interval_s))
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

    /// Samples left of this step.
    pub(super) fn left_in_step(&self) -> u64 {
        self.series.end - self.series_next
    }

    /// Moves on by one sample.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.advance_by(1);
    }

    /// Moves on by at most the samples left of this step.
    #[inline]
    pub(super) fn advance_by(&mut self, samples: u64) {
        self.series_next += samples;
        if self.series_next == self.series.end {
            self.series_next = self.series.start;
            self.step += 1;
            self.steps_left -= 1;
            self.print_stamp();
        }
    }

    fn print_stamp(&mut self) {
        let step = match self.order {
            Order::Repeated => self.step - (self.step + 1) / REPEATED_STEPS,
            Order::InOrder | Order::Shuffled => self.step,
        };
        let time_s = self.time_s(step);
        self.stamp.clear();
        self.stamp.push(b' ');
        self.stamp.extend_from_slice(itoa::Buffer::new().format(time_s).as_bytes());
        self.stamp.push(b' ');
    }
}
