//! What was seen of a node under load, in windows and rows.

const MIB: f64 = 1024.0 * 1024.0;
/// The window whose rate is judged, in samples of a second.
const WINDOW: usize = 5;
/// So many rows are shown.
const ROWS: usize = 20;

/// One look.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Seconds since the load began.
    pub at_s: f64,
    /// Points accepted so far.
    pub accepted: u64,
    /// Number of segments.
    pub segments: u64,
    /// Their bytes.
    pub segment_bytes: u64,
    /// Anonymous memory.
    pub anon_bytes: u64,
    /// Allocated bytes of the whole directory.
    pub directory_bytes: u64,
    /// Bytes written to disk so far.
    pub written_bytes: u64,
    /// CPU time of the server so far.
    pub server_cpu_us: u64,
    /// CPU time of anything but the server and the senders so far.
    pub others_cpu_us: u64,
    /// CPU time of the thread that merges so far.
    pub merger_cpu_us: u64,
    /// Bytes that merges read and wrote so far.
    pub merge_bytes: u64,
    /// Flushes of write buffers so far.
    pub flushes: Timing,
    /// Rounds of syncing logs so far.
    pub syncs: Timing,
}

/// How often something was done and how long it took together.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How often.
    pub count: u64,
    /// How long, all together.
    pub seconds: f64,
}

impl Timing {
    /// Milliseconds of one in the mean of those since `first`.
    fn mean_ms(self, first: Timing) -> f64 {
        (self.seconds - first.seconds) * 1e3 / (self.count - first.count) as f64
    }
}

/// All looks, a second apart, the first before the load.
pub struct Samples {
    /// In order.
    pub samples: Vec<Sample>,
}

impl Samples {
    /// A second's increase of something, of every whole window.
    pub fn rates(&self, value: fn(&Sample) -> u64) -> Vec<f64> {
        let edges: Vec<&Sample> = self.samples.iter().step_by(WINDOW).collect();
        edges.windows(2).map(|edges| rate(edges[0], edges[1], value)).collect()
    }

    /// The largest value in the third with this number, from 0.
    pub fn largest_in_third(&self, third: usize, value: fn(&Sample) -> u64) -> u64 {
        let edge = |third: usize| self.samples.len() * third / 3;
        self.samples[edge(third)..edge(third + 1)].iter().map(value).max().unwrap_or(0)
    }

    /// The largest value of all.
    pub fn largest(&self, value: fn(&Sample) -> u64) -> u64 {
        self.samples.iter().map(value).max().unwrap_or(0)
    }

    /// The cells of a table, with its head.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let head = [
            "seconds",
            "M points/s",
            "slowest 5 s",
            "RssAnon MiB",
            "segments",
            "segments MiB",
            "directory MiB",
            "written MB/s",
            "flush ms",
            "log sync ms",
            "server cores",
            "merger cores",
            "merges MB/s",
            "cores elsewhere",
        ];
        let mut rows = vec![head.map(String::from).to_vec()];
        // Rows of whole windows, so that none is split between two.
        let windows = (self.samples.len() - 1) / WINDOW;
        let step = windows.div_ceil(ROWS).max(1) * WINDOW;
        for from in (0..windows * WINDOW).step_by(step) {
            let to = (from + step).min(windows * WINDOW);
            rows.push(row(&self.samples[from..=to]));
        }
        rows
    }
}

fn row(part: &[Sample]) -> Vec<String> {
    let (first, last) = (&part[0], &part[part.len() - 1]);
    let windows = part.iter().step_by(WINDOW).collect::<Vec<_>>();
    let rates = windows.windows(2).map(|edges| rate(edges[0], edges[1], |sample| sample.accepted));
    let slowest = rates.reduce(f64::min).unwrap_or(f64::NAN);
    let largest = |value: fn(&Sample) -> u64| part.iter().map(value).max().unwrap_or(0);
    let mib = |bytes: u64| format!("{:.0}", bytes as f64 / MIB);
    vec![
        format!("{:.0}..{:.0}", first.at_s, last.at_s),
        format!("{:.2}", rate(first, last, |sample| sample.accepted) / 1e6),
        format!("{:.2}", slowest / 1e6),
        mib(largest(|sample| sample.anon_bytes)),
        largest(|sample| sample.segments).to_string(),
        mib(largest(|sample| sample.segment_bytes)),
        mib(largest(|sample| sample.directory_bytes)),
        format!("{:.0}", rate(first, last, |sample| sample.written_bytes) / 1e6),
        format!("{:.0}", last.flushes.mean_ms(first.flushes)),
        format!("{:.0}", last.syncs.mean_ms(first.syncs)),
        format!("{:.2}", rate(first, last, |sample| sample.server_cpu_us) / 1e6),
        format!("{:.2}", rate(first, last, |sample| sample.merger_cpu_us) / 1e6),
        format!("{:.0}", rate(first, last, |sample| sample.merge_bytes) / 1e6),
        format!("{:.2}", rate(first, last, |sample| sample.others_cpu_us) / 1e6),
    ]
}

fn rate(first: &Sample, last: &Sample, value: fn(&Sample) -> u64) -> f64 {
    value(last).saturating_sub(value(first)) as f64 / (last.at_s - first.at_s)
}
