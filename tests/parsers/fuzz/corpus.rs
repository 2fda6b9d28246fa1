//! What the fuzzer starts from: the bytes of the cases, and what collectd and netdata sent.

use fastrand::Rng;
use simd_json::OwnedValue;

use crate::cases;

/// Lines that one draw takes from a recording at the most.
const LINES_MAX: usize = 6;

/// Recorded on Debian: collectd's `write_tsdb`, netdata's exporter over telnet and over HTTP.
const COLLECTD: &str = include_str!("../traffic/collectd.txt");
const NETDATA: &str = include_str!("../traffic/netdata.txt");
const NETDATA_HTTP: &str = include_str!("../traffic/netdata.json");

/// As scollector, tcollector and telegraf lay bodies out.
const BODIES: [&str; 4] = [
    NETDATA_HTTP,
    r#"{"metric":"os.cpu","timestamp":1700000000,"value":0.25,"tags":{"host":"web01"}}"#,
    r#"[{"metric":"cpu_usage_user","timestamp":1700000000,"value":99.0,"tags":{"cpu":"cpu0","host":"a"}},{"metric":"mem","timestamp":1700000000000,"value":7,"tags":{"host":"a"}}]"#,
    r#"[{"timestamp":1700000000,"metric":"proc.loadavg.1min","value":"0.36","tags":{"host":"b"},"ttl":null}]"#,
];

/// See the module.
pub struct Corpus {
    telnet: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
}

impl Corpus {
    pub fn load() -> Corpus {
        let text = |name| move |case: OwnedValue| cases::text(&case, name).into_bytes();
        let mut telnet: Vec<Vec<u8>> = cases::telnet().map(text("send")).collect();
        telnet.extend([COLLECTD, NETDATA].map(|text| text.as_bytes().to_vec()));
        let mut bodies: Vec<Vec<u8>> = cases::http().map(text("body")).collect();
        bodies.retain(|body| !body.is_empty());
        bodies.extend(BODIES.map(|body| body.as_bytes().to_vec()));
        Corpus { telnet, bodies }
    }

    /// A few lines that stand behind each other somewhere.
    pub fn lines<'a>(&'a self, chance: &mut Rng) -> &'a [u8] {
        // The recordings, at the end, weigh as much as all cases.
        let one = match chance.bool() {
            true => &self.telnet[self.telnet.len() - chance.usize(1..=2)],
            false => &self.telnet[chance.usize(..self.telnet.len())],
        };
        let ends: Vec<usize> = (0..one.len()).filter(|&at| one[at] == b'\n').collect();
        let Some(last) = ends.len().checked_sub(1) else { return one };
        let from = chance.usize(..=last);
        let start = if from == 0 { 0 } else { ends[from - 1] + 1 };
        &one[start..=ends[(from + chance.usize(..LINES_MAX)).min(last)]]
    }

    /// A whole body.
    pub fn body<'a>(&'a self, chance: &mut Rng) -> &'a [u8] {
        &self.bodies[chance.usize(..self.bodies.len())]
    }
}
