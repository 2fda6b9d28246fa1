//! What happened when, in at most a few hundred ticks however long a run takes. Pure.

/// Ticks that are kept; when there are more, each two become one.
const TICKS_MAX: usize = 240;

/// What happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tick {
    /// When it ended, in seconds from the start.
    pub(super) end_s: f64,
    /// How long it was.
    pub(super) seconds: f64,
    /// Points accepted.
    pub(super) points: u64,
    /// Refusals answered.
    pub(super) errors: u64,
    /// Median, 99th percentile and most of the latencies that ended in it; 0 if none did.
    pub(super) latency_ns: [u64; 3],
    /// The most that a connection was behind its schedule.
    pub(super) lag_ns: u64,
    /// CPU seconds of the server.
    pub(super) server_cpu_s: f64,
    /// CPU seconds of the load generator.
    pub(super) own_cpu_s: f64,
    /// The most resident memory of the server.
    pub(super) rss_bytes: u64,
    /// The most anonymous memory of the server.
    pub(super) anon_bytes: u64,
}

impl Tick {
    /// Both as one. Of latencies and memory the most counts.
    fn merged(self, next: Tick) -> Tick {
        let most = |at: usize| self.latency_ns[at].max(next.latency_ns[at]);
        Tick {
            end_s: next.end_s,
            seconds: self.seconds + next.seconds,
            points: self.points + next.points,
            errors: self.errors + next.errors,
            latency_ns: [most(0), most(1), most(2)],
            lag_ns: self.lag_ns.max(next.lag_ns),
            server_cpu_s: self.server_cpu_s + next.server_cpu_s,
            own_cpu_s: self.own_cpu_s + next.own_cpu_s,
            rss_bytes: self.rss_bytes.max(next.rss_bytes),
            anon_bytes: self.anon_bytes.max(next.anon_bytes),
        }
    }
}

/// Ticks one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    ticks: Vec<Tick>,
    /// How many of the ticks added make one that is kept.
    each: usize,
    gathered: usize,
}

impl Timeline {
    /// Adds a tick.
    pub(super) fn push(&mut self, tick: Tick) {
        self.each = self.each.max(1);
        match self.ticks.last_mut() {
            Some(last) if self.gathered < self.each => *last = last.merged(tick),
            _ => {
                self.ticks.push(tick);
                self.gathered = 0;
            }
        }
        self.gathered += 1;
        if self.ticks.len() > TICKS_MAX && self.gathered == self.each {
            let pairs = self.ticks.chunks(2);
            self.ticks =
                pairs.filter_map(|pair| pair.iter().copied().reduce(Tick::merged)).collect();
            self.each *= 2;
            // Their number was odd, so the last one is half of a pair.
            self.gathered = self.each / 2;
        }
    }

    /// The ticks kept.
    pub(super) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_few_ticks_and_every_point() {
        let mut timeline = Timeline::default();
        for number in 1..=10_007u64 {
            let latency_ns = [number, number, number];
            let tick = Tick {
                end_s: number as f64,
                seconds: 1.0,
                points: 2,
                latency_ns,
                ..Tick::default()
            };
            timeline.push(tick);
        }
        let ticks = timeline.ticks();
        assert!((120..=TICKS_MAX).contains(&ticks.len()), "{}", ticks.len());
        assert_eq!(ticks.iter().map(|tick| tick.points).sum::<u64>(), 20_014);
        assert_eq!(ticks.iter().map(|tick| tick.seconds).sum::<f64>(), 10_007.0);
        assert!(ticks.is_sorted_by(|one, next| one.end_s < next.end_s));
        let last = ticks.last().expect("ticks");
        assert_eq!((last.end_s, last.latency_ns[2]), (10_007.0, 10_007));
        let full = &ticks[..ticks.len() - 1];
        assert!(full.iter().all(|tick| tick.seconds == full[0].seconds), "equal lengths");
    }
}
